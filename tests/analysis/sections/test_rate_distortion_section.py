"""The section on rate and distortion: what is shown, and what is never mixed."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from analysis.findings import Findings
from analysis.present.exhibits import Exhibit, ReportSection, TableExhibit
from analysis.present.style import theme
from analysis.sections import rate_distortion
from analysis.sections.rate_distortion import runs_plane, trials_plane
from tests.analysis.searches import SPACE, loaded, planned_row, write_search
from tests.analysis.sections.given import found_in

MakeResults = Callable[..., Path]


def built(found: Findings) -> ReportSection:
    with theme():
        return rate_distortion.section(found)


def trial(number: int, kl: float, reconstruction: float, **more: object) -> dict[str, object]:
    elbo = -(kl + reconstruction)
    return planned_row(number, elbo) | {"kl": kl, "reconstruction": reconstruction} | more


def test_every_run_is_a_point_in_its_models_look(results_folder: Path) -> None:
    found = found_in(results_folder)
    plane = runs_plane(found)
    runs = found.results.runs
    assert plane.points["kl"].tolist() == runs["kl"].tolist()
    assert plane.points["style"].tolist() == runs["model"].tolist()
    assert plane.styles == found.styles
    assert not plane.coloured


def test_with_several_betas_colour_is_beta_and_marker_is_model(
    make_results: MakeResults,
) -> None:
    plane = runs_plane(found_in(make_results(betas=[0.5, 4])))
    assert plane.coloured
    assert list(plane.styles) == ["linear-2", "linear-10", "conv-2", "conv-10"]
    assert [style.marker for style in plane.styles.values()] == ["o", "s", "^", "D"]
    assert set(plane.points["style"]) == set(plane.styles)


def test_without_a_search_there_is_one_panel_and_a_note(results_folder: Path) -> None:
    section = built(found_in(results_folder))
    (figure,) = section.parts
    assert isinstance(figure, Exhibit)
    assert "8 runs of the grid on the test split" in figure.caption
    assert "colour and marker of their model" in figure.caption
    assert "validation" not in figure.caption
    assert len(figure.figure.axes) == 1
    assert "study run" in section.notes[0]


def test_trials_have_their_own_panel(results_folder: Path, tmp_path: Path) -> None:
    rows = [
        trial(0, 20, 80),
        trial(1, 10, 100),
        trial(2, 12, 110),
        planned_row(3, None),
        trial(4, 5, 120),
    ]
    trials = loaded(write_search(tmp_path, *rows))
    section = built(replace(found_in(results_folder), trials=trials))
    figure, table = section.parts
    assert isinstance(figure, Exhibit)
    assert isinstance(table, TableExhibit)
    assert section.notes == ()
    titles = [axes.get_title(loc="left") for axes in figure.figure.axes[:2]]
    assert titles == ["Grid, test split", "Search, validation split"]
    assert "must not be compared between panels" in figure.caption
    assert "4 complete trials of the search on the validation split" in figure.caption
    assert "(5.0, 120.0), (10.0, 100.0) and (20.0, 80.0)" in figure.alt
    assert table.frame is not None
    assert table.frame[["number", "rate", "distortion", "elbo"]].to_numpy().tolist() == [
        [4, 5, 120, -125],
        [1, 10, 100, -110],
        [0, 20, 80, -100],
    ]
    assert [cell.text for cell in table.table.rows[0]][:1] == ["4"]
    assert table.folded


def test_a_search_without_beta_is_not_coloured(tmp_path: Path) -> None:
    rows = [trial(n, 10 + n, 100 - n) for n in range(3)]
    plane = trials_plane(loaded(write_search(tmp_path, *rows, plan={"space": SPACE[1:2]})))
    assert plane is not None
    assert not plane.coloured
    assert len(plane.styles) == 1


def test_a_search_whose_trials_were_all_pruned_is_noted(
    results_folder: Path, tmp_path: Path
) -> None:
    trials = loaded(write_search(tmp_path, planned_row(0, None)))
    section = built(replace(found_in(results_folder), trials=trials))
    assert len(section.parts) == 1
    assert "No search with complete trials" in section.notes[0]


def test_the_caveat_is_shown_without_a_likelihood(make_results: MakeResults) -> None:
    section = built(found_in(make_results(protocol={"binarisation": "none"}, seeds=[0])))
    assert section.parts[0].caption.endswith(
        "ELBO and reconstruction: cross-entropy, not a likelihood."
    )
