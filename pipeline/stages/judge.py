"""Stage ``judge``: train the classifier that evaluates generated images."""

from pathlib import Path

import click

from pipeline.command import Command
from pipeline.data.header import read_header
from pipeline.jobs.judge_fingerprint import finished_judge, judge_fingerprint
from pipeline.runtime.code_version import git_commit, versions
from pipeline.runtime.interrupts import sigterm_as_interrupt
from pipeline.runtime.lock import sole_writer
from pipeline.schemas.where import GRID_EXPERIMENT
from pipeline.settings import load_settings


@click.command(cls=Command, epilog="Example: python -m pipeline.stages.judge --threads 4")
@click.option("--params", default="params.yaml", show_default=True, help="Settings file.")
@click.option(
    "--data",
    default="data/prepared.safetensors",
    show_default=True,
    type=Path,
    help="Prepared data file.",
)
@click.option(
    "--judge", "target", default="judge", show_default=True, type=Path, help="Output folder."
)
@click.option(
    "--threads",
    default=1,
    show_default=True,
    type=click.IntRange(min=1),
    help="Number of threads; a different number changes the rounding.",
)
def main(params: str, data: Path, target: Path, threads: int) -> None:
    """Train the judge on the training split and calibrate it on the validation split.

    Writes JUDGE/model.safetensors and judge.json. The test split is used only after training, to
    measure the judge's accuracy and its scores of real images.
    """
    settings = load_settings(params).judge
    data_hash = read_header(data).hash
    with sole_writer(target, "training of the judge"), sigterm_as_interrupt():
        if finished_judge(target) == judge_fingerprint(settings, data_hash, threads):
            click.echo("the judge is up to date")
            return
        # Imported only if there is a judge to train, because importing takes seconds.
        import torch

        from pipeline.data.prepared import load_prepared
        from pipeline.jobs.judge import make_judge
        from pipeline.runtime.tracking import Tracker

        torch.set_num_threads(threads)
        prepared = load_prepared(data)
        commit = git_commit()
        asked = settings.model_dump() | {"threads": threads} | versions()
        with (
            Tracker.open(GRID_EXPERIMENT) as tracker,
            tracker.run("judge", asked, commit=commit) as record,
        ):
            record.log_dataset(prepared.name, prepared.hash, "training")
            card = make_judge(target, settings, prepared, threads, commit, record)
    click.echo(
        f"test accuracy {card.accuracy:.2%}, expected calibration error "
        f"{card.calibration_error:.2%} ({card.uncalibrated_error:.2%} uncalibrated, temperature "
        f"{card.temperature:.2f}), trained in {card.train_seconds:.0f} s"
    )


if __name__ == "__main__":
    main()
