"""The training loop: it learns, is reproducible, and reports divergence."""

from dataclasses import replace

import pytest
import torch

from pipeline.data.prepared import Split
from pipeline.models import VAE, ImageShape, build_model, initialise
from pipeline.models.elbo import bound
from pipeline.numerics.hardware import Hardware, resolve_hardware, seeded_generator
from pipeline.settings import RunSettings, Schedule
from pipeline.training.loop import (
    DivergenceError,
    EpochReport,
    Fit,
    Terms,
    TrainingImages,
    build_scheduler,
    fit,
    train_epochs,
    warmed_up_beta,
)
from tests.conftest import MakeRun


def start(run: RunSettings, train: Split) -> VAE:
    model = build_model(run, ImageShape(8, 8))
    mean = train.images.float().mean(0) / 255
    initialise(model, mean, seeded_generator(run.seed, "initialisation"))
    return model


def train(run: RunSettings, train: Split, valid: Split, cpu: Hardware) -> tuple[VAE, Fit]:
    model = start(run, train)
    return model, fit(model, train_epochs(model, run, train, valid, cpu), run)


def without_time(result: Fit) -> list[EpochReport]:
    return [replace(report, seconds=0) for report in result.history]


@pytest.mark.parametrize("architecture", ["linear", "conv"])
@pytest.mark.parametrize(
    ("likelihood", "binarisation"),
    [
        ("bernoulli", "dynamic"),
        ("bernoulli", "static"),
        ("continuous-bernoulli", "none"),
        ("gaussian", "none"),
    ],
)
def test_training_improves_the_validation_elbo(
    make_run: MakeRun,
    train_split: Split,
    valid_split: Split,
    cpu: Hardware,
    architecture: str,
    likelihood: str,
    binarisation: str,
) -> None:
    run = make_run(
        architecture=architecture, likelihood=likelihood, binarisation=binarisation, epochs=20
    )
    _, result = train(run, train_split, valid_split, cpu)
    first, last = result.history[0], result.history[-1]
    assert last.valid.elbo > first.valid.elbo + 1
    assert [report.epoch for report in result.history] == list(range(1, 21))
    for terms in (last.train, last.valid):
        assert terms.elbo == pytest.approx(-(terms.reconstruction + terms.kl))
        assert terms.loss == pytest.approx(terms.reconstruction + terms.kl)  # beta is 1


def test_a_single_batch_can_be_overfitted(
    make_run: MakeRun, train_split: Split, cpu: Hardware
) -> None:
    few = Split(*(part[:4] for part in (train_split.images, train_split.binarised)), None, "")  # type: ignore[arg-type]
    run = make_run(
        hidden=[64], epochs=150, batch_size=4, binarisation="static", schedule="cosine", beta=0.0
    )
    _, result = train(run, few, few, cpu)
    assert result.history[-1].train.reconstruction < 1  # 64 pixels, 44 nats at the start


@pytest.mark.parametrize("architecture", ["linear", "conv"])
def test_the_same_seed_gives_a_bitwise_identical_history(
    make_run: MakeRun, train_split: Split, valid_split: Split, cpu: Hardware, architecture: str
) -> None:
    run = make_run(architecture=architecture)
    torch.manual_seed(1)
    model, first = train(run, train_split, valid_split, cpu)
    torch.manual_seed(2)
    again_model, again = train(run, train_split, valid_split, cpu)
    assert without_time(first) == without_time(again)
    weights, same = model.state_dict(), again_model.state_dict()
    assert all(torch.equal(weights[name], same[name]) for name in weights)
    _, other = train(run.model_copy(update={"seed": 1}), train_split, valid_split, cpu)
    assert without_time(first) != without_time(other)


def test_alternating_trainings_do_not_affect_each_other(
    make_run: MakeRun, train_split: Split, valid_split: Split, cpu: Hardware
) -> None:
    runs = [make_run(seed=seed, epochs=3) for seed in (0, 1)]
    alone = [train(run, train_split, valid_split, cpu)[1] for run in runs]
    models = [start(run, train_split) for run in runs]
    generators = [
        train_epochs(model, run, train_split, valid_split, cpu)
        for model, run in zip(models, runs, strict=True)
    ]
    together = list(zip(*generators, strict=True))
    for index, result in enumerate(alone):
        assert [replace(pair[index], seconds=0) for pair in together] == without_time(result)


def test_divergence_is_reported_with_settings_and_epoch(
    make_run: MakeRun, train_split: Split, valid_split: Split, cpu: Hardware
) -> None:
    run = make_run(learning_rate=1e18, clip_norm=None, schedule="constant")
    with pytest.raises(DivergenceError) as caught:
        train(run, train_split, valid_split, cpu)
    message = caught.value.message
    assert message.startswith("training of linear-2 (beta 1, seed 0) diverged in epoch ")
    assert "lower train.learning_rate (now 1e+18)" in message
    assert "\n" not in message


