"""Samples with their captions and numbers."""

from collections.abc import Callable
from pathlib import Path

from analysis.findings import Findings
from analysis.present.exhibits import Exhibit, TableExhibit
from analysis.present.style import theme
from analysis.sections import samples
from tests.analysis.sections.given import change_arrays, found_in, set_columns

MakeResults = Callable[..., Path]


def parts(found: Findings) -> tuple[Exhibit, TableExhibit]:
    with theme():
        section = samples.section(found)
    assert section is not None
    sheet, table = section.parts
    assert isinstance(sheet, Exhibit)
    assert isinstance(table, TableExhibit)
    return sheet, table


def test_implausible_samples_are_marked_and_counted(results_folder: Path) -> None:
    sheet, _ = parts(found_in(results_folder))
    assert "at most 0.912, the 5th percentile" in sheet.caption
    assert "Implausible to the judge: linear-2 32 of 64, linear-10 32 of 64" in sheet.alt
    assert sheet.notes == ()


def test_samples_that_were_not_judged_are_noted(make_results: MakeResults) -> None:
    folder = make_results()
    change_arrays(folder, "conv-2/*", samples_confidence=None)
    sheet, _ = parts(found_in(folder))
    assert "for conv-2: run `dvc repro evaluate`" in sheet.notes[0]


def test_real_images_end_the_table(make_results: MakeResults) -> None:
    folder = make_results()
    set_columns(folder, sharpness=0.7, contrast=0.8, contrast_data=0.91, precision=0.5)
    _, table = parts(found_in(folder))
    headings = [column.label for column in table.table.columns]
    assert headings == [
        "Model", "Sharpness", "Contrast", "Confidence", "Fréchet distance", "Precision", "Recall"
    ]  # fmt: skip
    last = table.table.rows[-1]
    assert [cell.text for cell in last] == [
        "real images",
        "1.000",
        "0.910",
        "0.987",
        "0.59",
        "0.810",
        "0.820",
    ]
    assert last[0].reference
    assert table.frame is not None
    assert len(table.frame) == 4
    assert "precision_low" in table.frame
