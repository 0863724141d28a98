"""The judge: it learns, is calibrated and reproducible, and its folder is checked."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from pipeline.data.inputs import model_inputs
from pipeline.data.prepared import PreparedData
from pipeline.errors import UserError
from pipeline.jobs.judge import make_judge
from pipeline.judge.classifier import Judge, build_judge, initialise_judge, load_judge
from pipeline.judge.training import (
    TEMPERATURES,
    accuracy,
    augment,
    calibration_error,
    fit_temperature,
    train_judge,
)
from pipeline.numerics.hardware import seeded_generator
from pipeline.schemas.judge_card import JudgeCard, JudgeError
from pipeline.settings import JudgeSettings, Settings, parse_settings
from tests.conftest import make_tiny_params


@pytest.fixture
def settings(tiny_settings: Settings) -> JudgeSettings:
    return tiny_settings.judge


def change(settings: JudgeSettings, **changes: Any) -> JudgeSettings:
    return JudgeSettings.model_validate(settings.model_dump() | changes)


def new_judge(settings: JudgeSettings, image: tuple[int, int] = (8, 8), classes: int = 4) -> Judge:
    judge = build_judge(settings, image, classes)
    initialise_judge(judge, seeded_generator(settings.seed, "initialisation"))
    return judge.eval()


@pytest.mark.parametrize("image", [(28, 28), (7, 9), (1, 5), (32, 20)])
def test_the_architecture_follows_the_images(
    settings: JudgeSettings, image: tuple[int, int]
) -> None:
    verdicts = new_judge(settings, image, classes=7).judge(torch.rand(3, 1, *image))
    assert verdicts.features.shape == (3, settings.feature_dim)
    assert verdicts.probabilities.shape == (3, 7)
    torch.testing.assert_close(verdicts.probabilities.sum(1), torch.ones(3))
    assert torch.equal(verdicts.confidence, verdicts.probabilities.max(1).values)
    assert torch.equal(verdicts.classes, verdicts.probabilities.max(1).indices)


def test_building_does_not_use_the_global_generator(settings: JudgeSettings) -> None:
    before = torch.get_rng_state()
    new_judge(settings)
    assert torch.equal(torch.get_rng_state(), before)


def test_features_do_not_depend_on_the_batch(settings: JudgeSettings) -> None:
    judge = new_judge(settings)
    images = torch.rand(600, 1, 8, 8)
    whole, part = judge.judge(images), judge.judge(images[:7])
    torch.testing.assert_close(whole.features[:7], part.features)


def test_the_temperature_softens_the_probabilities(settings: JudgeSettings) -> None:
    judge = new_judge(settings)
    images = torch.rand(9, 1, 8, 8)
    sharp = judge.judge(images)
    judge.temperature.fill_(2.0)
    torch.testing.assert_close(
        judge.judge(images).probabilities, (judge(images).detach() / 2).softmax(1)
    )
    assert (judge.judge(images).confidence < sharp.confidence).all()


# --- training ---------------------------------------------------------------------------------


def test_it_learns_four_classes_perfectly_and_reproducibly(
    settings: JudgeSettings, prepared: PreparedData
) -> None:
    train, valid, test = (prepared.splits[name] for name in ("train", "valid", "test"))
    weights = []
    for _ in range(2):
        judge = new_judge(settings)
        reports = list(train_judge(judge, settings, train, valid))
        weights.append(judge.state_dict())
    assert [report.epoch for report in reports] == list(range(1, 11))  # 30 steps, 3 an epoch
    assert reports[-1].train_loss < reports[0].train_loss
    assert reports[-1].valid_accuracy == 1
    verdicts = judge.judge(model_inputs(test, "none"))
    assert torch.equal(verdicts.classes, test.labels)
    for name, value in weights[0].items():
        assert torch.equal(value, weights[1][name]), name


def test_an_incomplete_epoch_and_another_seed(
    settings: JudgeSettings, prepared: PreparedData
) -> None:
    train, valid = prepared.splits["train"], prepared.splits["valid"]
    short = change(settings, steps=4)
    assert [r.epoch for r in train_judge(new_judge(short), short, train, valid)] == [1, 2]
    first, second = new_judge(short), new_judge(change(short, seed=1))
    assert not torch.equal(first.head.weight, second.head.weight)


def test_divergence_is_reported_in_one_line(
    settings: JudgeSettings, prepared: PreparedData
) -> None:
    wild = change(settings, learning_rate=1e30)
    with pytest.raises(UserError, match=r"diverged in epoch 1: .* lower judge.learning_rate"):
        list(train_judge(new_judge(wild), wild, prepared.splits["train"], prepared.splits["valid"]))


def moved(settings: JudgeSettings, images: Tensor, **largest: float) -> Tensor:
    amounts = {"rotation": 0.0, "scaling": 0.0, "shift": 0.0} | largest
    return augment(images, change(settings, **amounts), seeded_generator(0, "training"))


def dot(row: int, column: int, height: int = 9, width: int = 9) -> Tensor:
    images = torch.zeros(64, 1, height, width)
    images[:, :, row, column] = 1
    return images


def centre(images: Tensor) -> Tensor:
    """(B, 2) row and column of the centre of mass."""
    mass = images.squeeze(1)
    rows, columns = torch.meshgrid(*map(torch.arange, mass.shape[1:]), indexing="ij")
    sums = mass.sum((1, 2))
    return torch.stack([(mass * axis).sum((1, 2)) / sums for axis in (rows, columns)], dim=1)


def test_zero_amounts_change_nothing(settings: JudgeSettings) -> None:
    images = torch.rand(5, 1, 7, 9)
    torch.testing.assert_close(moved(settings, images), images)


def test_shifts_are_within_their_limit_in_both_directions(settings: JudgeSettings) -> None:
    shifts = centre(moved(settings, dot(4, 6, width=13), shift=2.0)) - torch.tensor([4.0, 6.0])
    assert shifts.abs().max() <= 2
    assert (shifts.amax(0) > 1.5).all()
    assert (shifts.amin(0) < -1.5).all()


def test_rotations_keep_the_distance_to_the_centre(settings: JudgeSettings) -> None:
    """Even if the image is not square."""
    way = centre(moved(settings, dot(4, 12, width=17), rotation=30.0)) - torch.tensor([4.0, 8.0])
    angles = torch.atan2(way[:, 0], way[:, 1]).rad2deg()
    assert (way.norm(dim=1) - 4).abs().max() < 0.3
    assert angles.abs().max() < 32
    assert angles.max() > 20
    assert angles.min() < -20


def test_scaling_moves_pixels_radially(settings: JudgeSettings) -> None:
    way = centre(moved(settings, dot(4, 8, width=9), scaling=0.25)) - 4
    factors = way[:, 1] / 4
    assert way[:, 0].abs().max() < 1e-5
    assert factors.min() < 0.9
    assert factors.min() > 1 / 1.25 - 0.06


# --- calibration ------------------------------------------------------------------------------


def test_the_temperature_recovers_a_known_factor() -> None:
    """Labels drawn from softmax(logits): logits three times too large need a temperature of 3."""
    generator = torch.Generator().manual_seed(0)
    logits = 2 * torch.randn(20_000, 4, generator=generator)
    labels = logits.softmax(1).multinomial(1, generator=generator).squeeze(1)
    assert fit_temperature(logits, labels) == pytest.approx(1, rel=0.03)
    assert fit_temperature(3 * logits, labels) == pytest.approx(3, rel=0.03)


def test_the_temperature_stays_in_its_range() -> None:
    logits, labels = torch.eye(3), torch.arange(3)
    assert fit_temperature(logits, labels) == pytest.approx(TEMPERATURES[0], rel=1e-3)
    assert fit_temperature(logits, labels.flip(0)) == pytest.approx(TEMPERATURES[1], rel=1e-3)


def test_the_calibration_error_is_the_gap_of_each_bin() -> None:
    sure, half = [1.0, 0.0], [0.5, 0.5]
    probabilities = torch.tensor([sure, sure, half, half])
    assert calibration_error(probabilities, torch.tensor([0, 0, 0, 1])) == 0
    assert calibration_error(probabilities, torch.tensor([0, 1, 0, 1])) == pytest.approx(0.25)
    # One bin is 0.5 too accurate, the other not accurate enough: they do not cancel.
    assert calibration_error(probabilities, torch.tensor([1, 0, 0, 0])) == pytest.approx(0.5)


@pytest.mark.parametrize("bins", [1, 15])
def test_calibrated_probabilities_have_a_small_error(bins: int) -> None:
    generator = torch.Generator().manual_seed(0)
    probabilities = torch.randn(50_000, 3, generator=generator).softmax(1)
    labels = probabilities.multinomial(1, generator=generator).squeeze(1)
    assert calibration_error(probabilities, labels, bins) < 0.01
    assert accuracy(probabilities, labels) == pytest.approx(
        probabilities.amax(1).mean().item(), abs=0.01
    )


# --- folder -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def made_once(
    tmp_path_factory: pytest.TempPathFactory, prepared: PreparedData
) -> tuple[Path, JudgeCard]:
    folder = tmp_path_factory.mktemp("made") / "judge"
    return folder, make_judge(folder, parse_settings(make_tiny_params()).judge, prepared, 1, "")


@pytest.fixture
def made(made_once: tuple[Path, JudgeCard], tmp_path: Path) -> Path:
    return Path(shutil.copytree(made_once[0], tmp_path / "judge"))


def test_the_card_describes_the_judge(
    made_once: tuple[Path, JudgeCard], prepared: PreparedData
) -> None:
    folder, made = made_once
    judge, card = load_judge(folder, prepared.hash)
    assert card == made
    assert {path.name for path in folder.iterdir()} == {"model.safetensors", "judge.json"}
    assert (card.accuracy, card.valid_accuracy) == (1, 1)
    assert card.calibration_error < 0.1
    assert card.classes == ("a", "b", "c", "d")
    assert judge.temperature.item() == card.temperature
    assert judge.parameter_count == card.parameters
    assert not judge.training
    assert card.real.confidence == pytest.approx(1, abs=0.1)
    assert card.real.images == 104
    test = prepared.splits["test"]
    assert torch.equal(judge.judge(model_inputs(test, "none")).classes, test.labels)


def damage_weights(folder: Path) -> None:
    path = folder / "model.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(bytes(content))


def rename_a_field(folder: Path) -> None:
    path = folder / "judge.json"
    path.write_text(path.read_text().replace('"accuracy"', '"acuracy"'))


def change_the_architecture(folder: Path) -> None:
    path = folder / "judge.json"
    card = json.loads(path.read_text())
    card["settings"]["channels"] = [2, 2]
    path.write_text(json.dumps(card))


DAMAGES: list[tuple[Callable[[Path], object], str]] = [
    (lambda folder: (folder / "judge.json").unlink(), "judge.json: cannot be read: No such file"),
    (lambda folder: (folder / "judge.json").write_text("{"), "judge.json: is not valid JSON"),
    (rename_a_field, "does not describe a judge: accuracy: Field required"),
    (lambda folder: (folder / "model.safetensors").unlink(), "model.safetensors: cannot be read"),
    (damage_weights, "model.safetensors: is damaged: its hash does not match judge.json"),
    (change_the_architecture, "model.safetensors: cannot be loaded: "),
]


@pytest.mark.parametrize(("damage", "message"), DAMAGES)
def test_a_damaged_folder_is_reported_in_one_line(
    made: Path, prepared: PreparedData, damage: Callable[[Path], object], message: str
) -> None:
    damage(made)
    with pytest.raises(JudgeError) as caught:
        load_judge(made, prepared.hash)
    assert message in caught.value.message
    assert caught.value.message.endswith("train the judge again with `dvc repro judge`")
    assert "\n" not in caught.value.message


def test_a_judge_of_other_data_is_refused(made: Path) -> None:
    with pytest.raises(JudgeError, match=r"trained on other data \(hash .*`dvc repro judge`"):
        load_judge(made, "of other data")
