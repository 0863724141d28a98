"""Reading params.yaml: what is accepted, and how each mistake is explained."""

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from pipeline.settings import SettingsError, load_settings, override, parse_settings
from tests.conftest import ROOT

MISSING = object()


def set_key(content: dict[str, Any], key: str, value: object) -> None:
    *path, last = key.split(".")
    for part in path:
        content = content[part]
    if value is MISSING:
        del content[last]
    else:
        content[last] = value


MISTAKES = [
    # unknown keys, with the most similar known key
    ("trian", {}, "trian = {} is not a known key; did you mean train?"),
    ("train.epoch", 3, "train.epoch = 3 is not a known key; did you mean train.epochs?"),
    ("train.model.hiden", [1], "did you mean train.model.hidden?"),
    ("train.latent_dims", [2], "did you mean train.grid.latent_dims?"),
    ("data.zzz", 1, "data.zzz = 1 is not a known key; known keys: name, root, download"),
    # missing keys
    ("data", MISSING, "data is missing"),
    ("train.grid", MISSING, "train.grid is missing"),
    ("train.epochs", MISSING, "train.epochs is missing"),
    ("analyze.confidence", MISSING, "analyze.confidence is missing"),
    # wrong types
    ("train.epochs", "x", "train.epochs = 'x' must be a whole number"),
    ("train.epochs", 2.5, "train.epochs = 2.5 must be a whole number"),
    ("train.epochs", None, "train.epochs = null must be a whole number"),
    ("train.learning_rate", "fast", "train.learning_rate = 'fast' must be a number"),
    ("train.learning_rate", True, "train.learning_rate = true must be a number"),
    ("train.model.hidden", 400, "train.model.hidden = 400 must be a list"),
    ("train.model.hidden", [1.5], "train.model.hidden[0] = 1.5 must be a whole number"),
    ("train.grid", 3, "train.grid = 3 must be a section with keys"),
    ("data.download", "yes", "data.download = 'yes' must be true or false"),
    ("data.root", 7, "data.root = 7 must be a string"),
    # out of range
    ("train.epochs", 0, "train.epochs = 0 must be greater than 0"),
    ("train.epochs", -3, "train.epochs = -3 must be greater than 0"),
    ("train.learning_rate", float("nan"), "train.learning_rate = nan must be"),
    ("train.learning_rate", float("inf"), "train.learning_rate = inf must be finite"),
    ("train.grid.latent_dims", [2, 0], "train.grid.latent_dims[1] = 0 must be at least 1"),
    ("train.grid.latent_dims", [513], "train.grid.latent_dims[0] = 513 must be at most 512"),
    ("train.grid.betas", [-1.0], "train.grid.betas[0] = -1.0 must be at least 0"),
    (
        "train.grid.seeds",
        [2**32],
        "train.grid.seeds[0] = 4294967296 must be less than 4,294,967,296",
    ),
    ("train.grid.seeds", list(range(700)), "the lists make 5,600 runs, but may make 5,000"),
    ("train.epochs", 10**12, "train.epochs = 1000000000000 must be at most 1,000,000,000"),
    ("train.model.hidden", [1] * 101, "must hold at most 100 values"),
    (
        "train.model.channels",
        [1] * 10,
        "makes 10 stride-2 blocks, but 28x28 images allow at most 4",
    ),
    ("train.model.hidden", [10**6], "train.model: a linear model of 1,630,000,824 parameters"),
    ("train.model.hidden", [10**5, 10**5], "but may take 16; choose smaller layers or batches"),
    ("evaluate.grid_size", 10_000, "evaluate.grid_size = 10000 must be at most 200"),
    ("train.grid.seeds", [-1], "train.grid.seeds[0] = -1 must be at least 0"),
    ("train.grid.seeds", [], "train.grid.seeds = [] must hold at least one value"),
    ("train.grid.seeds", [0, 0], "seeds = [0, 0] must not contain duplicates"),
    ("train.model.channels", [], "train.model.channels = [] must hold at least one value"),
    ("train.model.scale", -1.0, "train.model.scale = -1.0 must be greater than 0 or"),
    ("train.beta_warmup", 21, "train.beta_warmup = 21 must not exceed train.epochs = 20"),
    ("train.patience", 0, "train.patience = 0 must be greater than 0"),
    ("train.clip_norm", 0.0, "train.clip_norm = 0.0 must be greater than 0"),
    ("data.valid_fraction", 1.0, "data.valid_fraction = 1.0 must be less than 1"),
    ("data.valid_fraction", 0.9, "data.valid_fraction + data.test_fraction = 1"),
    ("evaluate.steps", 2, "evaluate.steps = 2 must be at least 3"),
    ("train", {1: 2}, "train.1 must be a string: write the key in quotes"),
    # invalid choices
    ("data.name", "mnist5k", "did you mean mnist-5k?"),
    ("train.grid.architectures", ["lineal"], "did you mean linear?"),
    ("train.model.likelihood", "poisson", "train.model.likelihood = 'poisson' must be bernoulli"),
    ("train.precision", "bf16", "did you mean bfloat16?"),
    ("train.schedule", "linear", "must be one-cycle, cosine or constant"),
    ("data.root", "somewhere", "data.root has no effect on mnist-5k"),
    ("data.download", True, "data.download has no effect on mnist-5k"),
]


