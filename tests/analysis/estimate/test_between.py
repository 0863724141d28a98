"""Sources compared with a baseline: what is paired, what is corrected, and what is refused."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from analysis.estimate.between import Comparison, compare_sources
from analysis.estimate.intervals import contrast_interval, difference_interval
from analysis.estimate.significance import holm, welch_p
from analysis.estimate.verdicts import Rule
from analysis.read.source import Source, load_source
from pipeline.errors import UserError
from pipeline.schemas.metrics import ELBO, KL, RECONSTRUCTION
from pipeline.schemas.protocol import ProtocolError
from pipeline.schemas.provenance import Provenance
from pipeline.schemas.record import read_record, write_record
from pipeline.settings import parse_settings
from tests.analysis import conftest
from tests.conftest import read_params

MakeSource = Callable[..., Source]
CELLS = ["linear-2", "linear-10", "conv-2", "conv-10"]


@pytest.fixture
def make_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MakeSource:
    """Write results whose ELBOs are raised by some nats, and read them as a source."""

    def make(
        name: str, gain: float = 0.0, epochs: int = 6, settings: bool = False, **changes: object
    ) -> Source:
        folder = tmp_path / name
        folder.mkdir()
        with monkeypatch.context() as patch:
            for cell, elbo in conftest.ELBO.items():
                patch.setitem(conftest.ELBO, cell, elbo + gain)
            conftest.write_results(folder, epochs=epochs, **changes)  # type: ignore[arg-type]
        if settings:
            record_settings(folder, epochs)
        return load_source(folder, name)

    return make


def record_settings(folder: Path, epochs: int, latent_samples: int = 16) -> None:
    """Record the settings of the runs, as the stage ``collect`` does."""
    params = read_params()
    params["train"]["epochs"] = epochs
    params["evaluate"]["latent_samples"] = latent_samples
    settings = parse_settings(params)
    known = read_record(Provenance, folder / "provenance.json")
    runs = {
        run: origin.model_copy(update={"settings": next(iter(settings.runs.values()))})
        for run, origin in known.runs.items()
    }
    changed = known.model_copy(update={"runs": runs, "evaluation": settings.evaluate})
    write_record(folder / "provenance.json", changed)


def compare(baseline: Source, *others: Source) -> Comparison:
    return compare_sources(baseline, others, Rule())[0]


def elbos(source: Source, model: str) -> list[float]:
    return source.runs[source.runs["model"] == model]["elbo"].tolist()


def test_a_cell_is_compared_like_two_models_of_the_report(make_source: MakeSource) -> None:
    baseline, other = make_source("a"), make_source("b", gain=3.0)
    effects = {one.label: one for one in compare(baseline, other).of(ELBO)}
    assert [name for name in effects if name in CELLS] == CELLS
    for cell in CELLS:
        ours, theirs = elbos(other, cell), elbos(baseline, cell)
        found = effects[cell]
        assert found.difference.interval == difference_interval(ours, theirs, 0.95)
        assert (found.before, found.after) == (sum(theirs) / 2, sum(ours) / 2)
        assert found.difference.seeds == (2, 2)
        assert found.difference.improvement == 1


def test_a_level_of_a_factor_is_the_mean_over_its_cells(make_source: MakeSource) -> None:
    baseline, other = make_source("a"), make_source("b", gain=3.0)
    effects = compare(baseline, other).of(ELBO)
    factors = [(one.factor, one.label, one.cells) for one in effects if one.factor != "cell"]
    assert factors == [
        ("all cells", "4 cells", 4),
        ("architecture", "linear", 2),
        ("architecture", "conv", 2),
        ("latent size", "2 dimensions", 2),
        ("latent size", "10 dimensions", 2),
    ]
    groups = [elbos(source, cell) for cell in CELLS[:2] for source in (other, baseline)]
    (linear,) = (one for one in effects if one.label == "linear")
    assert linear.difference.interval == contrast_interval(groups, [0.5, -0.5] * 2, 0.95)
    assert linear.difference.verdict == "better"


def test_a_level_weighs_cells_not_runs(make_source: MakeSource, tmp_path: Path) -> None:
    baseline = make_source("a", architectures=["linear"])
    other = make_source("b", architectures=["linear"], seeds=[0, 1, 2, 3], latent_dims=[2, 10])
    fewer = other.runs[(other.runs["latent_dim"] == 2) | (other.runs["seed"] < 2)]
    lopsided = Source("c", fewer, other.protocol, None, None, other.per_image, ())
    overall, *_, small, large = compare(baseline, lopsided).of(ELBO)
    means = [one.difference.interval.mean for one in (small, large)]
    assert means == [1.0, 0.0], "seeds 2 and 3 are better than 0 and 1"
    assert overall.difference.interval.mean == 0.5
    assert overall.difference.over_images.mean == pytest.approx(0.5)


def test_p_values_are_corrected_over_all_sources(make_source: MakeSource) -> None:
    baseline, near, far = make_source("a"), make_source("b", gain=3.2), make_source("c", gain=9.0)
    found = compare_sources(baseline, [near, far], Rule())
    plain = [
        welch_p(elbos(source, cell), elbos(baseline, cell))
        for source in (near, far)
        for cell in CELLS
    ]
    cells = [one for each in found for one in each.of(ELBO) if one.factor == "cell"]
    assert [one.difference.p_holm for one in cells] == holm(plain)
    assert cells[0].difference.verdict == "borderline"
    assert compare(baseline, far).of(ELBO)[-1].difference.verdict == "better", "among four"


def test_images_are_paired(make_source: MakeSource) -> None:
    found = compare(make_source("a"), make_source("b", gain=3.0))
    for metric in (ELBO, RECONSTRUCTION, KL):
        for effect in found.of(metric):
            images, seeds = effect.difference.over_images, effect.difference.interval
            assert images.mean == pytest.approx(seeds.mean, abs=1e-6)
            # Images differ by 40 nats, but are as hard for both.
            assert images.high - images.low < 0.2


def test_without_values_of_images_a_note_says_so(make_source: MakeSource, tmp_path: Path) -> None:
    other = make_source("b")
    (tmp_path / "b" / "runs" / "linear-2" / "seed-0" / "arrays.npz").unlink()
    found = compare(make_source("a"), load_source(tmp_path / "b", "b"))
    assert other.notes == ()
    assert "linear-2/seed-0" in " ".join(found.notes)
    known = {one.label: one.difference.over_images.is_known for one in found.of(ELBO)}
    assert not known["linear-2"]
    assert not known["linear"]
    assert known["conv"]


def test_other_numbers_of_images_are_refused(make_source: MakeSource) -> None:
    baseline, other = make_source("a"), make_source("b")
    for values in other.per_image.values():
        for run in values:
            values[run] = values[run][:30]  # type: ignore[index]
    with pytest.raises(UserError, match=r"a and b: runs have values of 30 and 40 test images"):
        compare(baseline, other)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("data", "mnist"),
        ("split", "valid"),
        ("split_hash", "ffff456789abcdef0123"),
        ("likelihood", "continuous-bernoulli"),
        ("binarisation", "static"),
        ("checkpoint", "best"),
        ("arithmetic", "bfloat16"),
    ],
)
def test_another_protocol_is_refused_by_name(
    make_source: MakeSource, field: str, value: str
) -> None:
    baseline, other = make_source("a"), make_source("b", protocol={field: value})
    with pytest.raises(ProtocolError) as refused:
        compare(baseline, other)
    before = conftest.PROTOCOL[field]
    assert f"a and b differ in {field} ({before} and {value})" in str(refused.value)


def test_training_may_differ_if_asked_for(make_source: MakeSource) -> None:
    baseline, other = make_source("a"), make_source("b", protocol={"checkpoint": "best"})
    with pytest.raises(ProtocolError, match="add --across checkpoint"):
        compare(baseline, other)
    (found,) = compare_sources(baseline, [other], Rule(), across=["checkpoint"])
    assert ("train.checkpoint", "last", "best") in [
        (one.name, one.before, one.after) for one in found.settings
    ]


def test_the_judge_has_no_part_in_the_bound(make_source: MakeSource) -> None:
    baseline, other = make_source("a"), make_source("b", protocol={"judge": "beef"})
    assert compare(baseline, other).of(ELBO)


def test_the_change_under_study_is_named_as_in_the_settings(
    make_source: MakeSource, tmp_path: Path
) -> None:
    baseline = make_source("a", epochs=20, settings=True)
    other = make_source("b", epochs=5, settings=True)
    found = compare(baseline, other)
    assert [(one.name, one.before, one.after) for one in found.settings] == [
        ("train.epochs", "20", "5")
    ]
    assert found.circumstances == ()
    assert found.notes == ()
    record_settings(tmp_path / "b", epochs=20, latent_samples=4)
    found = compare(baseline, load_source(tmp_path / "b", "b"))
    assert [one.name for one in found.settings] == ["evaluate.latent_samples"]
    assert "unbiased" in " ".join(found.notes)


def test_unrecorded_settings_are_not_taken_for_equal(make_source: MakeSource) -> None:
    found = compare(make_source("a", epochs=6), make_source("b", epochs=5))
    assert [(one.name, one.before, one.after) for one in found.settings] == [("epochs", "6", "5")]
    assert sum("were not recorded" in note for note in found.notes) == 2


def test_cells_of_one_source_are_listed(make_source: MakeSource) -> None:
    baseline = make_source("a", latent_dims=[2, 5])
    found = compare(baseline, make_source("b", architectures=["linear"], latent_dims=[5, 10]))
    assert found.only_baseline == ("linear-2", "conv-2", "conv-5")
    assert found.only_source == ("linear-10",)
    assert [one.label for one in found.of(ELBO)] == ["linear-5"]


def test_betas_are_named_where_they_differ(make_source: MakeSource) -> None:
    betas = {"betas": [1.0, 4.0], "latent_dims": [2]}
    found = compare(make_source("a", **betas), make_source("b", **betas, gain=1.0))
    labels = [one.label.replace("\N{NO-BREAK SPACE}", " ") for one in found.of(ELBO)]
    assert labels[-4:-2] == ["linear-2 (β = 1)", "linear-2 (β = 4)"]
    assert "β = 4" in labels


def test_nothing_in_common_is_refused(make_source: MakeSource) -> None:
    linear = make_source("a", architectures=["linear"], latent_dims=[2])
    with pytest.raises(
        UserError, match="no cell in common: the first has linear-2, the second conv-2"
    ):
        compare(linear, make_source("b", architectures=["conv"], latent_dims=[2]))


def test_means_that_hide_opposite_effects_are_noted(make_source: MakeSource) -> None:
    baseline, better = make_source("a"), make_source("b", gain=90.0)
    worse = make_source("c", gain=-90.0)
    mixed = pd.concat(
        [
            better.runs[better.runs["architecture"] == "linear"],
            worse.runs[worse.runs["architecture"] == "conv"],
        ]
    )
    found = compare(
        baseline, Source("d", mixed, baseline.protocol, None, None, better.per_image, ())
    )
    assert "The effect on ELBO differs in sign between cells, which a mean hides." in found.notes


def test_one_seed_gives_no_verdict(make_source: MakeSource) -> None:
    found = compare(make_source("a"), make_source("b", seeds=[0], gain=9.0))
    assert {one.difference.verdict for one in found.of(ELBO)} == {"unknown"}
    assert "A cell with one seed has no interval over seeds and no verdict." in found.notes
