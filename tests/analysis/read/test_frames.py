"""What is read, and what is refused."""

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from analysis.read.cells import ResultsError
from analysis.read.frames import model_name, plain_beta
from pipeline.schemas.judge_card import JudgeError
from pipeline.schemas.protocol import PROTOCOL_FIELDS, ProtocolError
from pipeline.schemas.record import RecordError
from tests.analysis.conftest import read_results

MakeResults = Callable[..., Path]


def edit(folder: Path, name: str, line: int, **cells: object) -> None:
    frame = pd.read_csv(folder / name, dtype=str, keep_default_na=False)
    for column, value in cells.items():
        frame.loc[line, column] = str(value)
    frame.to_csv(folder / name, index=False)


def test_runs_are_typed_sorted_and_named(results_folder: Path) -> None:
    runs = read_results(results_folder).runs
    names = ["linear-2", "linear-10", "conv-2", "conv-10"]
    assert list(dict.fromkeys(runs["model"])) == names
    assert runs["seed"].tolist() == [0, 1] * 4
    assert runs["collapsed"].dtype == bool
    assert runs["kl_per_dim"][0] == (1.5, 1.5)


def test_everything_there_leaves_no_note(results_folder: Path) -> None:
    results = read_results(results_folder)
    assert results.notes == ()
    assert results.data is not None
    assert results.data.sizes == {"train": 4050, "valid": 450, "test": 500}
    assert results.protocol.split_hash == "0123456789abcdef0123"


def test_several_betas_are_part_of_the_names(make_results: MakeResults) -> None:
    results = read_results(make_results(architectures=["conv"], latent_dims=[2], betas=[1, 4]))
    assert list(dict.fromkeys(results.runs["model"])) == [
        model_name("conv", 2, 1),
        model_name("conv", 2, 4),
    ]
    assert results.several_betas
    assert set(results.history["model"]) == set(results.runs["model"])


@pytest.mark.parametrize(("betas", "plain"), [([0.5, 1.0, 4.0], 1.0), ([4.0, 2.0], 2.0)])
def test_plain_beta(betas: list[float], plain: float) -> None:
    assert plain_beta(pd.DataFrame({"beta": betas})) == plain


def test_missing_metrics(tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match=r"metrics\.csv: no such file; .*`dvc repro`"):
        read_results(tmp_path)


@pytest.mark.parametrize("content", ["", "run,elbo\n", '"', "\x00\x00"])
def test_malformed_metrics(tmp_path: Path, content: str) -> None:
    (tmp_path / "metrics.csv").write_text(content)
    with pytest.raises(ResultsError, match=r"metrics\.csv: .*`dvc repro`") as caught:
        read_results(tmp_path)
    assert "\n" not in caught.value.message


def test_metrics_that_are_no_text(tmp_path: Path) -> None:
    (tmp_path / "metrics.csv").write_bytes(b"\xff\xfe\x00run")
    with pytest.raises(ResultsError, match="is not a CSV file"):
        read_results(tmp_path)


def test_metrics_without_a_run(results_folder: Path, tmp_path: Path) -> None:
    heading = (results_folder / "metrics.csv").read_text().splitlines()[0]
    (tmp_path / "metrics.csv").write_text(heading + "\n")
    with pytest.raises(ResultsError, match="has no runs"):
        read_results(tmp_path)


@pytest.mark.parametrize(
    ("column", "value", "rule"),
    [
        ("elbo", "high", "line 3, elbo = 'high' must be a number"),
        ("elbo", "nan", "must be finite"),
        ("elbo", "-inf", "must be finite"),
        ("seed", "1.5", "must be a whole number"),
        ("active_units", "-1", "must be a whole number of at least 0"),
        ("collapsed", "no", "must be True or False"),
        ("architecture", "", "must not be empty"),
        ("kl_per_dim", "1.5;1.5", "must be a JSON list"),
        ("kl_per_dim", '["x", 1]', "must be a number"),
        ("kl_per_dim", "[1.5]", "has 1 numbers and must have latent_dim = 2"),
        ("seed", "0", "are listed twice"),
        ("parameters", "7", "must have one number of parameters"),
        ("elbo", "160.5", r"must be -\(reconstruction \+ kl\)"),
    ],
)
def test_a_wrong_cell_names_line_and_rule(
    make_results: MakeResults, column: str, value: str, rule: str
) -> None:
    folder = make_results()
    edit(folder, "metrics.csv", 1, **{column: value})
    with pytest.raises(ResultsError, match=rule):
        read_results(folder)


def test_runs_of_two_protocols_are_refused(make_results: MakeResults) -> None:
    folder = make_results()
    edit(folder, "metrics.csv", 1, binarisation="static", arithmetic="bfloat16")
    with pytest.raises(ProtocolError, match=r"binarisation \(dynamic / static\), arithmetic"):
        read_results(folder)


@pytest.mark.parametrize("field", PROTOCOL_FIELDS)
def test_each_field_of_the_protocol_must_be_the_same_for_all_runs(
    make_results: MakeResults, field: str
) -> None:
    folder = make_results()
    edit(folder, "metrics.csv", 3, **{field: "other"})
    with pytest.raises(ProtocolError, match=rf"differ in {field} \([^()]*\), so"):
        read_results(folder)


