"""Models: shapes, initial weights, saving and loading."""

import json
import math
from pathlib import Path

import pytest
import torch

from pipeline.models import VAE, ImageShape, build_model, initialise, load_model, save_weights
from pipeline.models.vae import (
    KERNEL,
    PADDING,
    SCALE,
    STRIDE,
    FlattenPositions,
    OneChannelTransposedConv,
    TransposedConv,
    UnflattenPositions,
    fan_in,
    layers_of,
)
from pipeline.numerics.hardware import seeded_generator
from pipeline.schemas.protocol import Protocol
from pipeline.schemas.record import write_record
from pipeline.schemas.run_card import (
    CONFIG,
    WEIGHTS,
    ImageSize,
    ModelError,
    RunCard,
    file_sha256,
    load_card,
)
from pipeline.settings import RunSettings
from tests.conftest import MakeRun
from tests.pipeline.known import linear_gaussian


def make_model(run: RunSettings, shape: ImageShape, seed: int = 0) -> VAE:
    model = build_model(run, shape)
    mean = torch.rand(shape.height, shape.width, generator=torch.Generator().manual_seed(1))
    initialise(model, mean, seeded_generator(seed, "initialisation"))
    return model


@pytest.mark.parametrize("architecture", ["linear", "conv"])
@pytest.mark.parametrize("shape", [(28, 28), (7, 9), (8, 8), (32, 20), (5, 31)])
@pytest.mark.parametrize("latent_dim", [1, 2, 512])
def test_shapes_follow_the_images(
    make_run: MakeRun, architecture: str, shape: tuple[int, int], latent_dim: int
) -> None:
    model = make_model(
        make_run(architecture=architecture, latent_dim=latent_dim), ImageShape(*shape)
    )
    mu, log_var = model.encode(torch.rand(3, 1, *shape))
    assert mu.shape == log_var.shape == (3, latent_dim)
    assert model.decode(mu).shape == (3, 1, *shape)
    assert model.sample(4, torch.Generator().manual_seed(0)).shape == (4, 1, *shape)


@pytest.mark.parametrize("likelihood", ["bernoulli", "continuous-bernoulli", "gaussian"])
def test_mean_images_decode_codes_of_any_leading_shape(make_run: MakeRun, likelihood: str) -> None:
    model = make_model(make_run(likelihood=likelihood, latent_dim=3), ImageShape(7, 9))
    codes = 5 * torch.randn(4, 5, 3, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        expected = [model.mean(model.decode(part)) for part in codes.view(20, 3).split(8)]
    images = model.mean_images(codes, batch_size=8)
    assert torch.equal(images, torch.cat(expected).clamp(0, 1))
    assert images.shape == (20, 1, 7, 9)
    assert not images.requires_grad
    assert model.mean_images(codes[0, 0]).shape == (1, 1, 7, 9)
    assert model.mean_images(codes[:0]).shape == (0, 1, 7, 9)


def test_mean_images_of_a_gaussian_are_clipped_to_the_range() -> None:
    model = linear_gaussian()  # decodes z to W z + b, of 2 x 2 pixels
    image = model.mean_images(torch.tensor([1.0, 0.25]))
    assert image.tolist() == [[[[1.0, 0.25], [1.0, 0.75]]]]


def test_without_hidden_layers_encoder_and_decoder_are_affine(make_run: MakeRun) -> None:
    model = make_model(make_run(hidden=[], latent_dim=3), ImageShape(4, 4))
    assert model.parameter_count == (16 * 6 + 6) + (3 * 16 + 16)


def test_too_many_blocks_for_the_images_are_refused(make_run: MakeRun) -> None:
    run = make_run(architecture="conv", channels=[8] * 5)
    with pytest.raises(ModelError, match="5 stride-2 blocks, but 28x28 images allow at most 4"):
        build_model(run, ImageShape(28, 28))
    build_model(make_run(architecture="conv", channels=[8] * 4), ImageShape(28, 28))


@pytest.mark.parametrize("likelihood", ["bernoulli", "continuous-bernoulli", "gaussian"])
def test_the_initial_output_is_the_mean_image(make_run: MakeRun, likelihood: str) -> None:
    run = make_run(likelihood=likelihood, hidden=[])
    model = build_model(run, ImageShape(6, 6))
    mean = torch.linspace(0.1, 0.9, 36).view(6, 6)
    initialise(model, mean, seeded_generator(0, "initialisation"))
    image = model.mean(model.decode(torch.zeros(1, run.latent_dim)))
    torch.testing.assert_close(image[0, 0], mean, rtol=0, atol=1e-4)


@pytest.mark.parametrize("architecture", ["linear", "conv"])
def test_initial_weights_scale_with_their_fan_in(make_run: MakeRun, architecture: str) -> None:
    model = make_model(make_run(architecture=architecture, hidden=[50]), ImageShape(28, 28))
    for layer in layers_of(model):
        weights = layer.weight.detach()
        expected = SCALE * math.sqrt(2 / fan_in(layer))
        tolerance = 4 * expected / weights.numel() ** 0.5
        assert weights.std().item() == pytest.approx(expected, abs=tolerance)


def test_initial_weights_depend_only_on_the_seed(make_run: MakeRun) -> None:
    run = make_run(architecture="conv")
    torch.manual_seed(1)
    first = make_model(run, ImageShape(8, 8)).state_dict()
    torch.manual_seed(2)
    before = torch.random.get_rng_state()
    again = make_model(run, ImageShape(8, 8)).state_dict()
    assert torch.equal(torch.random.get_rng_state(), before), "global random state was used"
    other = make_model(run, ImageShape(8, 8), seed=1).state_dict()
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["encoder.0.weight"], other["encoder.0.weight"])