def test_divergence_is_noticed_in_validation_too(
    make_run: MakeRun, train_split: Split, valid_split: Split, cpu: Hardware
) -> None:
    """A single step per epoch: the training loss is finite, but the weights after it are not."""
    run = make_run(
        batch_size=1000, epochs=1, learning_rate=1e18, clip_norm=None, schedule="constant"
    )
    with pytest.raises(DivergenceError, match=r"set train\.clip_norm"):
        train(run, train_split, valid_split, cpu)


def test_the_elbo_does_not_depend_on_beta_but_the_loss_does(
    make_run: MakeRun, train_split: Split, valid_split: Split, cpu: Hardware
) -> None:
    _, result = train(make_run(beta=4.0), train_split, valid_split, cpu)
    terms = result.history[-1].valid
    assert terms.elbo == pytest.approx(-(terms.reconstruction + terms.kl))
    assert terms.loss == pytest.approx(terms.reconstruction + 4 * terms.kl)


def test_averages_are_over_images_and_not_over_batches(
    make_run: MakeRun, train_split: Split, valid_split: Split, cpu: Hardware
) -> None:
    """104 images in batches of 100: the last four must not count as much as the first hundred."""
    run = make_run(batch_size=100, epochs=1, learning_rate=1e-12, binarisation="static")
    model = start(run, train_split)
    report = next(train_epochs(model, run, train_split, valid_split, cpu))
    images = TrainingImages(train_split, run, cpu.device)
    with torch.no_grad():
        terms = [bound(model, x, noise) for x, noise in images.batches()]
    exact = torch.cat([batch.reconstruction for batch in terms]).mean().item()
    assert report.train.reconstruction == pytest.approx(exact, rel=1e-5)


def test_an_epoch_contains_every_image_once(make_run: MakeRun, train_split: Split) -> None:
    run = make_run(binarisation="none", batch_size=10)
    batches = [x for x, _ in TrainingImages(train_split, run, torch.device("cpu")).batches()]
    assert [len(batch) for batch in batches] == [10] * 10 + [4]
    shown = (torch.cat(batches).squeeze(1) * 255).round().to(torch.uint8)
    key = lambda images: sorted(bytes(image.numpy().tobytes()) for image in images)  # noqa: E731
    assert key(shown) == key(train_split.images)
    assert not torch.equal(shown, train_split.images), "not shuffled"


def test_dynamic_binarisation_draws_with_the_right_probability_in_each_epoch(
    make_run: MakeRun, train_split: Split
) -> None:
    run = make_run(binarisation="dynamic", batch_size=1000)
    images = TrainingImages(train_split, run, torch.device("cpu"))
    draws = torch.stack([next(images.batches())[0].sum((0, 1)) for _ in range(300)])
    assert draws.std(0).min() > 0, "the same draw every epoch"
    p = train_split.images.double() / 255
    expected, deviation = p.sum(0), (p * (1 - p)).sum(0).sqrt()
    assert ((draws.double().mean(0) - expected).abs() < 5 * deviation / 300**0.5).all()


def test_black_and_white_pixels_are_never_flipped(make_run: MakeRun, train_split: Split) -> None:
    extreme = replace_images(train_split, (train_split.images > 100).to(torch.uint8) * 255)
    run = make_run(binarisation="dynamic", batch_size=1000)
    for _ in range(20):
        x, _ = next(TrainingImages(extreme, run, torch.device("cpu")).batches())
        assert x.sum() == (extreme.images > 0).sum()


def replace_images(split: Split, images: torch.Tensor) -> Split:
    return Split(images, split.binarised, split.labels, split.hash)


def test_beta_warms_up_linearly(make_run: MakeRun) -> None:
    run = make_run(beta=4.0, beta_warmup=2)
    assert [warmed_up_beta(run, done) for done in (0, 0.5, 1, 2, 3)] == [0, 1, 2, 4, 4]
    assert warmed_up_beta(make_run(beta=4.0), 0) == 4


def rates_over(schedule: Schedule, steps: int) -> list[list[float]]:
    """The rates of an empty group at 0.01 and of one at 0.03, step by step."""
    groups = [{"params": [], "lr": 0.01}, {"params": [torch.nn.Parameter(torch.zeros(1))]}]
    optimizer = torch.optim.Adam(groups, lr=0.03)
    scheduler = build_scheduler(optimizer, schedule, steps)
    rates = []
    for _ in range(steps):
        rates.append([float(rate) for rate in scheduler.get_last_lr()])
        optimizer.step()
        scheduler.step()
    return rates


