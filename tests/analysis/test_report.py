"""The whole report: complete, self-contained, escaped, reproducible, atomic."""

import base64
import hashlib
import io
import json
import re
import subprocess
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest

from analysis.estimate.intervals import summarise
from analysis.estimate.verdicts import Rule
from analysis.report import make_report, write_report
from analysis.sections.summary import facts, notes
from pipeline.errors import UserError
from pipeline.schemas.metric import GROUPS
from pipeline.schemas.record import RecordError
from pipeline.settings import load_settings
from tests.analysis.conftest import read_results

MakeResults = Callable[..., Path]
PARAMS = Path(__file__).parents[2] / "params.yaml"

FIGURES = [
    "training-curves.svg",
    "training-time.svg",
    "latent-size.svg",
    "metrics-by-size.svg",
    "differences.svg",
    "tradeoffs.svg",
    "reconstructions.png",
    "reconstruction-errors.png",
    "best-and-worst.png",
    "samples.png",
    "interpolations.png",
    "latent-grid.png",
    "plane-classes.png",
    "posterior-means.png",
    "kl-per-dimension.svg",
    "aggregate-posterior.svg",
    "rate-distortion.svg",
]


class Page(HTMLParser):
    """Collects tags with their attributes, and the text."""

    def __init__(self, content: bytes) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(content.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def test_every_file_is_there(report: dict[str, bytes]) -> None:
    with_numbers = (
        *("comparison", "differences", "statements", "sample-scores", "path-plausibility"),
        *("plane-borders", "differences-by-metric", "files", "runs"),
    )
    tables = [f"tables/{name}.{end}" for name in with_numbers for end in ("csv", "md", "tex")]
    texts = (*GROUPS, "plane-center", "codes", "versions")
    tables += [f"tables/{name}.{end}" for name in texts for end in ("md", "tex")]
    pictures = {*FIGURES, *(name.replace(".svg", ".png") for name in FIGURES)}
    expected = [*(f"figures/{name}" for name in pictures), *tables, "report.md", "index.html"]
    assert sorted(report) == sorted(expected)
    assert list(report)[-1] == "index.html"


def test_the_page_is_self_contained(report: dict[str, bytes]) -> None:
    page = Page(report["index.html"])
    for tag, attributes in page.tags:
        assert tag not in ("link", "iframe", "object", "embed", "base")
        for name in ("src", "href", "srcset", "data", "poster"):
            assert (attributes.get(name) or "data:").startswith(("data:", "#"))
    style = re.findall(r"<style>(.*?)</style>", report["index.html"].decode(), re.DOTALL)
    assert len(style) == 1
    assert "url(" not in style[0]
    assert "@import" not in style[0]
    assert "default-src 'none'" in report["index.html"].decode()


def test_the_contents_link_to_every_section(report: dict[str, bytes]) -> None:
    tags = Page(report["index.html"]).tags
    targets = [a["href"] for tag, a in tags if tag == "a" and (a.get("href") or "")[:1] == "#"]
    anchors = {f"#{attributes['id']}" for _, attributes in tags if "id" in attributes}
    sections = [f"#{a['id']}" for tag, a in tags if tag == "section" and "id" in a]
    assert set(targets) <= anchors
    assert targets == ["#top", *sections]
    assert sections[-2:] == ["#provenance", "#definitions"]


def test_no_two_elements_share_an_anchor(report: dict[str, bytes]) -> None:
    anchors = [a["id"] for _, a in Page(report["index.html"]).tags if "id" in a]
    assert len(anchors) == len(set(anchors))


def test_the_order_of_the_first_screen(report: dict[str, bytes]) -> None:
    page, text = (report[name].decode() for name in ("index.html", "report.md"))
    for content in (page.partition("</style>")[2], text):
        places = [
            content.index(words)
            for words in (
                "Which model explains mnist-5k best",
                "Best configuration",
                "load_model",
                "Table 1.",
                "Protocol",
                "Commit date",
                "Training curves",
            )
        ]
        assert places == sorted(places)
    head = next(line for line in text.splitlines() if line.startswith("| Model"))
    labels = [cell.partition("(")[0].strip(" ↑↓|") for cell in head.split("|")[1:-1]]
    assert labels == [
        *("Model", "ELBO", "NLL, K = 500", "Reconstruction", "KL", "Active units"),
        *("Fréchet distance", "Training"),
    ]


def test_the_page_allows_only_its_own_script(report: dict[str, bytes]) -> None:
    scripts = re.findall(r"<script([^>]*)>(.*?)</script>", report["index.html"].decode(), re.DOTALL)
    assert [attributes for attributes, _ in scripts] == [""]
    digest = base64.b64encode(hashlib.sha256(scripts[0][1].encode()).digest()).decode()
    policies = [
        attributes["content"] or ""
        for _, attributes in Page(report["index.html"]).tags
        if attributes.get("http-equiv") == "Content-Security-Policy"
    ]
    assert [policy.partition("script-src ")[2] for policy in policies] == [f"'sha256-{digest}'"]


def test_embedded_images_are_the_files(report: dict[str, bytes]) -> None:
    images = [attributes for tag, attributes in Page(report["index.html"]).tags if tag == "img"]
    assert len(images) == len(FIGURES)
    for attributes, name in zip(images, FIGURES, strict=True):
        encoded = (attributes["src"] or "").partition("base64,")[2]
        assert base64.b64decode(encoded) == report[f"figures/{name}"]
        assert attributes["alt"]
        assert int(attributes["width"] or 0) > 0


def test_markdown_points_to_files(report: dict[str, bytes]) -> None:
    text = report["report.md"].decode()
    links = re.findall(r"\]\((figures/[^)]*)\)", text)
    assert links == [f"figures/{name}" for name in FIGURES]
    assert "**Figure 14. Posterior means.**" in text


def test_what_a_reader_must_find(report: dict[str, bytes]) -> None:
    text = " ".join(Page(report["index.html"]).text.split())
    for words in (
        "Linear or convolutional",
        "conv-10 has the highest mean ELBO",
        "4,050 train, 450 valid, 500 test",
        "test split, hash 0123456789ab",
        "dynamic",
        "seeds 0, 1",
        "last epoch",
        "float32",
        "c0ffee0123",
        "nats per image",
        "Figure 1. Training curves.",
        "99.2 % test accuracy, hash 5d3b01234567",
        "real images reach 0.59.",
        "reaches 99.2 % test accuracy",
        "calibration error on test images is 0.6 %, compared with 0.9 % before",
        "generated 2,000 images",
        "not comparable with Inception FID",
        "confidence exceeds 0.912, the 5th percentile",
    ):
        assert words in text


def test_real_images_end_the_judges_table(report: dict[str, bytes]) -> None:
    rows = report["tables/judge.md"].decode().splitlines()
    assert rows[0].startswith("| Model | Fréchet distance ↓ (judge's features) | Kernel distance ↓")
    assert rows[-1] == (
        "| real images | 0.59 | 0.000 | 0.002 | 0.810 | 0.820 | 0.980 | 0.930 | 0.987 | 0.050 "
        "| 2.30 |"
    )
    marked = [row for row in rows if "**" in row]
    assert marked
    assert rows[-1] not in marked
    assert "real images" not in report["tables/comparison.csv"].decode()
    assert '<tr class="reference">' in report["index.html"].decode()


def test_a_class_is_never_averaged(report: dict[str, bytes]) -> None:
    lines = report["tables/paths.md"].decode().splitlines()
    place = [cell.strip() for cell in lines[0].split("|")].index("Class at the origin")
    cells = [[cell.strip() for cell in line.split("|")][place] for line in lines[2:]]
    assert cells == ["8, 9", "–", "8, 9", "–"]
    frame = pd.read_csv(io.BytesIO(report["tables/comparison.csv"]))
    assert [name for name in frame if name.startswith("grid_center_class")] == ["grid_center_class"]
    assert frame["grid_center_class"][0] == "8, 9"


def test_comparison_csv(report: dict[str, bytes]) -> None:
    frame = pd.read_csv(io.BytesIO(report["tables/comparison.csv"]))
    assert frame[["architecture", "latent_dim", "beta", "seeds"]].values.tolist() == [
        ["linear", 2, 1, 2],
        ["linear", 10, 1, 2],
        ["conv", 2, 1, 2],
        ["conv", 10, 1, 2],
    ]
    for metric in ("elbo", "reconstruction", "kl", "active_units"):
        low, mean, high = (frame[f"{metric}_{end}"] for end in ("low", "mean", "high"))
        assert ((low <= mean) & (mean <= high)).all()


@pytest.mark.slow
def test_the_same_results_give_the_same_bytes_without_torch(
    results_folder: Path, report: dict[str, bytes], tmp_path: Path
) -> None:
    code = (
        "import sys; from pathlib import Path; from analysis.report import write_report; "
        "from pipeline.settings import load_settings; "
        "folder, out, params = map(Path, sys.argv[1:]); "
        "write_report(load_settings(params), folder, out, folder / 'judge.json'); "
        "print(sorted({'torch', 'optuna', 'mlflow', 'study'} & set(sys.modules)))"
    )
    out = tmp_path / "reports"
    done = subprocess.run(
        [sys.executable, "-c", code, str(results_folder), str(out), str(PARAMS)],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": ":".join(filter(None, sys.path)), "PYTHONHASHSEED": "7"},
    )
    assert done.stdout.strip() == "[]"
    written = {
        str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*") if path.is_file()
    }
    card = json.loads(written.pop("report.json"))
    assert written == report
    assert card["sha256"].keys() == report.keys()


@pytest.mark.usefixtures("unrendered")
def test_names_are_escaped_everywhere(make_results: MakeResults) -> None:
    evil = '<script>alert("1")</script>|$x_y$'
    folder = make_results(
        protocol={"data": evil}, classes=[f"_{evil}", "$", "b"], architectures=["linear", evil[:8]]
    )
    files = make_report(read_results(folder), Rule())
    assert [tag for tag, _ in Page(files["index.html"]).tags if tag == "script"] == ["script"]
    assert evil in Page(files["index.html"]).text
    rows = [line for line in files["report.md"].decode().splitlines() if line.startswith("| Data")]
    assert rows == [r"| Data | \<script\>alert(" r'"1")\</script\>\|\$x\_y\$ |']


def test_collapse_other_commits_and_one_seed_are_noted(make_results: MakeResults) -> None:
    folder = make_results(collapsed=["conv-10/seed-1"])
    frame = pd.read_csv(folder / "metrics.csv")
    frame.loc[0, "commit"] = "deadbeef"
    frame = frame[frame["run"] != "linear-2/seed-1"]
    frame.to_csv(folder / "metrics.csv", index=False)
    results = read_results(folder)
    found = notes(results, summarise(results.runs, 0.95), 0.95)
    assert found[0].startswith("conv-10/seed-1 collapsed")
    assert "the mean ELBO of the other runs is −112.25" in found[0]
    assert "only one seed of linear-2" in found[1]
    assert found[2] == "The runs come from 2 commits: c0ffee0123 and deadbeef."


@pytest.mark.parametrize(
    "changes",
    [
        {"seeds": [0], "classes": ["T-shirt/top", "Trouser"], "epochs": 1},
        {"latent_dims": [10, 3], "collapsed": ["conv-10/seed-0", "conv-10/seed-1"]},
        {"latent_dims": [2], "architectures": ["conv"], "seeds": [5]},
        {"betas": [0.5, 4.0], "seeds": [0], "collapsed": ["conv-2/beta-4-seed-0"]},
    ],
    ids=["one-seed-and-epoch", "no-plane", "one-run", "betas"],
)
@pytest.mark.usefixtures("unrendered")
def test_reduced_results_still_produce_a_report(
    make_results: MakeResults, changes: dict[str, object]
) -> None:
    files = make_report(read_results(make_results(**changes)), Rule())
    text = Page(files["index.html"]).text
    assert not re.search(r"\bnan\b", text)
    assert ("latent-grid" in str(files["index.html"])) == (changes.get("latent_dims") != [10, 3])


@pytest.mark.usefixtures("unrendered")
def test_without_arrays_and_history(make_results: MakeResults) -> None:
    folder = make_results()
    for path in [*folder.glob("runs/*/*/arrays.npz"), folder / "history.csv", folder / "data.json"]:
        path.unlink()
    files = make_report(read_results(folder), Rule())
    text = Page(files["index.html"]).text
    assert "No images of linear-2, linear-10, conv-2 and conv-10, because" in text
    assert "training curves are not shown" in text
    sheets = {f"figures/{name}" for name in FIGURES if name.endswith(".png")}
    assert not sheets & set(files)


@pytest.mark.usefixtures("unrendered")
def test_cross_entropy_is_named(make_results: MakeResults) -> None:
    folder = make_results(protocol={"binarisation": "none"})
    results = read_results(folder)
    assert dict(facts(results))["Likelihood"].endswith("(cross-entropy, not a likelihood)")
    files = make_report(results, Rule())
    for name in ("index.html", "report.md", "tables/comparison.md", "tables/comparison.tex"):
        assert "cross-entropy, not a likelihood" in files[name].decode()


def test_a_failure_leaves_the_old_report(make_results: MakeResults, tmp_path: Path) -> None:
    folder, out = make_results(), tmp_path / "reports"
    out.mkdir()
    (out / "index.html").write_text("old")
    (folder / "runs/conv-2/seed-0/arrays.npz").write_bytes(b"damaged")
    with pytest.raises(RecordError):
        write_report(load_settings(PARAMS), folder, out, folder / "judge.json")
    assert [path.name for path in out.iterdir()] == ["index.html"]
    assert (out / "index.html").read_text() == "old"


def test_versions_machine_and_date_are_part_of_the_protocol(make_results: MakeResults) -> None:
    folder = make_results()
    known = dict(facts(read_results(folder)))
    assert known["Versions"] == "torch 2.9.1"
    assert known["Trained on"] == "cpu with 1 thread"
    assert known["Commit date"] == "2026-03-01"
    (folder / "provenance.json").unlink()
    unknown = dict(facts(read_results(folder)))
    for term in ("Versions", "Trained on", "Commit date"):
        assert unknown[term] == "unknown"


def test_uncommitted_changes_are_noted(make_results: MakeResults) -> None:
    folder = make_results()
    frame = pd.read_csv(folder / "metrics.csv")
    frame.loc[0, "commit"] = "c0ffee0123456789+changes"
    frame.to_csv(folder / "metrics.csv", index=False)
    results = read_results(folder)
    assert dict(facts(results))["Commit"] == "c0ffee0123, c0ffee0123+changes"
    found = notes(results, summarise(results.runs, 0.95), 0.95)
    assert any("code of 1 run had uncommitted changes (+changes)" in note for note in found)


def test_damaged_provenance_is_reported(make_results: MakeResults) -> None:
    folder = make_results()
    (folder / "provenance.json").write_text('{"runs": []}')
    with pytest.raises(UserError, match=r"provenance.json.*dvc repro collect"):
        read_results(folder)