@pytest.mark.parametrize(
    ("likelihood", "scale", "learned"),
    [("gaussian", "learned", True), ("gaussian", 0.5, False), ("bernoulli", "learned", False)],
)
def test_only_a_gaussian_learns_its_scale(
    make_run: MakeRun, likelihood: str, scale: float | str, learned: bool
) -> None:
    model = build_model(make_run(likelihood=likelihood, scale=scale), ImageShape(8, 8))
    assert ("log_scale" in dict(model.named_parameters())) is learned
    if scale == 0.5:
        assert model.log_scale.exp().item() == pytest.approx(0.5)


@pytest.fixture
def folder(tmp_path: Path, make_run: MakeRun) -> Path:
    run = make_run(architecture="conv", likelihood="gaussian")
    save_weights(tmp_path, make_model(run, ImageShape(8, 8)))
    card = RunCard(
        settings=run,
        image=ImageSize(height=8, width=8),
        protocol=Protocol("mnist-5k", "valid", "abc", "gaussian", "none", "last", "float32"),
        data_hash="abc",
        fingerprint="def",
        parameters=1,
        epochs=2,
        chosen_epoch=2,
        stopped_early=False,
        train_seconds=0.5,
        device="cpu",
        threads=1,
        versions={},
        commit="",
        run_id="",
        sha256={WEIGHTS: file_sha256(tmp_path / WEIGHTS)},
    )
    write_record(tmp_path / CONFIG, card)
    assert load_card(tmp_path) == card
    return tmp_path


def test_a_loaded_model_equals_the_saved_one(folder: Path, make_run: MakeRun) -> None:
    model = load_model(folder)
    saved = make_model(make_run(architecture="conv", likelihood="gaussian"), ImageShape(8, 8))
    x = torch.rand(2, 1, 8, 8)
    assert not model.training
    assert all(parameter.dtype == torch.float32 for parameter in model.parameters())
    with torch.no_grad():
        assert torch.equal(model.encode(x)[0], saved.encode(x)[0])
    assert {path.name for path in folder.iterdir()} == {WEIGHTS, CONFIG}


def damage_config(folder: Path, **changes: object) -> None:
    path = folder / CONFIG
    content = json.loads(path.read_text())
    content["settings"] |= changes
    path.write_text(json.dumps(content))


def change_weight(folder: Path) -> None:
    """Change one weight, which leaves a file of the right form."""
    content = bytearray((folder / WEIGHTS).read_bytes())
    content[-1] ^= 1
    (folder / WEIGHTS).write_bytes(content)


@pytest.mark.parametrize(
    "damage",
    [
        change_weight,
        lambda folder: (folder / WEIGHTS).unlink(),
        lambda folder: (folder / WEIGHTS).write_bytes(b""),
        lambda folder: (folder / WEIGHTS).write_bytes((folder / WEIGHTS).read_bytes()[:-9]),
        lambda folder: (folder / CONFIG).unlink(),
        lambda folder: (folder / CONFIG).write_text("[]"),
        lambda folder: (folder / CONFIG).write_text("{"),
        lambda folder: (folder / CONFIG).write_text("{}"),
        lambda folder: damage_config(folder, latent_dim=3),
        lambda folder: damage_config(folder, channels=[0]),
    ],
)
def test_a_damaged_folder_is_reported_in_one_line(folder: Path, damage: object) -> None:
    damage(folder)  # type: ignore[operator]
    with pytest.raises(ModelError) as caught:
        load_model(folder)
    assert str(folder) in caught.value.message
    assert "train it again with `dvc repro train`" in caught.value.message
    assert "\n" not in caught.value.message


@pytest.mark.parametrize("layer", [TransposedConv, OneChannelTransposedConv])
@pytest.mark.parametrize("lost", [(0, 0), (1, 0), (1, 1)])
@pytest.mark.parametrize("channels_last", [False, True])
def test_faster_transposed_convolutions_equal_torchs(
    layer: type[TransposedConv], lost: tuple[int, int], channels_last: bool
) -> None:
    channels = 1 if layer is OneChannelTransposedConv else 3
    ours = layer(6, channels, KERNEL, STRIDE, PADDING, output_padding=lost)
    torchs = torch.nn.ConvTranspose2d(6, channels, KERNEL, STRIDE, PADDING, output_padding=lost)
    torchs.load_state_dict(ours.state_dict())
    layout = torch.channels_last if channels_last else torch.contiguous_format
    x = torch.rand(3, 6, 4, 5).to(memory_format=layout)
    image, expected = ours(x), torchs(x)
    torch.testing.assert_close(image, expected)
    for each in (image, expected):
        (each**2).sum().backward()
    for name, parameter in torchs.named_parameters():
        torch.testing.assert_close(ours.get_parameter(name).grad, parameter.grad)


@pytest.mark.parametrize("architecture", ["linear", "conv"])
def test_a_model_stays_in_double_precision(make_run: MakeRun, architecture: str) -> None:
    model = make_model(make_run(architecture=architecture), ImageShape(28, 28)).double()
    assert model.decode(torch.zeros(1, model.latent_dim).double()).dtype == torch.float64


def test_positions_are_flattened_and_restored() -> None:
    x = torch.rand(2, 3, 4, 5)
    flat = FlattenPositions()(x)
    assert flat.shape == (2, 60)
    assert torch.equal(UnflattenPositions(3, ImageShape(4, 5))(flat), x)