@pytest.mark.parametrize("schedule", ["one-cycle", "cosine", "constant"])
def test_the_learning_rate_peaks_at_the_given_value(schedule: Schedule) -> None:
    rates = [first for first, _ in rates_over(schedule, 100)]
    assert 0.0099 < max(rates) <= 0.01  # the peak can be between two steps
    ends = {"one-cycle": (0.0004, 2e-4), "cosine": (0.01, 1e-5), "constant": (0.01, 0.01)}
    assert rates[0] == pytest.approx(ends[schedule][0])
    assert rates[-1] <= ends[schedule][1]


@pytest.mark.parametrize("schedule", ["one-cycle", "cosine", "constant"])
def test_each_group_keeps_its_multiple_of_the_rate(schedule: Schedule) -> None:
    for first, second in rates_over(schedule, 50):
        assert second == pytest.approx(3 * first, rel=1e-3)


@pytest.mark.parametrize("steps", [1, 2, 3, 8, 9, 10, 19])
def test_a_cycle_of_few_steps_reaches_its_peak(steps: int) -> None:
    rates = [first for first, _ in rates_over("one-cycle", steps)]
    assert 0.9 * 0.01 < max(rates) <= 0.01 * (1 + 1e-9)


def test_layers_are_trained_at_their_own_rates(
    make_run: MakeRun, train_split: Split, valid_split: Split, cpu: Hardware
) -> None:
    """Adam's first step changes each parameter by its rate, whatever its gradient."""
    run = make_run(
        hidden=[100], schedule="constant", batch_size=len(train_split.images), clip_norm=None
    )
    model = start(run, train_split)
    before = {name: value.detach().clone() for name, value in model.named_parameters()}
    report = next(train_epochs(model, run, train_split, valid_split, cpu))
    assert report.learning_rate == pytest.approx(run.learning_rate)
    moved = {
        name: (value.detach() - before[name]).abs().max().item() / run.learning_rate
        for name, value in model.named_parameters()
    }
    hidden, code = 100, run.latent_dim
    assert moved == pytest.approx(
        {
            "encoder.1.weight": (400 / 64) ** 0.5,
            "encoder.3.weight": (400 / hidden) ** 0.5,
            "decoder.0.weight": (400 / code) ** 0.5,
            "decoder.2.weight": (400 / hidden) ** 0.5,
        }
        | {name: 4.0 for name in moved if name.endswith("bias")},
        rel=1e-2,
    )


def reports_of(elbos: list[float], model: torch.nn.Module) -> list[EpochReport]:
    return [
        EpochReport(epoch, Terms(0, 0, 0, 0), Terms(elbo, 0, 0, 0), float(epoch), 0.1)
        for epoch, elbo in enumerate(elbos, start=1)
    ]


@pytest.mark.parametrize(
    ("patience", "checkpoint", "epochs", "chosen"),
    [
        (None, "last", 6, 6),
        (None, "best", 6, 2),
        (2, "last", 4, 4),
        (2, "best", 4, 2),
        (9, "best", 6, 2),
    ],
)
def test_fit_stops_early_and_chooses_an_epoch(
    make_run: MakeRun, patience: int | None, checkpoint: str, epochs: int, chosen: int
) -> None:
    run = make_run(patience=patience, checkpoint=checkpoint, epochs=6)
    model = build_model(make_run(), ImageShape(8, 8))
    weight = model.encoder.get_submodule("1").weight

    def training() -> object:
        for report in reports_of([-5, -3, -4, -6, -5, -4], model):
            with torch.no_grad():
                weight.fill_(report.epoch)  # type: ignore[operator]
            yield report

    seen: list[int] = []
    result = fit(model, training(), run, lambda report: seen.append(report.epoch))  # type: ignore[arg-type]
    assert seen == list(range(1, epochs + 1))
    assert result.chosen.epoch == chosen
    assert result.stopped_early is (epochs < 6)
    assert model.state_dict()["encoder.1.weight"].unique().tolist() == [chosen]


def test_bfloat16_trains_as_well_as_float32(
    make_run: MakeRun, train_split: Split, valid_split: Split, cpu: Hardware
) -> None:
    run = make_run(epochs=8)
    _, exact = train(run, train_split, valid_split, cpu)
    half = Hardware(cpu.device, "bfloat16")
    model, rough = train(run, train_split, valid_split, half)
    assert rough.history[-1].valid.elbo == pytest.approx(exact.history[-1].valid.elbo, abs=1)
    assert without_time(rough) != without_time(exact)
    assert all(parameter.dtype == torch.float32 for parameter in model.parameters())


def test_missing_hardware_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(Exception, match=r"train\.device = cuda, but torch finds no CUDA device"):
        resolve_hardware("cuda", "auto")
    assert resolve_hardware("auto", "float32") == Hardware(torch.device("cpu"), "float32")