GREY = {"binarisation": "none"}


@pytest.mark.parametrize(
    ("protocol", "columns", "rule"),
    [
        ({}, {"nll_500": [90.0] * 7 + [None]}, "nll_500 of run .* is empty and must be a number"),
        (GREY, {"nll_500": [90.0] * 8}, "nll_500 = 90 must be empty: .* has no likelihood"),
        (GREY, {"ais_nll": [90.0] * 8}, "ais_nll = 90 must be empty: .* has no likelihood"),
        ({}, {"ais_nll": [None] + [90.0] * 7}, "ais_nll of run .* for all runs or for none"),
        ({}, {"grid_classes": [7] * 8}, "grid_classes = 7 must be empty: .* two latent dim"),
        ({}, {"grid_classes": [None] * 8}, "grid_classes of run .* is empty and must be a number"),
        ({}, {"path_plausibility": [None] + [0.5] * 7}, "for all runs or for none"),
        ({}, {"frechet_distance": [None] + [0.5] * 7}, "frechet_distance of run .* is empty"),
        ({}, {"grid_center_class": [1.5] * 8}, "grid_center_class = '1.5' must be a whole number"),
    ],
)
def test_a_number_is_there_where_its_definition_says_so(
    make_results: MakeResults,
    protocol: dict[str, str],
    columns: dict[str, list[float | None]],
    rule: str,
) -> None:
    folder = make_results(protocol=protocol)
    frame = pd.read_csv(folder / "metrics.csv").assign(**columns)
    frame.to_csv(folder / "metrics.csv", index=False)
    with pytest.raises(ResultsError, match=rule):
        read_results(folder)


@pytest.mark.parametrize(
    ("protocol", "columns"),
    [
        (GREY, {"nll_500": [None] * 8}),
        ({}, {"ais_nll": [None] * 8}),
        ({}, {"elbo_mc_error": [None] * 8}),
        ({}, {"path_plausibility": [None] * 8}),
        ({}, {"grid_continuity": [None, 0.5, None, None, 0.5, 0.5, None, None]}),
    ],
)
def test_a_number_that_a_run_cannot_have_may_be_empty(
    make_results: MakeResults, protocol: dict[str, str], columns: dict[str, list[float | None]]
) -> None:
    folder = make_results(protocol=protocol, collapsed=["linear-2/seed-0"])
    frame = pd.read_csv(folder / "metrics.csv").assign(**columns)
    frame.to_csv(folder / "metrics.csv", index=False)
    (name,) = columns
    assert read_results(folder).runs[name].isna().tolist() == [
        value is None for value in columns[name]
    ]


def test_the_judges_card_must_be_that_of_the_results(make_results: MakeResults) -> None:
    folder = make_results()
    card = read_results(folder).judge
    assert card.accuracy == 0.992
    text = (folder / "judge.json").read_text()
    (folder / "judge.json").write_text(text.replace("5d3b", "beef"))
    with pytest.raises(ResultsError, match=r"the judge beef01234567, but .* judged by 5d3b"):
        read_results(folder)
    (folder / "judge.json").unlink()
    with pytest.raises(JudgeError, match="train the judge again"):
        read_results(folder)


def test_without_history_and_card(make_results: MakeResults) -> None:
    folder = make_results()
    (folder / "history.csv").unlink()
    (folder / "data.json").unlink()
    results = read_results(folder)
    assert results.history.empty
    assert results.data is None
    assert [note.split(" is missing")[0] for note in results.notes] == [
        str(folder / "history.csv"),
        str(folder / "data.json"),
    ]


def test_a_run_without_history_is_noted(make_results: MakeResults) -> None:
    folder = make_results()
    history = pd.read_csv(folder / "history.csv")
    history[history["run"] != "conv-2/seed-1"].to_csv(folder / "history.csv", index=False)
    assert any("no history of conv-2/seed-1" in note for note in read_results(folder).notes)


@pytest.mark.parametrize(
    ("cells", "rule"),
    [({"split": "test"}, "must be train or valid"), ({"epoch": "2"}, "is listed twice")],
)
def test_malformed_history(make_results: MakeResults, cells: dict[str, str], rule: str) -> None:
    folder = make_results()
    edit(folder, "history.csv", 0, **cells)
    with pytest.raises(ResultsError, match=rule):
        read_results(folder)


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        ("{", "is not valid JSON"),
        ("[]", "does not describe a data set"),
        ('{"name": "mnist"}', "does not describe a data set: classes: Field required"),
    ],
)
def test_malformed_card(make_results: MakeResults, content: str, rule: str) -> None:
    folder = make_results()
    (folder / "data.json").write_text(content)
    with pytest.raises(RecordError, match=rf"data\.json: {rule}.*`dvc repro prepare collect`"):
        read_results(folder)


def test_unknown_columns_are_kept(make_results: MakeResults) -> None:
    folder = make_results()
    frame = pd.read_csv(folder / "metrics.csv").assign(nll=json.dumps({"later": 1}))
    frame.to_csv(folder / "metrics.csv", index=False)
    assert "nll" in read_results(folder).runs
