"""The command that tries other settings beside the baseline, in a folder of their own."""

import re
import shlex
import subprocess
import sys
from collections.abc import Sequence
from io import StringIO
from pathlib import Path

import click
from ruamel.yaml import YAML

from pipeline.errors import UserError, command_to_type
from pipeline.files import write_text
from pipeline.runtime.interrupts import sigterm_as_interrupt
from pipeline.runtime.workers import count_workers
from pipeline.settings import Settings, load_settings, override, parse_settings

Options = dict[str, object]

EXPERIMENTS = Path("experiments")
SETTINGS = "params.yaml"
LONGEST_NAME = 60  # characters
PATIENCE = 30  # seconds for a stage to end after an interrupt


def vary_command(params: Path, assignments: Sequence[str], into: Path | None, workers: str) -> None:
    """Train, evaluate and report other settings; the baseline's files stay as they are.

    Args:
        params: the baseline's settings.
        assignments: ``KEY=VALUE`` texts.
        into: the folder to write; by default named after the assignments.
        workers: number of processes, or ``auto``.

    Raises:
        UserError: if the settings are not valid, do not differ, or the folder has something else.
    """
    baseline = load_settings(params)
    content = override(baseline.model_dump(mode="json"), assignments)
    settings = parse_settings(content, "the command line")
    if settings.search != baseline.search:
        raise UserError(
            "`study vary` varies the grid; for another search, run `study run -S KEY=VALUE`"
        )
    if settings == baseline:
        raise UserError(f"{params} has these settings already; give another value")
    count_workers(workers, len(settings.runs))  # if it is not valid, nothing is written
    into = into or EXPERIMENTS / _name_of(assignments)
    _claim(into, settings)
    for stage in _stages(settings, baseline, into, workers):
        _run(stage)
    click.echo(f"report   {into / 'reports' / 'index.html'}")
    typed = f"study compare results {shlex.quote(str(into))}"
    click.echo(f"compare  {command_to_type(typed)}")


def _name_of(assignments: Sequence[str]) -> str:
    """Return a folder's name, such as ``epochs=5``."""
    short = "-".join(_short(one) for one in assignments)
    return re.sub(r"[^A-Za-z0-9._=,-]+", "", short).strip("._-")[:LONGEST_NAME] or "varied"


def _short(assignment: str) -> str:
    key, _, value = assignment.partition("=")
    return f"{key.strip().rpartition('.')[2]}={value.strip()}"


def _claim(into: Path, settings: Settings) -> None:
    """Write the settings into a new folder, or accept one that has the same settings.

    Raises:
        UserError: if the folder has something else.
    """
    path = into / SETTINGS
    if path.exists():
        if load_settings(path) != settings:
            raise UserError(f"{into} already has other settings; choose another folder with --into")
        return
    if into.exists() and (not into.is_dir() or any(into.iterdir())):
        raise UserError(f"{into} already exists; choose another folder with --into")
    text = StringIO()
    YAML().dump(settings.model_dump(mode="json"), text)
    write_text(path, text.getvalue())


def _stages(
    settings: Settings, baseline: Settings, into: Path, workers: str
) -> list[tuple[str, Options]]:
    """Return the modules to run with their options; those of the baseline are used where equal."""
    params, results, models = into / SETTINGS, into / "results", into / "models"
    stages: list[tuple[str, Options]] = []
    data, judge = Path("data"), Path("judge")
    if settings.data != baseline.data:
        data = into / "data"
        stages.append(("pipeline.stages.prepare", {"out": data / "prepared.safetensors"}))
    prepared = data / "prepared.safetensors"
    if settings.data != baseline.data or settings.judge != baseline.judge:
        judge = into / "judge"
        stages.append(("pipeline.stages.judge", {"data": prepared, "judge": judge}))
    made: Options = {"data": prepared, "models": models, "workers": workers}
    measured: Options = {"judge": judge, "results": results}
    described: Options = {"data": data / "prepared.json", "models": models, "results": results}
    report: Options = {"results": results, "judge": judge / "judge.json", "out": into / "reports"}
    stages += [
        ("pipeline.stages.train", made),
        ("pipeline.stages.evaluate", made | measured),
        ("pipeline.stages.collect", described),
        ("analysis", report),
    ]
    return [(module, {"params": params} | options) for module, options in stages]


def _run(stage: tuple[str, Options]) -> None:
    """Run a stage as a process of its own, and end as it does if it fails."""
    module, options = stage
    words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    with sigterm_as_interrupt():
        process = subprocess.Popen([sys.executable, "-m", module, *words])
        try:
            status = process.wait()
        except KeyboardInterrupt:
            process.terminate()
            process.wait(PATIENCE)
            raise
    if status:
        sys.exit(status if status > 0 else 128 - status)
