"""The command that gives back the space of runs that no grid needs now."""

from pathlib import Path

import click

from analysis.words import pluralise
from pipeline.jobs.evaluation_task import RESULT_FILES, finished_evaluation
from pipeline.jobs.kept import KeptRuns
from pipeline.schemas.run_card import RUN_FILES, finished_fingerprint


def clean_command(folder: Path, confirmed: bool) -> None:
    """Remove the kept runs; those of the grid stay where they are.

    Args:
        folder: contains them.
        confirmed: whether to remove them without a question.
    """
    models = KeptRuns(folder / "models", RUN_FILES, finished_fingerprint)
    results = KeptRuns(folder / "results", RESULT_FILES, finished_evaluation)
    (runs, run_bytes), (measured, result_bytes) = models.sizes(), results.sizes()
    if runs + measured == 0:
        click.echo(f"{folder} has no runs")
        return
    freed = (run_bytes + result_bytes) / 1e6
    click.echo(
        f"{folder} has {pluralise(runs, 'model')} and the results of {pluralise(measured, 'run')}; "
        f"removing them frees {freed:.1f} MB"
    )
    if not confirmed:
        click.confirm("Remove them? Another grid would train them again.", abort=True)
    models.remove()
    results.remove()
    click.echo("removed; the runs of the grid stay in models and results")
