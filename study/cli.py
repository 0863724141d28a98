"""The `study` command. Everything heavy is imported in the command that needs it."""

from pathlib import Path

import click

from pipeline.command import Group, OneLineCommand, current_folder
from pipeline.runtime.address import hide_secrets_in_tracebacks
from study.commands.options import DATA, JSON, NAME, OUT, PARAMS, STORAGE, WORKERS, checked_name


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="vae-study")
def main() -> None:
    """A hyperparameter study of variational auto-encoders with statistically sound comparisons."""
    hide_secrets_in_tracebacks()


@main.command(epilog="Example: study report --out /path/to/reports")
@PARAMS
@click.option(
    "--results", default="results", show_default=True, type=Path, help="Folder of the results."
)
@click.option(
    "--judge",
    default="judge/judge.json",
    show_default=True,
    type=Path,
    help="Description of the judge.",
)
@click.option("--out", default="reports", show_default=True, type=Path, help="Output folder.")
def report(params: Path, results: Path, judge: Path, out: Path) -> None:
    """Write the report from the results, without training anything."""
    from analysis.report import write_report
    from pipeline.settings import load_settings

    write_report(load_settings(params), results, out, judge)
    click.echo(f"report: {out / 'index.html'}")


@main.command(
    short_help="Compare results with a baseline, with intervals.",
    epilog="Example: study compare HEAD results --html comparison.html",
)
@click.argument("sources", nargs=-1, metavar="BASELINE OTHER...")
@click.option(
    "--params", type=Path, help="Settings file with the margin (default: params.yaml if there)."
)
@click.option(
    "--across",
    multiple=True,
    type=click.Choice(["checkpoint", "arithmetic"]),
    help="Part of the protocol that may differ; repeatable.",
)
@JSON
@click.option("--markdown", "as_markdown", is_flag=True, help="Print Markdown, for a pull request.")
@click.option("--html", type=Path, metavar="FILE", help="Also write a page; FILE must be new.")
def compare(
    sources: tuple[str, ...],
    params: Path | None,
    across: tuple[str, ...],
    as_json: bool,
    as_markdown: bool,
    html: Path | None,
) -> None:
    """Compare the test ELBO of each OTHER with that of BASELINE, cell by cell and by factor.

    Each is a folder of results (or one that contains results/), a git revision whose results are in
    DVC's cache, or the name of a DVC experiment. Nothing is checked out or changed. Numbers that
    were measured under different protocols are not compared.
    """
    from study.commands.compare import compare_command

    compare_command(sources, params, across, as_json, as_markdown, html)


@main.command(epilog="Example: study check")
@PARAMS
def check(params: Path) -> None:
    """Check the settings file; print nothing if it is valid.

    `make repro` does so first, because DVC reads some of the settings before any stage can.
    """
    from pipeline.settings import load_settings

    load_settings(params)