@pytest.mark.parametrize(("key", "value", "message"), MISTAKES)
def test_a_mistake_is_explained_in_one_line(
    params: dict[str, Any], key: str, value: object, message: str
) -> None:
    set_key(params, key, value)
    with pytest.raises(SettingsError) as caught:
        parse_settings(params, "params.yaml")
    explanation = caught.value.message
    assert explanation.startswith("params.yaml: ")
    assert message in explanation
    assert "\n" not in explanation


def test_a_judge_that_is_too_large_is_refused(params: dict[str, Any]) -> None:
    params["judge"] |= {"channels": [1000], "batch_size": 10_000}
    with pytest.raises(SettingsError, match=r"judge: a classifier of .* takes 118 GB"):
        parse_settings(params)


def test_further_mistakes_are_counted(params: dict[str, Any]) -> None:
    params["train"] |= {"epochs": 0, "batch_size": 0, "patience": 0}
    with pytest.raises(SettingsError, match=r"train.epochs = 0 .* \(and 2 more\)"):
        parse_settings(params)


def test_a_misspelt_key_is_reported_before_the_missing_one(params: dict[str, Any]) -> None:
    params["train"]["epoch"] = params["train"].pop("epochs")
    with pytest.raises(SettingsError, match=r"did you mean train\.epochs"):
        parse_settings(params)


SPACE_MISTAKES = [
    (1, {"low": 100}, "search.space[1]: low <= high must hold, but got low = 100, high = 40"),
    (1, {"kind": "integer"}, "must have a kind: int, float or categorical"),
    (1, {"lowe": 3}, "search.space[1].lowe = 3 is not a known key; did you mean search.space.low?"),
    (1, {"name": "latent"}, "did you mean latent_dim?"),
    (0, {"name": "schedule", "choices": ["cosine"]}, "hidden: when refers to architecture, which"),
    (4, {"name": "architecture", "choices": ["conv"]}, "architecture must not appear twice"),
    (2, {"low": "x"}, "search.space[2].low = 'x' must be a number"),
    (2, {"low": 0}, "search.space[2]: low = 0 has no logarithm"),
    (0, {"choices": []}, "search.space[0].choices = [] must hold at least one value"),
    (0, {"choices": ["conv", "conv"]}, "choices = [conv, conv] must not contain duplicates"),
    (5, {"when": {"architecture": "conf"}}, "hidden: when requires architecture = conf, which is"),
    (5, {"when": {"beta": 1}}, "hidden: when refers to beta, which must be a categorical"),
]


