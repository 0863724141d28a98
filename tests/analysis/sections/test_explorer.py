"""The explorer's data, its text, and what it does without some of the arrays."""

import base64
import io
import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from analysis.estimate.verdicts import Rule
from analysis.findings import find
from analysis.present.exhibits import Widget
from analysis.sections.explorer import marker_outline, section
from tests.analysis.conftest import read_results

MakeResults = Callable[..., Path]


class Attributes(HTMLParser):
    """The data and the tags of the explorer's elements."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.data: dict[str, Any] = {}
        self.tags: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        assert not [name for name, _ in attrs if name.startswith("on")]
        self.data |= json.loads(dict(attrs).get("data-explorer") or "{}")


def widget(folder: Path) -> Widget:
    found = section(find(read_results(folder), Rule()))
    assert found is not None
    (part,) = found.parts
    assert isinstance(part, Widget)
    return part


def models(folder: Path) -> dict[str, dict[str, Any]]:
    return {model["label"]: model for model in Attributes(widget(folder).html).data["models"]}


def arrays_of(folder: Path, run: str) -> dict[str, np.ndarray]:
    with np.load(folder / "runs" / run / "arrays.npz") as archive:
        return dict(archive)


def remove(folder: Path, *names: str) -> None:
    for path in folder.glob("runs/*/*/arrays.npz"):
        with np.load(path) as archive:
            kept = {name: archive[name] for name in archive if name not in names}
        np.savez(path, **kept)


def pixels(uri: str) -> np.ndarray:
    with Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))) as image:
        return np.asarray(image.convert("L")).astype(int)


def test_planes_come_before_larger_models(results_folder: Path) -> None:
    found = models(results_folder)
    assert list(found) == ["linear-2", "conv-2", "linear-10", "conv-10"]
    assert [model["kind"] for model in found.values()] == ["plane"] * 2 + ["traversals"] * 2


def test_a_plane_is_that_of_the_run(results_folder: Path) -> None:
    plane = models(results_folder)["conv-2"]
    arrays = arrays_of(results_folder, "conv-2/seed-0")
    assert plane["axis"] == [-1.5, -0.75, 0, 0.75, 1.5]
    assert np.allclose(plane["means"], arrays["mu"], atol=0.005 + 1e-6)
    assert plane["labels"] == arrays["labels"].tolist()
    assert plane["judged"]["classes"] == arrays["plane_classes"].tolist()
    assert np.allclose(plane["judged"]["confidence"], 1000 * arrays["plane_confidence"], atol=0.51)
    assert plane["classes"] == [[kind, str(kind)] for kind in range(10)]
    cell = pixels(plane["sprite"])[8:16, 24:32]  # z1 = 0.75, z2 = -0.75
    assert np.abs(cell - arrays["latent_grid"][1, 3]).max() <= 8


def test_traversals_are_those_of_the_run(results_folder: Path) -> None:
    found = models(results_folder)["linear-10"]
    arrays = arrays_of(results_folder, "linear-10/seed-0")
    dims = arrays["traversal_dims"]
    assert [dim["number"] for dim in found["dims"]] == (dims + 1).tolist()
    assert [dim["kl"] for dim in found["dims"]] == [1.5] * 6 + [0.0] * 2
    assert [dim["variance"] for dim in found["dims"]] == [0.75] * 6 + [0.0] * 2
    assert found["starts"] == [str(label) for label in range(10)]
    assert np.allclose(found["codes"], arrays["traversal_base_codes"][:, dims], atol=0.00501)
    row = 3 * 8 + 2  # the third dimension of the fourth start, its last step
    image = pixels(found["sprite"])[8 * row : 8 * row + 8, 32:40]
    assert np.abs(image - arrays["traversals"][3, 2, 4]).max() <= 8


def test_only_some_of_many_images_are_dots(
    make_results: MakeResults, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("analysis.sections.explorer.MEANS_SHOWN", 7)
    plane = models(make_results())["linear-2"]
    assert (plane["images"], len(plane["means"]), len(plane["labels"])) == (40, 7, 7)
    assert len({tuple(mean) for mean in plane["means"]}) == 7


def test_the_caption_mentions_only_what_is_shown(make_results: MakeResults) -> None:
    folder = make_results(latent_dims=[2])
    part = widget(folder)
    assert "around the origin" in part.caption
    assert "single dimensions" not in part.caption
    assert part.text.endswith("latent spaces of linear-2 and conv-2.")
    assert "the judge sees" in part.html
    remove(folder, "plane_classes")
    assert "judged" not in models(folder)["conv-2"]
    assert "the judge sees" not in widget(folder).html


def test_missing_traversals_and_planes_are_noted(make_results: MakeResults) -> None:
    folder = make_results()
    remove(folder, "traversals", "plane_classes", "plane_confidence", "log_var")
    found = section(find(read_results(folder), Rule()))
    assert found is not None
    assert len(found.parts) == 1
    (note,) = found.notes
    assert "no traversals for linear-10 and conv-10" in note
    assert "`dvc repro`" in note
    remove(folder, "latent_grid")
    found = section(find(read_results(folder), Rule()))
    assert found is not None
    assert found.parts == ()
    assert "no decoded plane for linear-2 and conv-2" in found.notes[0]


def test_one_dimensional_models_cannot_be_explored(make_results: MakeResults) -> None:
    found = section(find(read_results(make_results(latent_dims=[1, 3])), Rule()))
    assert found is not None
    (note,) = found.notes
    assert "nothing to explore for linear-1 and conv-1" in note


def test_without_arrays_there_is_no_explorer(make_results: MakeResults) -> None:
    folder = make_results()
    for path in folder.glob("runs/*/*/arrays.npz"):
        path.unlink()
    assert section(find(read_results(folder), Rule())) is None


def test_names_are_escaped(make_results: MakeResults) -> None:
    evil = '"><script>alert(1)</script>'
    folder = make_results(classes=[evil, "b"], architectures=["linear", "<b>"])
    html = widget(folder).html
    assert "<script" not in html
    page = Attributes(html)
    assert {"b", "script", "i"}.isdisjoint(page.tags)
    assert page.data["models"][0]["classes"] == [[0, evil], [1, "b"]]
    assert "<b>-2" in [model["label"] for model in page.data["models"]]


def test_the_script_is_the_same_for_all_results(
    results_folder: Path, make_results: MakeResults
) -> None:
    """The page's security policy contains its hash: no user input may reach it."""
    assert widget(results_folder).script == widget(make_results(classes=["x", "y"])).script
    assert not re.search(r"https?:|innerHTML|eval\(|fetch\(", widget(results_folder).script)


def test_markers_fit_their_box() -> None:
    square = marker_outline("s")
    assert square == "M-1.000 1.000L1.000 1.000L1.000 -1.000L-1.000 -1.000Z"
    for marker in ("o", "^", "D", "v", "P", "X", "p", "h", "<", ">", "d", "*", "H", "8"):
        numbers = [float(text) for text in re.findall(r"-?\d+\.\d+", marker_outline(marker))]
        assert max(map(abs, numbers)) == pytest.approx(1)
    assert marker_outline("^").startswith("M0.000 -1.000")  # its tip is up