@main.command(
    short_help="Search until the number of finished trials is reached.",
    epilog="Example: study run --trials 50",
)
@PARAMS
@DATA
@click.option("--trials", type=click.IntRange(min=1), help="Total number of finished trials.")
@WORKERS
@click.option("--timeout", type=click.FloatRange(min=0), help="Seconds after which to stop.")
@STORAGE
@click.option("--name", callback=checked_name, help="Search name (default: derived from its plan).")
@click.option(
    "--objective",
    type=click.Choice(["elbo", "nll", "rate-distortion"]),
    help="What the search optimises on the validation split.",
)
@click.option(
    "--sampler",
    type=click.Choice(["tpe", "random", "qmc", "grid", "gp"]),
    help="How trials are chosen.",
)
@click.option(
    "--pruner",
    type=click.Choice(["median", "percentile", "hyperband", "none"]),
    help="How unpromising trials are stopped early.",
)
@click.option("--replicates", type=click.IntRange(min=1), help="Seeds per trial.")
@click.option("--epochs", type=click.IntRange(min=1), help="Epochs per trial.")
@click.option("--seed", type=click.IntRange(min=0), help="Seed of the search.")
@click.option(
    "--from",
    "source",
    metavar="NAME|FILE",
    help="Try the best trials of an earlier search, or of a trials.csv, first.",
)
@click.option(
    "--from-best",
    "taken",
    default=5,
    show_default=True,
    type=click.IntRange(min=1),
    help="How many trials --from takes.",
)
@click.option(
    "--confirm",
    type=click.IntRange(min=1),
    metavar="K",
    help="Afterwards, retrain the best K trials with five new seeds each.",
)
@click.option(
    "-S",
    "--set",
    "assignments",
    multiple=True,
    metavar="KEY=VALUE",
    help="Any other setting, such as train.clip_norm=5; repeatable.",
)
def run(
    params: Path,
    data: Path,
    workers: str,
    timeout: float | None,
    storage: str,
    name: str | None,
    assignments: tuple[str, ...],
    source: str | None,
    taken: int,
    confirm: int | None,
    **changes: int | str | None,
) -> None:
    """Search until the total number of finished (complete or pruned) trials is reached.

    Rerunning resumes the search, or does nothing if it is finished. Options override the settings
    file; a changed plan starts another search. Ctrl-C lets running trials finish, a second Ctrl-C
    cancels them.
    """
    from study.commands.run import remember, search_and_summarise, searched_settings

    given = {key: value for key, value in changes.items() if value is not None}
    settings = searched_settings(params, assignments, given)
    earlier = None
    if source is not None:
        from study.outcome.earlier import best_runs

        earlier = best_runs(source, taken, storage, settings)
    outcome = search_and_summarise(settings, data, workers, timeout, storage, name, earlier)
    if outcome.stopped.startswith("interrupted"):
        raise SystemExit(130)  # the convention of shells for Ctrl-C
    if not outcome.stopped:
        remember(outcome, storage)
    if confirm is not None and not outcome.stopped:
        from study.commands.act import confirm_best

        seeds = settings.train.grid.seeds
        confirm_best(outcome.search, confirm, seeds, data, Path("results"), workers)


@main.command(
    short_help="Join a search from another shell or machine.",
    epilog="Example: study worker --name NAME",
)
@STORAGE
@click.option(
    "--name", required=True, callback=checked_name, help="Search name, as printed by `study run`."
)
@DATA
@click.option("--assignment", hidden=True, help="By the supervisor that starts it, as JSON.")
def worker(storage: str, name: str, data: Path, assignment: str | None) -> None:
    """Join a search from another shell or machine until it has its trials."""
    from study.workers.assignment import Assignment
    from study.workers.worker import work

    try:
        work(storage, name, data, Assignment.parse(assignment) if assignment else None)
    except KeyboardInterrupt:
        raise SystemExit(130) from None  # cancelled, and its trial is recorded as such


@main.command(epilog="Example: study status")
@STORAGE
@NAME
@JSON
def status(storage: str, name: str | None, as_json: bool) -> None:
    """Show progress, the best trial so far, and running trials."""
    from study.commands.show import status_command

    status_command(storage, name, as_json)


@main.command(name="list", epilog="Example: study list")
@STORAGE
@JSON
def list_searches(storage: str, as_json: bool) -> None:
    """List all searches with their trials by state."""
    from study.commands.show import list_command

    list_command(storage, as_json)


@main.command(epilog="Example: study best -n 3")
@STORAGE
@NAME
@click.option(
    "-n",
    "count",
    default=5,
    show_default=True,
    type=click.IntRange(min=1),
    help="Maximum number of trials.",
)
@JSON
def best(storage: str, name: str | None, count: int, as_json: bool) -> None:
    """Show the best trials of a search, or its Pareto front."""
    from study.commands.show import best_command

    best_command(storage, name, count, as_json)


@main.command(epilog="Example: study show 7")
@STORAGE
@NAME
@JSON
@click.argument("number", type=int)
def show(storage: str, name: str | None, number: int, as_json: bool) -> None:
    """Show everything that is known about trial NUMBER."""
    from study.commands.show import show_command

    show_command(storage, name, number, as_json)


