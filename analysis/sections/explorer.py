"""The explorer: a part of the page in which a reader moves through the latent spaces.

All that it shows was decoded when the runs were evaluated; the page holds the pictures and picks
among them.
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
MEANS_SHOWN = 2000  # dots of a map, at most; more hide each other and make the page heavy

_TRAVERSED = (
    *("traversals", "traversal_dims", "traversal_axis", "traversal_bases"),
    *("traversal_base_codes", "labels", "kl_per_dim", "mu_variance"),
)


def section(found: Findings) -> ReportSection | None:
    """The chapter; None where no run drew anything."""
    if not found.drawings:
        return None
    classes = found.results.data.classes if found.results.data else ()
    widget = explorer(found.drawings, found.styles, classes, found.results.protocol.split)
    parts = (widget,) if widget else ()
    return ReportSection("explorer", "Explorer", parts, notes=missing(found.drawings))


def explorer(
    drawings: Sequence[Drawings], styles: Styles, classes: Sequence[str], split: str
) -> Widget | None:
    """Planes and traversals to move through; None where no run has either.

    Args:
        drawings: of one run a configuration, in the order of reading.
        styles: by display name.
        classes: the name of each label.
        split: that was measured.
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
        title="Move through the latent spaces",
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
            f"In index.html a reader can move through the latent spaces of "
            f"{join_and([drawing.label for drawing in shown])}."
        ),
    )


def missing(drawings: Sequence[Drawings]) -> tuple[str, ...]:
    """Sentences on the models that cannot be explored; empty if all can."""
    able = {drawing.run for drawing in [*with_planes(drawings), *with_traversals(drawings)]}
    rest = [drawing for drawing in drawings if drawing.run not in able]
    planes = [drawing.model for drawing in rest if drawing.latent_dim == 2]
    larger = [drawing.model for drawing in rest if drawing.latent_dim > 2]
    lines = [drawing.model for drawing in rest if drawing.latent_dim < 2]
    notes = []
    if planes:
        notes.append(
            f"No decoded plane of {join_and(planes)} among the results: not to be explored. Make "
            "the arrays anew with `dvc repro`."
        )
    if larger:
        notes.append(
            f"No traversals of {join_and(larger)} among the results: not to be explored. Make the "
            "arrays anew with `dvc repro`."
        )
    if lines:
        notes.append(f"Nothing to explore of {join_and(lines)}: a code of one dimension.")
    return tuple(notes)


def with_planes(drawings: Sequence[Drawings]) -> list[Drawings]:
    """Those of two dimensions whose plane and codes are there."""
    found = with_arrays(drawings, "latent_grid", "latent_grid_axis", "mu", "labels")
    return [drawing for drawing in found if drawing.latent_dim == 2]


def with_traversals(drawings: Sequence[Drawings]) -> list[Drawings]:
    """Those of more dimensions whose traversals are there."""
    return [drawing for drawing in with_arrays(drawings, *_TRAVERSED) if drawing.latent_dim > 2]


def plane_data(drawing: Drawings, classes: Sequence[str]) -> dict[str, Any]:
    """What the page knows of a plane; its sprite has z1 to the right and z2 downwards."""
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
    """What the page knows of traversals; its sprite has a row for each start and dimension."""
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
    """A marker of matplotlib as the path of an SVG, in a box from -1 to 1 with y downwards."""
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
    """Lists of numbers with two digits behind the point: all that the page shows of them."""
    return np.round(values.astype(np.float64) + 0.0, 2).tolist()


def _caption(planes: Sequence[Drawings], traversed: Sequence[Drawings]) -> str:
    parts = [
        *(["around the origin of two latent dimensions"] if planes else []),
        *(["along one of more dimensions, from the code of an image"] if traversed else []),
    ]
    return (
        f"What the decoders draw {', and '.join(parts)}. {LOWEST_SEED} {IMAGES_ARE_MEANS} The page "
        f"holds them in {LEVELS} levels of grey."
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
    return Markup(rendered)  # noqa: S704 - the template escapes what it is given
