"""The section on the search, with and without its parts."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from analysis.estimate.verdicts import Rule
from analysis.findings import Findings, find
from analysis.present.exhibits import Exhibit, ReportSection, TableExhibit
from analysis.present.style import theme
from analysis.read.trials import Trials
from analysis.report import make_report
from analysis.sections.search import search_exhibit, section
from tests.analysis.conftest import read_results
from tests.analysis.searches import (
    PROTOCOL,
    SPACE,
    confirm_in_card,
    loaded,
    planned_row,
    searched,
    write_confirmed,
    write_importance,
    write_search,
)

NBSP = "\N{NO-BREAK SPACE}"
GREY = PROTOCOL | {"binarisation": "none"}
WHOLE = [
    "against-grid",
    "against-grid",
    "search-settings",
    "search",
    "search-states",
    "trials",
    "confirmed",
    "confirmed",
    "importance",
    "importance",
    "slices",
    "contours",
    "search-space",
]


@pytest.fixture(scope="module")
def grid(results_folder: Path) -> Findings:
    return find(read_results(results_folder), Rule())


def built(grid: Findings, trials: Trials) -> ReportSection:
    with theme():
        return section(replace(grid, trials=trials))


def exhibit(shown: ReportSection, name: str) -> Exhibit:
    (found,) = [one for one in shown.parts if isinstance(one, Exhibit) and one.name == name]
    return found


def names(shown: ReportSection) -> list[str]:
    return [part.name for part in shown.parts]


def test_all_parts_are_there_in_order(grid: Findings, tmp_path: Path) -> None:
    write_importance(tmp_path)
    write_confirmed(tmp_path, 0, -101.0, -102.0, -103.0)
    searched(tmp_path, 24, 6)
    confirm_in_card(tmp_path, epochs=6, conv=[-121.0, -122.0])
    shown = built(grid, loaded(tmp_path))
    assert names(shown) == WHOLE
    assert shown.notes == ()
    confirmed = exhibit(shown, "confirmed")
    assert "one seed" in confirmed.caption
    assert "3 new seeds" in confirmed.caption
    assert "optimism +2.00 [−0.48," in confirmed.alt
    for name in ("importance", "slices", "contours"):
        assert "uneven sample" in exhibit(shown, name).caption
    maps = exhibit(shown, "contours").caption
    assert "12 complete trials of conv and 12 complete trials of linear" in maps
    assert "nats per image" in exhibit(shown, "slices").caption


def test_importance_says_what_it_rests_on_and_what_cannot_be_told_apart(
    grid: Findings, tmp_path: Path
) -> None:
    write_importance(tmp_path)
    rows = [planned_row(n, -100.0 - n if n % 2 == 0 or n < 8 else None) for n in range(24)]
    shown = built(grid, loaded(write_search(tmp_path, *rows)))
    figure = exhibit(shown, "importance")
    assert "24 complete trials of the whole search and 12 complete trials of conv" in figure.caption
    assert f"95{NBSP}% percentile intervals over bootstrapped trials" in figure.caption
    assert "Over all trials, beta cannot be told apart from latent size." in figure.caption
    assert "For conv, latent size stands out" in figure.caption
    assert "No panel for linear (4): a group needs 10 complete trials." in figure.caption
    (table,) = [
        one for one in shown.parts if isinstance(one, TableExhibit) and one.name == "importance"
    ]
    assert [cell.text for cell in table.table.rows[0]] == [
        "Beta",
        f"75{NBSP}% [40{NBSP}%, 90{NBSP}%]",
        f"10{NBSP}% [5{NBSP}%, 20{NBSP}%]",
    ]


def test_a_repeated_trial_is_counted_and_not_drawn(grid: Findings, tmp_path: Path) -> None:
    rows = [planned_row(n, -100.0 - n) for n in range(4)] + [planned_row(4, -90.0, same_as=0)]
    shown = built(grid, loaded(write_search(tmp_path, *rows)))
    (states,) = [one for one in shown.parts if one.name == "search-states"]
    assert "a repeated one had the settings and seed of an earlier trial" in states.caption
    assert "4 complete trials after the last epoch (filled). " in exhibit(shown, "slices").caption
    for name in ("search", "slices"):
        axes = exhibit(shown, name).figure.axes[0]
        assert sum(len(one.get_offsets()) for one in axes.collections) == 4


def test_missing_parts_are_noted_with_a_remedy(grid: Findings, tmp_path: Path) -> None:
    shown = built(grid, searched(tmp_path, 3, 2))
    notes = " ".join(shown.notes)
    assert "`study rerun 0 --seeds 5`" in notes
    assert "No importance of hyperparameters" in notes
    assert "No map of the objective: it needs 10 complete trials, and there are 3." in notes
    assert "There are 3 complete trials: conv (2) and linear (1)." in notes
    assert not {"contours", "importance", "confirmed"} & set(names(shown))


def test_confirming_another_trial_keeps_the_hint_for_the_best(
    grid: Findings, tmp_path: Path
) -> None:
    write_confirmed(tmp_path, 2, -101.0)
    shown = built(grid, searched(tmp_path, 3))
    assert any(note.startswith("The best trial has not been confirmed") for note in shown.notes)
    assert "One new seed gives no interval" in exhibit(shown, "confirmed").caption

    write_confirmed(tmp_path, 2, -101.0, search="another")
    shown = built(grid, searched(tmp_path, 3))
    assert any("belong to another search" in note for note in shown.notes)


def test_the_front_excludes_dominated_trials(grid: Findings, tmp_path: Path) -> None:
    pairs = [(90.0, 10.0), (80.0, 20.0), (95.0, 15.0)]
    rows = [
        planned_row(n, -a - b, value=None, reconstruction=a, kl=b) for n, (a, b) in enumerate(pairs)
    ]
    write_search(tmp_path, *rows, objective="rate-distortion")
    shown = built(grid, loaded(tmp_path))
    (front,) = [one for one in shown.parts if one.name == "front"]
    assert isinstance(front, TableExhibit)
    assert [row[0].text for row in front.table.rows] == ["1", "0"], "lowest reconstruction first"


def test_two_objectives_have_a_front_and_no_history(grid: Findings, tmp_path: Path) -> None:
    rows = [
        planned_row(n, -100.0 - n, value=None, kl=30.0 - n, reconstruction=70.0 + 2 * n)
        for n in range(12)
    ]
    write_search(tmp_path, *rows, objective="rate-distortion")
    shown = built(grid, loaded(tmp_path))
    assert "front" in names(shown)
    assert not {"search", "trials"} & set(names(shown))
    (front,) = [one for one in shown.parts if one.name == "front"]
    assert isinstance(front, TableExhibit)
    assert len(front.table.rows) == 12
    assert "12 of 12 complete trials" in front.caption
    assert {"slices", "contours"} <= set(names(shown))


@pytest.mark.parametrize(
    "card",
    [
        {"objective": "nll"},
        {"first_comparison": None},
        {"plan": {"space": SPACE[1:3]}},
        {"plan": {"space": SPACE[:1], "replicates": 3}},
        {"protocol": GREY},
    ],
    ids=["nll", "no-pruning", "no-architecture", "one-dimension", "grey"],
)
@pytest.mark.parametrize(("complete", "pruned"), [(12, 4), (2, 12), (1, 0), (0, 3)])
def test_unusual_searches_still_produce_a_section(
    grid: Findings, tmp_path: Path, card: dict[str, Any], complete: int, pruned: int
) -> None:
    shown = built(grid, searched(tmp_path, complete, pruned, **card))
    text = " ".join([*shown.lead, *shown.notes, *(part.caption for part in shown.parts)])
    assert "nan" not in text
    assert "None" not in text
    assert ("cross-entropy" in text) == (card.get("protocol", PROTOCOL) == GREY)


def test_without_a_search_the_report_says_so(report: dict[str, bytes]) -> None:
    assert search_exhibit(None) is None
    assert "No search was exported" in report["index.html"].decode()


@pytest.mark.usefixtures("unrendered")
def test_the_report_shows_the_search_with_user_input_escaped(
    results_folder: Path, tmp_path: Path
) -> None:
    evil = '<b>"$x_y$</b>|'
    rows = [planned_row(n, -100.0 - n) for n in range(24)]
    failed = [{"number": 30, "reason": evil}]
    write_search(tmp_path, *rows, failed=failed, search=evil)
    files = make_report(read_results(results_folder), Rule(), loaded(tmp_path))
    page = files["index.html"].decode()
    assert "<h2>The search</h2>" in page
    assert "24 complete and 0 pruned trials, optimising the ELBO" in page
    assert "−123.00" not in files["tables/trials.md"].decode(), "only the best ten"
    assert "−100.00" in files["tables/trials.md"].decode()
    assert "Best trials" in files["report.md"].decode()
    assert {"figures/search.svg", "figures/search.png"} <= files.keys()
    assert '<b>"$x_y' not in page
    assert "&lt;b&gt;" in page
    assert r"\<b\>" in files["tables/search-settings.md"].decode()