@main.command(epilog="Example: study importance")
@STORAGE
@NAME
@JSON
def importance(storage: str, name: str | None, as_json: bool) -> None:
    """Show which hyperparameters the objective depends on (fANOVA)."""
    from study.commands.show import importance_command

    importance_command(storage, name, as_json)


@main.command(
    short_help="Retrain trial NUMBER with new seeds to check its value.",
    epilog="Example: study rerun 7 --seeds 5",
)
@STORAGE
@NAME
@DATA
@click.argument("number", type=int)
@click.option(
    "--seeds",
    default=5,
    show_default=True,
    type=click.IntRange(min=1),
    help="Number of new seeds.",
)
@WORKERS
@OUT
def rerun(
    storage: str, name: str | None, data: Path, number: int, seeds: int, workers: str, out: Path
) -> None:
    """Retrain trial NUMBER with new seeds to check the trial's value.

    A search's best value is the luckiest of many. New seeds show what the settings really reach,
    with an interval, and leave one model per seed.
    """
    from study.commands.act import rerun_command

    rerun_command(storage, name, number, seeds, data, out, workers)


@main.command(
    short_help="Write trials.csv, best.json and importance.csv.",
    epilog="Example: study export --out results",
)
@STORAGE
@NAME
@OUT
def export(storage: str, name: str | None, out: Path) -> None:
    """Write trials.csv (one row per finished trial), best.json and importance.csv."""
    from study.commands.export import export_command

    export_command(storage, name, out)


@main.command(epilog="Example: study delete mnist-5k-elbo-1a2b3c4d --yes")
@STORAGE
@click.argument("name", callback=checked_name)
@click.confirmation_option(prompt="Delete the search and all its trials?")
def delete(storage: str, name: str) -> None:
    """Delete search NAME and all its trials."""
    from study.commands import delete_command

    delete_command(storage, name)


@main.command(
    short_help="Try other settings of the grid in a folder of their own.",
    epilog="Example: study vary train.epochs=5",
)
@click.argument("assignments", nargs=-1, required=True, metavar="KEY=VALUE...")
@PARAMS
@click.option(
    "--into", type=Path, help="Output folder.  [default: experiments/, named after the changes]"
)
@WORKERS
def vary(assignments: tuple[str, ...], params: Path, into: Path | None, workers: str) -> None:
    """Train, evaluate and report the grid with other settings, beside the baseline.

    Values are YAML, such as 'train.grid.latent_dims=[2, 50]'. Nothing of the baseline is changed;
    its data and its judge are used unless their settings differ.
    """
    from study.commands.vary import vary_command

    vary_command(params, assignments, into, workers)


@main.command(
    short_help="Remove the runs that are kept for other grids.", epilog="Example: study clean --yes"
)
@click.option(
    "--kept", default="kept", show_default=True, type=Path, help="Folder of the kept runs."
)
@click.option("--yes", is_flag=True, help="Remove them without a question.")
def clean(kept: Path, yes: bool) -> None:
    """Remove the runs that are kept for other grids; those of the grid stay."""
    from study.commands.clean import clean_command

    clean_command(kept, yes)


@main.command(
    cls=OneLineCommand,  # so that it runs anywhere, and reports what is wrong there
    short_help="Check versions, settings, data and databases.",
    epilog="Example: study doctor --fix",
)
@PARAMS
@DATA
@STORAGE
@click.option("--fix", is_flag=True, help="Clean up after killed processes.")
@JSON
def doctor(params: Path, data: Path, storage: str, fix: bool, as_json: bool) -> None:
    """Check versions, settings, data and databases; exit with status 1 if something is wrong."""
    current_folder()  # before torch is imported, which cannot be where there is none
    from study.commands.doctor import doctor_command

    raise SystemExit(0 if doctor_command(params, data, storage, fix, as_json) else 1)


@main.command(epilog="Example: study where")
@JSON
def where(as_json: bool) -> None:
    """Show where the report, the tables and the recorded runs are."""
    from study.commands.where import where_command

    where_command(as_json)
