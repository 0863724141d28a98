"""What differs between two sources: their protocols, their settings, and where they were trained.

Numbers of different protocols are not comparable. Two fields of the protocol describe training, not
the measurement, so they can be what is compared if the user says so. The judge has no part in the
bound. All else that differs is the change under study, or a circumstance that comes with it.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from analysis.read.source import Source
from analysis.words import join_and, short_commit
from pipeline.schemas.protocol import PROTOCOL_FIELDS, ProtocolError
from pipeline.settings import RunSettings
from pipeline.settings.shown import show
from pipeline.settings.train import GridPoint, ModelSettings

OF_TRAINING = ("checkpoint", "arithmetic")
OF_THE_BOUND = ("latent_samples", "seed")  # settings of `evaluate` behind the numbers compared
DIGITS = 12  # of a hash
EPOCHS = "epochs"  # that the runs were trained


@dataclass(frozen=True, slots=True)
class Change:
    """What one thing was in the baseline and is in the other source, as text."""

    name: str
    before: str
    after: str


def require_comparable(baseline: Source, other: Source, across: Collection[str] = ()) -> None:
    """Check that the numbers of two sources were measured alike.

    Args:
        baseline: one source.
        other: another.
        across: fields of ``OF_TRAINING`` that may differ.

    Raises:
        ProtocolError: naming each field that differs, with both values.
    """
    differing = [
        name
        for name in PROTOCOL_FIELDS
        if name != "judge"
        and name not in across
        and getattr(baseline.protocol, name) != getattr(other.protocol, name)
    ]
    if not differing:
        return
    values = [
        f"{name} ({_short(getattr(baseline.protocol, name))} and "
        f"{_short(getattr(other.protocol, name))})"
        for name in differing
    ]
    remedy = "train and evaluate both with the same protocol"
    if set(differing) <= set(OF_TRAINING):
        options = " ".join(f"--across {name}" for name in differing)
        remedy = f"if that is the change under study, add {options}"
    raise ProtocolError(
        f"{baseline.name} and {other.name} differ in {join_and(values)}, so their numbers cannot "
        f"be compared; {remedy}"
    )


def changed_settings(baseline: Source, other: Source) -> list[Change]:
    """Return the settings that differ, named as in params.yaml; unrecorded ones are left out.

    A setting that differs between the runs of one source is shown with all its values.
    """
    changes = _changes(_settings(baseline), _settings(other))
    # How long the runs were trained stands for the setting where that is not known.
    known = has_settings(baseline) and has_settings(other)
    return [one for one in changes if one.name != EPOCHS or not known]


def changed_circumstances(baseline: Source, other: Source) -> list[Change]:
    """Return what else differs between the trainings: code, libraries, machine and data."""
    return _changes(_circumstances(baseline), _circumstances(other))


def has_settings(source: Source) -> bool:
    """Return whether the settings of all runs were recorded."""
    return len(_run_settings(source)) == len(source.runs)


def _changes(before: dict[str, str], after: dict[str, str]) -> list[Change]:
    return [
        Change(name, before[name], after[name])
        for name in before
        if name in after and before[name] != after[name]
    ]


def _settings(source: Source) -> dict[str, str]:
    found: dict[str, str] = {}
    if has_settings(source):
        runs = _run_settings(source)
        for field in RunSettings.model_fields:
            if field not in GridPoint.model_fields:
                section = "train.model" if field in ModelSettings.model_fields else "train"
                found[f"{section}.{field}"] = _all(getattr(run, field) for run in runs)
    found[EPOCHS] = _all(source.runs["epochs"])
    found |= {
        "train.grid.seeds": _all(sorted(set(source.runs["seed"]))),
        "train.checkpoint": source.protocol.checkpoint,
    }
    if source.data is not None:
        found |= {f"data.{name}": show(value) for name, value in source.data.settings.items()}
    if source.provenance is not None and source.provenance.evaluation is not None:
        evaluation = source.provenance.evaluation
        found |= {f"evaluate.{name}": show(getattr(evaluation, name)) for name in OF_THE_BOUND}
    return found


def _circumstances(source: Source) -> dict[str, str]:
    runs = source.provenance.runs if source.provenance else {}
    own = [runs[run] for run in source.runs["run"] if run in runs]
    libraries = dict.fromkeys(name for run in own for name in run.versions)
    found = {
        "commit": _all(
            sorted({short_commit(commit) for commit in source.runs["commit"] if commit})
        ),
        "prepared data": _all(sorted({_short(data) for data in source.runs["data_hash"]})),
        "arithmetic": source.protocol.arithmetic,
    }
    if own:
        found |= {
            "device": _all(run.device for run in own),
            "threads": _all(run.threads for run in own),
        }
    found |= {
        name: _all(run.versions[name] for run in own if name in run.versions) for name in libraries
    }
    return {name: value for name, value in found.items() if value}


def _run_settings(source: Source) -> list[RunSettings]:
    runs = source.provenance.runs if source.provenance else {}
    found = [runs[name].settings for name in source.runs["run"] if name in runs]
    return [settings for settings in found if settings is not None]


def _all(values: Iterable[object]) -> str:
    """Show all distinct values, in the order in which they occur."""
    return " / ".join(dict.fromkeys(show(value) for value in values))


def _short(value: str) -> str:
    return value[:DIGITS] if len(value) > 2 * DIGITS else value