@pytest.mark.parametrize(("index", "changes", "message"), SPACE_MISTAKES)
def test_a_mistake_in_the_space_is_explained_in_one_line(
    params: dict[str, Any], index: int, changes: dict[str, Any], message: str
) -> None:
    params["search"]["space"][index] |= changes
    with pytest.raises(SettingsError) as caught:
        parse_settings(params)
    assert message in caught.value.message
    assert "\n" not in caught.value.message


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no such file"),
        ("train: [1, 2", "is not valid YAML: "),
        ("a: 1\na: 2\n", "is not valid YAML: found duplicate key"),
        ("", "must have the sections data, search, train, judge, evaluate, analyze"),
        ("- 1\n", "must have the sections"),
        ("!!python/object/apply:os.system [ls]\n", "line 1: must not have tags such as !!python"),
    ],
)
def test_an_unusable_file_is_explained_in_one_line(
    tmp_path: Path, content: str | None, message: str
) -> None:
    path = tmp_path / "params.yaml"
    if content is not None:
        path.write_text(content)
    with pytest.raises(SettingsError) as caught:
        load_settings(path)
    assert caught.value.message.startswith(f"{path}: ")
    assert message in caught.value.message
    assert "\n" not in caught.value.message


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("data: 1".encode("utf-16"), "line 1 is not UTF-8; save the file as UTF-8"),
        ("a: 1\n# größer".encode("latin-1"), "line 2 is not UTF-8"),
        (b"#" * 200_001, "cannot be read: it has more than 200,000 bytes"),
    ],
    ids=["utf-16", "latin-1", "large"],
)
def test_bytes_that_are_not_a_text_of_settings_are_refused(
    tmp_path: Path, content: bytes, message: str
) -> None:
    path = tmp_path / "params.yaml"
    path.write_bytes(content)
    with pytest.raises(SettingsError, match=message):
        load_settings(path)


def test_many_mistakes_are_counted_quickly(params: dict[str, Any]) -> None:
    params["data"] |= {f"key{number}": number for number in range(8000)}
    with pytest.raises(SettingsError, match=r"data.key0 = 0 is not a known key.*7999 more"):
        parse_settings(params)


def test_values_are_shown_as_they_are_written_and_cut(params: dict[str, Any]) -> None:
    params["train"]["epochs"] = {"a": [None, True, "b"], "c": 2.0}
    with pytest.raises(SettingsError, match=r"epochs = {a: \[null, true, 'b'\], c: 2.0} must be"):
        parse_settings(params)
    params["train"]["epochs"] = "x" * 500
    with pytest.raises(SettingsError) as caught:
        parse_settings(params)
    assert len(caught.value.message) < 150


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ('train.epochs=!!int "abc"', '-S train.epochs=!!int "abc": line 1: must not'),
        (f"train.epochs={'9' * 5000}", "must have at most 30 digits"),
        ("train.epochs=[", "train.epochs=[: is not valid YAML"),
        ("train.epochs", "must be section.key=value, such as train.clip_norm=5"),
        ("epochs=3", "must be section.key=value"),
        ("train.grid.seeds.x=3", "must be section.key=value"),
    ],
)
def test_an_assignment_that_cannot_be_read_is_refused(
    params: dict[str, Any], assignment: str, message: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        override(params, [assignment])
    assert message in caught.value.message
    assert len(caught.value.message) < 200


@pytest.mark.parametrize("stage", ["prepare", "judge", "train", "evaluate", "collect"])
def test_every_stage_exits_with_status_2_and_no_traceback(
    tmp_path: Path, stage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (ROOT / "params.yaml").read_text(encoding="utf-8")
    (tmp_path / "params.yaml").write_text(text.replace("latent_samples: 16", "latent_samples: -1"))
    monkeypatch.chdir(tmp_path)
    module = __import__(f"pipeline.stages.{stage}", fromlist=["main"])
    result = CliRunner().invoke(module.main, [])
    assert result.exit_code == 2
    assert result.stderr == (
        "Error: params.yaml: evaluate.latent_samples = -1 must be greater than 0\n"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["params.yaml"]


def test_numbers_follow_yaml_1_2(tmp_path: Path) -> None:
    text = (ROOT / "params.yaml").read_text(encoding="utf-8")
    path = tmp_path / "params.yaml"
    path.write_text(text.replace("learning_rate: 0.005", "learning_rate: 5e-3"))
    assert load_settings(path).train.learning_rate == 0.005
