"""The command that writes a search's trials and best settings as files."""

from pathlib import Path

import click
import optuna

from pipeline.errors import UserError
from pipeline.files import read_at_most
from pipeline.schemas.best_card import BEST, BestCard
from pipeline.schemas.record import RecordError, read_record
from pipeline.schemas.tables import IMPORTANCE, TRIALS
from study.commands.chosen import SETTINGS, chosen_search, settings_here
from study.outcome.export import export
from study.search.plan import is_described

PIPELINE = Path("dvc.yaml")
FILES = (TRIALS.name, BEST, IMPORTANCE.name)


def export_command(url: str, name: str | None, out: Path) -> None:
    """Write a search's trials and best settings as files.

    Raises:
        UserError: if that would replace what the pipeline wrote with another search.
    """
    search = chosen_search(url, name)
    if replaces_another(search, out):
        raise UserError(
            f"search {search.study_name} is not that of {SETTINGS}, and {out} has files of "
            f"another, which {PIPELINE} declares; write it to another folder: {elsewhere(search)}"
        )
    for path in export(search, out):
        click.echo(str(path))


def elsewhere(search: optuna.Study) -> str:
    """Return the option that exports a search to a folder of its own."""
    return f"--out results/searches/{search.study_name}"


def replaces_another(search: optuna.Study, out: Path) -> bool:
    """Return whether the export would replace files of the pipeline with those of another search.

    It may write its own files, which are those of the search that ``params.yaml`` describes.
    """
    if not any((out / name).exists() for name in FILES):
        return False
    try:
        if read_record(BestCard, out / BEST).search == search.study_name:
            return False
    except RecordError:
        pass
    settings = settings_here()
    if settings is not None and is_described(search, settings):
        return False
    return not _outputs().isdisjoint((out / name).resolve() for name in FILES)


def _outputs() -> set[Path]:
    """Return all files that the pipeline of the current folder writes."""
    if not PIPELINE.is_file():
        return set()
    from pipeline.settings.plain_yaml import MOST_BYTES, PlainYamlError, parse_yaml  # takes time

    try:
        stages = parse_yaml(read_at_most(PIPELINE, MOST_BYTES).decode())["stages"].values()
        outs = [one for stage in stages for one in stage.get("outs", ())]
    except (PlainYamlError, UserError, ValueError, LookupError, TypeError, AttributeError):
        return {Path("results", name).resolve() for name in FILES}
    names = (next(iter(one)) if isinstance(one, dict) else one for one in outs)
    return {Path(str(name)).resolve() for name in names}
