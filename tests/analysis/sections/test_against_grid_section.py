"""The answer to whether the search beat the defaults."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis.estimate.verdicts import Rule
from analysis.findings import Findings, find
from analysis.present.exhibits import Exhibit, TableExhibit
from analysis.present.style import theme
from analysis.report import make_report
from analysis.sections.against_grid import against_grid_parts, search_answer
from tests.analysis.conftest import read_results
from tests.analysis.searches import confirm_in_card, loaded, searched

MakeResults = Callable[..., Path]
NBSP = "\N{NO-BREAK SPACE}"


@pytest.fixture
def folder(make_results: MakeResults) -> Path:
    """A grid of conv and linear, and a search of both."""
    folder = make_results()
    searched(folder, 4, 2)
    return folder


def found_with(folder: Path, epochs: int = 6, **new: Any) -> Findings:
    confirm_in_card(folder, epochs, **new)
    return find(read_results(folder), Rule(), loaded(folder))


def parts(found: Findings) -> tuple[str, Exhibit, TableExhibit]:
    assert found.trials is not None
    with theme():
        text, (figure, table) = against_grid_parts(found, found.trials)
    assert isinstance(figure, Exhibit)
    assert isinstance(table, TableExhibit)
    return text, figure, table


def test_each_architecture_has_its_answer_with_an_interval(folder: Path) -> None:
    found = found_with(folder, conv=[-100.0, -100.1, -100.2], linear=[-140.0, -140.2])
    text, figure, table = parts(found)
    assert text.startswith(
        "Did the search beat the defaults? Linear: no, it is worse by 18.10 nats ["
    )
    assert "; conv: yes, by 21.65 nats [" in text
    assert "(3 new seeds of trial 0, 2 seeds of conv-10)" in text
    assert text.endswith("new seeds remove only the noise of training.")
    sentence = search_answer(found)
    assert sentence.startswith("On the validation split: linear: no, it is worse by 18.10 nats [")
    assert sentence.endswith("2 seeds of conv-10).")
    assert "2 to 3 new seeds" in figure.caption
    assert "selected on these validation images" in table.caption
    rows = {row[0].text: row[1:] for row in table.table.rows}
    assert [column.label for column in table.table.columns] == ["Quantity", "linear", "conv"]
    assert [cell.text for cell in rows["Best trial"]] == ["trial 1", "trial 0"]
    assert [cell.detail for cell in rows["Best trial"]] == ["best of 2 complete trials"] * 2
    assert rows["Its settings"][1].text == "latent size 2; beta 0.25;"
    assert rows["Its settings"][1].detail == "channels 16, 32"
    assert [cell.text for cell in rows["Verdict"]] == ["worse", "better"]
    assert [cell.tone for cell in rows["Verdict"]] == ["no", "yes"]
    assert table.frame is not None
    assert table.frame["difference_mean"].tolist() == pytest.approx([-18.1, 21.65])


def test_the_figure_has_one_panel_per_architecture_with_all_seeds(folder: Path) -> None:
    _, figure, _ = parts(found_with(folder, conv=[-121.0, -122.0], linear=[-121.0, -122.0]))
    titles = [axes.get_title(loc="left") for axes in figure.figure.axes]
    assert titles == ["linear: trial 1 against linear-10", "conv: trial 0 against conv-10"]
    drawn = [np.asarray(line.get_xdata()).tolist() for line in figure.figure.axes[1].lines]
    assert [-121.0, -122.0] in drawn
    assert pytest.approx([-122.25, -121.25]) in drawn
    assert [-100.0] in drawn, "the value that the search saw"


def test_what_cannot_be_compared_is_said_and_not_answered(folder: Path) -> None:
    found = found_with(folder, epochs=30, conv=[-121.0, -122.0])
    assert found.trials is not None
    text, shown = against_grid_parts(found, found.trials)
    assert shown == ()
    assert text.endswith(
        "Linear: cannot be compared, because trial 1 was not retrained with new seeds; conv: "
        "cannot be compared, because search and grid differ in epochs (30 and 6)."
    )
    assert search_answer(found) == ""
    assert search_answer(find(found.results, Rule())) == ""


def test_one_new_seed_gives_no_verdict(folder: Path) -> None:
    text, _, table = parts(found_with(folder, conv=[-121.0]))
    assert "Conv: no verdict from one seed, +0.75 nats (1 new seed of trial 0" in text
    rows = {row[0].text: row[1].text for row in table.table.rows}
    assert rows["p, Holm"] == "–"
    assert rows["Verdict"] == "unknown"


@pytest.mark.usefixtures("unrendered")
def test_the_first_screen_has_the_answer(folder: Path) -> None:
    found = found_with(folder, conv=[-100.0, -100.1, -100.2])
    files = make_report(found.results, Rule(), found.trials)
    assert "Search against defaults" in files["index.html"].decode()
    assert "yes, by 21.65 nats" in files["report.md"].decode().replace(NBSP, " ")
    assert {"tables/against-grid.csv", "figures/against-grid.svg"} <= files.keys()
