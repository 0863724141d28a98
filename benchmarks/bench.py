"""This project beside what a user would pick instead: `make bench`.

Each benchmark runs ours and the peers in turn, several rounds, so that the ratios hold on a machine
whose speed drifts. What was found is printed and kept in benchmarks/results.json.
"""

import json
import platform
import sys
import time
from datetime import UTC, datetime
from importlib import import_module, metadata
from pathlib import Path
from typing import Any

import click
from joblib import cpu_count
from rich.console import Console

from benchmarks.context import FILES, Context
from benchmarks.rows import Row, show
from pipeline.files import write_text
from pipeline.runtime.code_version import git_commit

CASES = ("throughput", "quality", "search", "likelihood", "starting", "precision", "cost")
QUICK = ("throughput", "quality", "likelihood", "starting")
RESULTS = Path(__file__).parent / "results.json"
LIBRARIES = ("vae-study", "torch", "torchvision", "optuna", "pythae", "numpy", "mlflow", "dvc")


@click.command(epilog="Example: python -m benchmarks.bench throughput quality --rounds 5")
@click.argument("names", nargs=-1, type=click.Choice(CASES))
@click.option("--root", type=Path, default=Path("data/raw/mnist"), show_default=True,
              help="Folder of MNIST's four IDX files, plain or gzipped.")  # fmt: skip
@click.option("--out", type=Path, default=Path("results/bench"), show_default=True,
              help="Folder for what is made on the way.")  # fmt: skip
@click.option("--rounds", type=click.IntRange(min=1), default=3, show_default=True)
@click.option("--quick", is_flag=True, help="Less of each, and without search, precision and cost.")
def main(names: tuple[str, ...], root: Path, out: Path, rounds: int, quick: bool) -> None:
    """Run the benchmarks NAMES, or all of them, which takes an hour."""
    missing = [name for name in FILES if not list(root.glob(f"{name}-ubyte*"))]
    if missing:
        raise click.UsageError(
            f"--root {root}: there is no {missing[0]}-ubyte or {missing[0]}-ubyte.gz; name the "
            "folder of MNIST's four files"
        )
    context = Context(root, out, 1 if quick else rounds, quick)
    console = Console(width=None if sys.stdout.isatty() else 160)
    rows: list[Row] = []
    for name in names or (QUICK if quick else CASES):
        start = time.perf_counter()
        # Imported one by one: the processes of a measurement import this module too, and would
        # wait for the libraries of all the others.
        found: list[Row] = import_module(f"benchmarks.cases.{name}").measure(context)
        rows += found
        # After each, so that a long run that is interrupted leaves what it found.
        keep(name, found, context)
        console.print(f"{name}: {time.perf_counter() - start:.0f} s")
    show(rows, console)
    console.print(f"Kept in {RESULTS}")


def keep(name: str, rows: list[Row], context: Context) -> None:
    """Put a case's results in place of its earlier ones, with what they were measured on."""
    known: dict[str, Any] = {}
    if RESULTS.exists():
        known = json.loads(RESULTS.read_text(encoding="utf-8"))
    # The quick mode keeps its own, or two minutes would replace what took an hour.
    known[f"{name}, quick" if context.quick else name] = {
        "rows": [row.as_json() for row in rows],
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "rounds": max(len(values) for row in rows for values in row.values.values()),
        "quick": context.quick,
        "commit": git_commit(),
        "machine": {
            "processor": processor(),
            "cores": cpu_count(),
            "system": platform.platform(),
            "python": platform.python_version(),
        },
        "versions": {library: version(library) for library in LIBRARIES},
    }
    write_text(RESULTS, json.dumps(known, indent=1) + "\n")


def version(library: str) -> str:
    """Of an installed library; not all benchmarks need all of them."""
    try:
        return metadata.version(library)
    except metadata.PackageNotFoundError:
        return "not installed"


def processor() -> str:
    """Its name, where the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":")[1].strip() for line in lines if "model name" in line), "")


if __name__ == "__main__":
    main()
