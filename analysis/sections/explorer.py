"""The explorer: a part of the page where readers can move through the latent spaces.

Everything it shows was decoded when the runs were evaluated; the page contains the images and
selects among them.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from matplotlib.markers import MarkerStyle
from matplotlib.path import Path as Outline

from analysis.figures.latents import class_name
from analysis.findings import Findings
from analysis.present.exhibits import ReportSection, Styles, Widget
from analysis.present.sprites import LEVELS, sprite_uri
from analysis.present.style import CLASS_COLOURS
from analysis.read.arrays import Array, Drawings, with_arrays
from analysis.sections.wording import IMAGES_ARE_MEANS, LOWEST_SEED
from analysis.words import join_and

TEMPLATES = Path(__file__).parents[1] / "templates"
MEANS_SHOWN = 2000  # dots on a map, at most; more overlap and make the page heavy

_TRAVERSED = (
    *("traversals", "traversal_dims", "traversal_axis", "traversal_bases"),
    *("traversal_base_codes", "labels", "kl_per_dim", "mu_variance"),
)


def section(found: Findings) -> ReportSection | None:
    """The section; None if there are no arrays."""
    if not found.drawings:
        return None
    classes = found.results.data.classes if found.results.data else ()
    widget = explorer(found.drawings, found.styles, classes, found.results.protocol.split)
    parts = (widget,) if widget else ()
    return ReportSection("explorer", "Explorer", parts, notes=missing(found.drawings))


def explorer(
    drawings: Sequence[Drawings], styles: Styles, classes: Sequence[str], split: str
) -> Widget | None:
    """Build the widget of planes and traversals; None if no run has either.

    Args:
        drawings: one run per configuration, in display order.
        styles: by display name.
        classes: name of each label.
        split: the split that was measured.
    """
    planes, traversed = with_planes(drawings), with_traversals(drawings)
    shown = [*planes, *traversed]
    if not shown:
        return None
    data: dict[str, Any] = {
        "classColours": CLASS_COLOURS,
        "models": [
            *(plane_data(drawing, classes) for drawing in planes),
            *(traversal_data(drawing, classes) for drawing in traversed),
        ],
    }
    models = [
        {
            "label": drawing.label,
            "colour": styles[drawing.model].colour,
            "outline": marker_outline(styles[drawing.model].marker),
        }
        for drawing in shown
    ]
    return Widget(
        name="latent-explorer",
        title="Explore the latent spaces",
        caption=_caption(planes, traversed),
        html=_html(
            data=json.dumps(data, separators=(",", ":"), allow_nan=False),
            models=models,
            judged=any("judged" in model for model in data["models"]),
            split=split,
        ),
        script=(TEMPLATES / "explorer.js").read_text(encoding="utf-8"),
        style=(TEMPLATES / "explorer.css").read_text(encoding="utf-8"),
        text=(
            f"This part is interactive; open index.html to explore the latent spaces of "
            f"{join_and([drawing.label for drawing in shown])}."
        ),
    )


def missing(drawings: Sequence[Drawings]) -> tuple[str, ...]:
    """Return sentences on the models that cannot be explored; empty if all can."""
    able = {drawing.run for drawing in [*with_planes(drawings), *with_traversals(drawings)]}
    rest = [drawing for drawing in drawings if drawing.run not in able]
    planes = [drawing.model for drawing in rest if drawing.latent_dim == 2]
    larger = [drawing.model for drawing in rest if drawing.latent_dim > 2]
    lines = [drawing.model for drawing in rest if drawing.latent_dim < 2]
    notes = []
    if planes:
        notes.append(
            f"The results contain no decoded plane for {join_and(planes)}, which are therefore "
            "missing here: run `dvc repro` to create it."
        )
    if larger:
        notes.append(
            f"The results contain no traversals for {join_and(larger)}, which are therefore "
            "missing here: run `dvc repro` to create them."
        )
    if lines:
        notes.append(
            f"There is nothing to explore for {join_and(lines)}: codes have one dimension."
        )
    return tuple(notes)


def with_planes(drawings: Sequence[Drawings]) -> list[Drawings]:
    """Select two-dimensional models that have their plane and codes."""
    found = with_arrays(drawings, "latent_grid", "latent_grid_axis", "mu", "labels")
    return [drawing for drawing in found if drawing.latent_dim == 2]


def with_traversals(drawings: Sequence[Drawings]) -> list[Drawings]:
    """Select larger models that have their traversals."""
    return [drawing for drawing in with_arrays(drawings, *_TRAVERSED) if drawing.latent_dim > 2]


def plane_data(drawing: Drawings, classes: Sequence[str]) -> dict[str, Any]:
    """Data of a plane for the page; in its sprite, z1 runs to the right and z2 downwards."""
    arrays = drawing.arrays
    chosen = np.linspace(0, len(arrays["mu"]) - 1, min(len(arrays["mu"]), MEANS_SHOWN)).astype(int)
    labels = arrays["labels"][chosen].astype(int)
    seen = np.unique(labels)
    data = _shared(drawing, arrays["latent_grid"]) | {
        "kind": "plane",
        "axis": _rounded(arrays["latent_grid_axis"]),
        "images": len(arrays["mu"]),
        "means": _rounded(arrays["mu"][chosen]),
        "labels": labels.tolist(),
    }
    if "plane_classes" in arrays and "plane_confidence" in arrays:
        judged = arrays["plane_classes"].astype(int)
        seen = np.union1d(seen, judged)
        data["judged"] = {
            "classes": judged.tolist(),
            "confidence": np.round(1000 * arrays["plane_confidence"]).astype(int).tolist(),
        }
    return data | {"classes": [[int(kind), class_name(int(kind), classes)] for kind in seen]}


def traversal_data(drawing: Drawings, classes: Sequence[str]) -> dict[str, Any]:
    """Data of traversals for the page; the sprite has one row per start and dimension."""
    arrays = drawing.arrays
    dims = arrays["traversal_dims"].astype(int)
    starts = arrays["labels"][arrays["traversal_bases"]].astype(int).tolist()
    pictures = arrays["traversals"]
    return _shared(drawing, pictures.reshape(-1, *pictures.shape[2:])) | {
        "kind": "traversals",
        "axis": _rounded(arrays["traversal_axis"]),
        "dims": [
            {"number": dim + 1, "kl": kl, "variance": variance}
            for dim, kl, variance in zip(
                dims.tolist(),
                _rounded(arrays["kl_per_dim"][dims]),
                _rounded(arrays["mu_variance"][dims]),
                strict=True,
            )
        ],
        "starts": [class_name(label, classes) for label in starts],
        "codes": _rounded(arrays["traversal_base_codes"][:, dims]),
    }


def marker_outline(marker: str) -> str:
    """Convert a matplotlib marker to an SVG path in a box from -1 to 1, with y downwards."""
    style = MarkerStyle(marker)
    path = style.get_path().transformed(style.get_transform())
    scale = 1 / np.abs(path.vertices).max()
    letters = {Outline.MOVETO: "M", Outline.LINETO: "L", Outline.CURVE3: "Q", Outline.CURVE4: "C"}
    steps = []
    for points, code in path.iter_segments():
        if code == Outline.CLOSEPOLY:
            steps.append("Z")
        else:
            pairs = (np.asarray(points).reshape(-1, 2) * (scale, -scale)).ravel()
            steps.append(letters[code] + " ".join(f"{value:.3f}" for value in pairs + 0.0))
    return "".join(steps)


def _shared(drawing: Drawings, images: Array) -> dict[str, Any]:
    return {
        "label": drawing.label,
        "height": images.shape[2],
        "width": images.shape[3],
        "sprite": sprite_uri(images),
    }


def _rounded(values: Array) -> Any:
    """Convert to lists of numbers with the two decimals that the page shows."""
    return np.round(values.astype(np.float64) + 0.0, 2).tolist()


def _caption(planes: Sequence[Drawings], traversed: Sequence[Drawings]) -> str:
    parts = [
        *(["around the origin for two latent dimensions"] if planes else []),
        *(
            ["along single dimensions for more, starting from the code of an image"]
            * bool(traversed)
        ),
    ]
    return (
        f"What the decoders generate: {', and '.join(parts)}. {LOWEST_SEED} {IMAGES_ARE_MEANS} The "
        f"page stores them with {LEVELS} grey levels."
    )


def _html(**content: Any) -> Markup:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    rendered = environment.get_template("explorer.html.j2").render(content)
    return Markup(rendered)  # noqa: S704 - the template escapes its inputs
