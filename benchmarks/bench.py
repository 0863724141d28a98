"""This project compared with what a user would pick instead: `make bench`.

Each benchmark alternates between ours and the peers for several rounds, so that the ratios hold on
a machine whose speed drifts. Results are printed and kept in benchmarks/results.json.
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
              help="Folder with MNIST's four IDX files, plain or gzipped.")  # fmt: skip
@click.option("--out", type=Path, default=Path("results/bench"), show_default=True,
              help="Folder for intermediate files.")  # fmt: skip
@click.option("--rounds", type=click.IntRange(min=1), default=3, show_default=True,
              help="Rounds per comparison.")  # fmt: skip
@click.option("--quick", is_flag=True, help="Shorter, without search, precision and cost.")
def main(names: tuple[str, ...], root: Path, out: Path, rounds: int, quick: bool) -> None:
    """Run the benchmarks NAMES (default: all of them, which takes an hour)."""
    missing = [name for name in FILES if not list(root.glob(f"{name}-ubyte*"))]
    if missing:
        raise click.UsageError(
            f"--root {root}: {missing[0]}-ubyte or {missing[0]}-ubyte.gz not found; give the "
            "folder with MNIST's four files"
        )
    context = Context(root, out, 1 if quick else rounds, quick)
    console = Console(width=None if sys.stdout.isatty() else 160)
    rows: list[Row] = []
    for name in names or (QUICK if quick else CASES):
        start = time.perf_counter()
        # Imported one at a time: the processes of a measurement import this module too, and would
        # otherwise load the libraries of all cases.
        found: list[Row] = import_module(f"benchmarks.cases.{name}").measure(context)
        rows += found
        # Saved after each case, so that an interrupted run keeps its results.
        keep(name, found, context)
        console.print(f"{name}: {time.perf_counter() - start:.0f} s")
    show(rows, console)
    console.print(f"Kept in {RESULTS}")


def keep(name: str, rows: list[Row], context: Context) -> None:
    """Replace the earlier results of a case, and record the machine and versions."""
    known: dict[str, Any] = {}
    if RESULTS.exists():
        known = json.loads(RESULTS.read_text(encoding="utf-8"))
    # Quick results have their own key, or two minutes would replace what took an hour.
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
    """Return the version of a library; not all benchmarks need all of them."""
    try:
        return metadata.version(library)
    except metadata.PackageNotFoundError:
        return "not installed"


def processor() -> str:
    """Return the name of the processor, or an empty string if the system does not report it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":")[1].strip() for line in lines if "model name" in line), "")


if __name__ == "__main__":
    main()
