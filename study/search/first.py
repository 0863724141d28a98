"""The first points of a search: tried in this order, before the sampler decides."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pipeline.settings import RunSettings, Settings, SettingsError
from pipeline.settings.search import CELL
from pipeline.settings.space import applies, as_declared, to_value
from study.search.space import Chosen, MisfitError, from_run


@dataclass(frozen=True, slots=True)
class FirstPoints:
    """What a search tries first.

    Attributes:
        points: each different from the others.
        skipped: one line for each cell or earlier trial that does not fit the space.
    """

    points: tuple[Chosen, ...]
    skipped: tuple[str, ...] = ()


def base_of(settings: Settings) -> RunSettings:
    """Return the settings that trials do not vary: those of section ``train``."""
    return next(iter(settings.runs.values()))


def first_points(
    settings: Settings, earlier: Mapping[str, RunSettings] | None = None
) -> FirstPoints:
    """Return the first points of a search.

    A cell of the grid, such as ``linear-10``, has the settings of section ``train``, and beta 1. A
    point that is written out has the settings of section ``train`` in what it leaves out.

    Args:
        settings: with ``search.first``.
        earlier: runs of an earlier search by what to call them; they come first.

    Raises:
        SettingsError: if a point that is written out is incomplete without a value of its own.
    """
    base, space, first = base_of(settings), settings.search.space, settings.search.first
    points: list[Chosen] = []
    skipped: list[str] = []

    def add(runs: Iterable[tuple[str, RunSettings]]) -> None:
        for name, run in runs:
            try:
                point = from_run(run, space, base)
            except MisfitError as misfit:
                skipped.append(f"{name} does not fit the space: {misfit}")
            else:
                points.extend([point] if point not in points else [])

    add((earlier or {}).items())
    if first == "grid":
        runs = settings.runs.items()
        add({name.rpartition("seed-")[0].rstrip("/-"): run for name, run in runs}.items())
        return FirstPoints(tuple(points), tuple(skipped))
    for place, point in enumerate(first):
        if isinstance(point, str):
            add([(point, _cell(point, base))])
        else:
            chosen = _completed(place, point, settings, base)
            points.extend([chosen] if chosen not in points else [])
    return FirstPoints(tuple(points), tuple(skipped))


def _cell(name: str, base: RunSettings) -> RunSettings:
    match = CELL.fullmatch(name)
    assert match, "settings are checked"
    values = {"architecture": match[1], "latent_dim": int(match[2]), "beta": 1.0}
    return RunSettings.model_validate(base.model_dump() | values)


def _completed(
    place: int, point: Mapping[str, object], settings: Settings, base: RunSettings
) -> Chosen:
    """Return the point with a value for each dimension that applies."""
    given = {name: to_value(value) for name, value in point.items()}
    chosen: Chosen = {}
    for dimension in settings.search.space:
        if not applies(dimension, chosen):
            continue
        if dimension.name in given:
            chosen[dimension.name] = as_declared(dimension, given[dimension.name])
            continue
        run = RunSettings.model_validate(base.model_dump())
        try:
            chosen |= from_run(run, (dimension.model_copy(update={"when": {}}),), run)
        except MisfitError as misfit:
            raise SettingsError(
                f"search.first[{place}] leaves out {dimension.name}, and section train cannot "
                f"replace it: {misfit}; write {dimension.name} in the point"
            ) from None
    unused = given.keys() - chosen.keys()
    if unused:
        raise SettingsError(
            f"search.first[{place}]: {', '.join(sorted(unused))} does not apply to this point; "
            "remove it, or write the values that its `when` requires"
        )
    return chosen
