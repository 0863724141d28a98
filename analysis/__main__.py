"""``python -m analysis``: create the comparison report from exported results."""

from pathlib import Path

import click

from pipeline.command import Command
from pipeline.settings import load_settings


@click.command(
    cls=Command,
    epilog="Example: python -m analysis --results results --out reports",
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.option(
    "--params",
    type=click.Path(path_type=Path),
    default=Path("params.yaml"),
    show_default=True,
    help="Settings file; only its section analyze is used.",
)
@click.option(
    "--results",
    type=click.Path(path_type=Path),
    default=Path("results"),
    show_default=True,
    help="Results folder, with metrics.csv, history.csv, data.json and the arrays of each run.",
)
@click.option(
    "--judge",
    type=click.Path(path_type=Path),
    default=Path("judge/judge.json"),
    show_default=True,
    help="Card of the judge.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("reports"),
    show_default=True,
    help="Output folder.",
)
def main(params: Path, results: Path, judge: Path, out: Path) -> None:
    """Create the comparison report: tables, figures, index.html and report.md.

    A report that is up to date is kept; `study report` always creates it again.
    """
    settings = load_settings(params)
    from analysis.report_card import finished_report, report_fingerprint

    if finished_report(out) == report_fingerprint(settings, results, judge):
        click.echo("the report is up to date")
        return
    # Drawing libraries take seconds to load.
    from analysis.report import write_report

    index = write_report(settings, results, out, judge)
    click.echo(f"Report: {index}")


if __name__ == "__main__":
    main(prog_name="python -m analysis")
