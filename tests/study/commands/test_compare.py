"""`study compare`: what it prints and writes, and what it refuses."""

import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from study.cli import main
from tests.analysis import conftest
from tests.conftest import ROOT

NAMES = ("base", "other")


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two results folders, the second better by nine nats; the current folder contains them."""
    for name, gain in zip(NAMES, (0.0, 9.0), strict=True):
        (tmp_path / name / "results").mkdir(parents=True)
        with monkeypatch.context() as patch:
            for cell, elbo in conftest.ELBO.items():
                patch.setitem(conftest.ELBO, cell, elbo + gain)
            conftest.write_results(tmp_path / name / "results", epochs=6 - int(gain > 0))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def compare(*words: str) -> Result:
    return CliRunner().invoke(main, ["compare", *words])


def refusal(*words: str) -> str:
    result = compare(*words)
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    return result.stderr


def files(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_table_fits_80_columns_and_nothing_is_written(folders: Path) -> None:
    before = files(folders)
    result = compare(*NAMES)
    assert result.exit_code == 0, result.output
    lines = result.output.splitlines()
    assert lines[0] == "other against base: mnist-5k, test split"
    assert "change under study:" in lines
    assert "  epochs  6 → 5" in lines
    assert max(map(len, lines)) <= 80
    rows = [line for line in lines if line.startswith(("all 4 cells", "all conv", "conv-10"))]
    assert len(rows) == 9, "in three metrics"
    assert re.search(r"\+9\.00\s+\[\+8\.\d\d,\s\+9\.\d\d\] < 0\.001 \[.*\] better", rows[0])
    assert "Holm's correction" in result.output
    assert files(folders) == before


def test_a_results_folder_is_the_same_as_the_one_that_contains_it(folders: Path) -> None:
    inside = json.loads(compare("base/results", "other/results", "--json").stdout)
    assert inside["baseline"] == "base/results"
    outside = json.loads(compare(*NAMES, "--json").stdout)
    effects = [one["comparisons"][0]["effects"] for one in (inside, outside)]
    assert effects[0] == effects[1]


def test_json_is_one_document_of_numbers(folders: Path) -> None:
    document = json.loads(compare("base", "other", "base", "--json").stdout)
    assert document["baseline"] == "base"
    assert document["rule"] == {"confidence": 0.95, "level": 0.05, "margin": 0.5}
    assert document["protocol"]["binarisation"] == "dynamic"
    first, second = document["comparisons"]
    assert (first["source"], second["source"]) == ("other", "base")
    assert first["settings"] == [{"name": "epochs", "before": "6", "after": "5"}]
    assert len(first["effects"]) == 3 * 9
    overall = first["effects"][0]
    assert (overall["metric"], overall["factor"], overall["cells"]) == ("elbo", "all cells", 4)
    assert overall["difference"] == pytest.approx(9)
    assert overall["low"] < 9 < overall["high"]
    assert overall["over_images_low"] < 9 < overall["over_images_high"]
    assert overall["verdict"] == "better"
    assert [one["difference"] for one in second["effects"]] == [0] * 27


def test_markdown_is_a_table_with_the_change_above_it(folders: Path) -> None:
    text = compare(*NAMES, "--markdown").stdout
    assert text.startswith("### other against base\n")
    assert "**Change under study:** epochs 6 → 5." in text
    assert "| Cells | base | other | Difference" in text
    assert text.count("<details>") == text.count("</details>") == 3
    for table in re.findall(r"(?:^\|.*\n)+", text, flags=re.MULTILINE):
        assert len({line.count("|") for line in table.splitlines()}) == 1


def test_a_page_needs_nothing_else_and_escapes_names(folders: Path) -> None:
    odd = folders / "<b>&other"
    (folders / "other").rename(odd)
    result = compare("base", odd.name, "--html", "pages/compare.html")
    assert result.output.splitlines()[-1] == "page: pages/compare.html"
    page = (folders / "pages" / "compare.html").read_text(encoding="utf-8")
    HTMLParser().feed(page)
    assert "&lt;b&gt;&amp;other against base" in page
    assert "<b>&other" not in page
    assert page.count("data:image/svg+xml;base64,") == 1
    assert not re.search(r"(?:src|href)=\"(?!data:|#)", page)
    assert "<code>epochs</code> 6 → 5" in page
    assert '<span class="verdict yes">better</span>' in page


def test_a_page_is_never_written_over_a_file(folders: Path) -> None:
    (folders / "mine.html").write_text("mine")
    assert "mine.html: is there already" in refusal(*NAMES, "--html", "mine.html")
    assert (folders / "mine.html").read_text() == "mine"


def test_the_margin_is_that_of_the_settings(folders: Path) -> None:
    params = (ROOT / "params.yaml").read_text(encoding="utf-8")
    (folders / "params.yaml").write_text(params.replace("margin: 0.5 ", "margin: 9.5 "))
    document = json.loads(compare(*NAMES, "--json").stdout)
    assert document["rule"]["margin"] == 9.5
    assert "params.yaml" in refusal(*NAMES, "--params", "missing/params.yaml")


def test_another_protocol_is_refused_by_its_name(folders: Path) -> None:
    table = folders / "other" / "results" / "metrics.csv"
    table.write_text(table.read_text().replace(",dynamic,", ",static,"))
    assert "base and other differ in binarisation (dynamic and static)" in refusal(*NAMES)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["base"], "at least one more"),
        (["base", "other", "--json", "--markdown"], "--json and --markdown exclude each other"),
        (["base", "other/results/runs"], "other/results/runs: has neither metrics.csv nor"),
        (["base", ""], "no such folder"),
        (["base", "unknown"], "unknown: no such folder"),
    ],
)
def test_what_cannot_be_compared_is_refused_in_one_line(
    folders: Path, words: list[str], message: str
) -> None:
    assert message in refusal(*words)


def test_a_table_loads_nothing_that_it_does_not_need(folders: Path) -> None:
    code = (
        "import sys; from study.cli import main; "
        "main(['compare', 'base', 'other'], standalone_mode=False); "
        "print(sorted({'torch', 'mlflow', 'optuna', 'dvc', 'matplotlib'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stdout.splitlines()[-1] == "[]", result.stderr


def test_damage_is_named(folders: Path) -> None:
    (folders / "other" / "results" / "metrics.csv").write_text("run\nlinear-2/seed-0\n")
    assert "other/results/metrics.csv: must have the columns" in refusal(*NAMES)
