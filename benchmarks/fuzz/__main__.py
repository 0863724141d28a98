"""Give the commands wrong inputs, and count what they do: `make fuzz`.

An input may be accepted, with status 0, or refused with status 2 and one line on standard error. A
refused one must have written nothing. No input may take more than 20 s or 1.5 GB, end in a
traceback, or show a password.
"""

import importlib
import itertools
import os
import pkgutil
import random
import shlex
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import click

import benchmarks.fuzz
from benchmarks.fuzz.attempt import Attempt, Verdict
from benchmarks.fuzz.case import Case
from benchmarks.fuzz.project import make_project

# What the commands import when they need it; loaded once, before the processes fork.
HEAVY = (
    "analysis.report",
    "pipeline.data.prepared",
    "pipeline.runtime.tracking",
    "study.commands.act",
    "study.commands.export",
    "study.commands.doctor",
    "study.commands.run",
    "study.commands.shares",
    "study.commands.show",
    "study.commands.where",
    "study.outcome.earlier",
    "study.workers.worker",
)
WHOLE = 50  # one input of so many starts an interpreter of its own
# Whoever yields inputs, one module for each area: ``cases(random, folder)``.
GENERATORS = {
    found.name: module
    for found in pkgutil.iter_modules(benchmarks.fuzz.__path__)
    if found.name != "__main__"
    and hasattr(module := importlib.import_module(f"benchmarks.fuzz.{found.name}"), "cases")
}


@click.command()
@click.option("--inputs", default=2000, show_default=True, type=click.IntRange(min=1))
@click.option("--seed", default=0, show_default=True)
@click.option("--minutes", default=10.0, show_default=True, type=click.FloatRange(min=0))
@click.option("--workers", default=os.cpu_count(), show_default=True, type=click.IntRange(min=1))
@click.option(
    "--kinds", default=",".join(GENERATORS), show_default=True, help="Whose inputs to take."
)
@click.option("--only", metavar="KIND:NUMBER", help="One input, with all that it prints.")
def main(
    inputs: int, seed: int, minutes: float, workers: int, kinds: str, only: str | None
) -> None:
    """Give the commands wrong inputs, and report where they break the rules."""
    for name in HEAVY:
        importlib.import_module(name)
    place = Path(tempfile.mkdtemp(prefix="vae-study-fuzz-"))
    try:
        project = place / "project"
        make_project(project)
        if only is not None:
            show_one(only, seed, project, place)
            return
        cases = itertools.islice(all_cases(kinds.split(","), seed, project), inputs)
        tally = Tally(seed)
        deadline = time.monotonic() + 60 * minutes
        for label, case, verdict in run(cases, project, place, workers, deadline):
            tally.add(label, case, verdict)
    finally:
        shutil.rmtree(place, ignore_errors=True)
    tally.show()
    sys.exit(bool(tally.faults))


def all_cases(kinds: list[str], seed: int, project: Path) -> Iterator[tuple[str, Case]]:
    """Yield the generators' inputs by turns, each with its place, such as ``commands:7``.

    They are the same for the same seed, whichever others there are.
    """
    streams = {
        kind: GENERATORS[kind].cases(random.Random(f"{seed}-{kind}"), project) for kind in kinds
    }
    for number in itertools.count():
        for kind, stream in streams.items():
            yield f"{kind}:{number}", next(stream)


def run(
    cases: Iterator[tuple[str, Case]], project: Path, place: Path, workers: int, deadline: float
) -> Iterator[tuple[str, Case, Verdict]]:
    """Run inputs side by side, until there are no more or the time is up."""
    running: dict[str, Attempt] = {}
    count = itertools.count(1)
    exhausted = False
    while running or not exhausted:
        while len(running) < workers and not exhausted:
            label, case = next(cases, (None, None))
            if label is None or case is None or time.monotonic() > deadline:
                exhausted = True
                break
            running[label] = Attempt(case, project, place, whole=next(count) % WHOLE == 0)
        for label, attempt in list(running.items()):
            verdict = attempt.poll()
            if verdict is not None:
                attempt.remove()
                del running[label]
                yield label, attempt.case, verdict
        time.sleep(0.005)


def show_one(label: str, seed: int, project: Path, place: Path) -> None:
    """Run one input and print all about it."""
    kind, _, number = label.partition(":")
    stream = GENERATORS[kind].cases(random.Random(f"{seed}-{kind}"), project)
    case = next(itertools.islice(stream, int(number), None))
    for name, content in case.files.items():
        print(f"{name}: {len(content)} bytes: {content[:2000]!r}")
    print(case.environment, shlex.join(case.command), sep="\n")
    attempt = Attempt(case, project, place)
    verdict = attempt.wait()
    print(verdict.stdout, verdict.stderr, sep="")
    print(f"status {verdict.status}, {verdict.seconds:.1f} s, faults: {verdict.faults}")


class Tally:
    """What was counted so far.

    Args:
        seed: of the inputs.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.started = time.monotonic()
        self.counts: dict[str, Counter[str]] = {}
        self.slowest: dict[str, float] = {}
        self.faults: dict[tuple[str, str, str], list[tuple[str, Case, Verdict]]] = {}

    def add(self, label: str, case: Case, verdict: Verdict) -> None:
        """Count one input."""
        counts = self.counts.setdefault(case.kind, Counter())
        counts["inputs"] += 1
        counts["accepted" if verdict.status == 0 else "refused"] += 1
        counts["faults"] += bool(verdict.faults)
        self.slowest[case.kind] = max(self.slowest.get(case.kind, 0.0), round(verdict.seconds, 1))
        if verdict.faults:
            rule = verdict.faults[0].partition(" ")[0]
            found = self.faults.setdefault((case.kind, rule, verdict.where), [])
            found.append((label, case, verdict))

    def show(self) -> None:
        """Print the counts, and an example of each kind of fault."""
        done = sum(counts["inputs"] for counts in self.counts.values())
        print(f"{done} inputs from seed {self.seed} in {time.monotonic() - self.started:.0f} s")
        names = ("inputs", "accepted", "refused", "faults")
        print("".join(f"{name:>12}" for name in ("kind", *names, "slowest, s")))
        total: Counter[str] = Counter()
        for kind, counts in sorted(self.counts.items()):
            total += counts
            numbers = "".join(f"{counts[name]:>12}" for name in names)
            print(f"{kind:>12}{numbers}{self.slowest[kind]:>12}")
        print(f"{'all':>12}" + "".join(f"{total[name]:>12}" for name in names))
        for (kind, rule, _), examples in self.faults.items():
            label, case, verdict = examples[0]
            example = f"--seed {self.seed} --only {label}"
            print(f"\n{kind}: {rule}, {len(examples)} times; such as {example}")
            print(f"  study {shlex.join(case.command)}"[:300].encode("unicode_escape").decode())
            print(f"  status {verdict.status}; {', '.join(verdict.faults)[:300]}")
            for line in verdict.stderr.splitlines()[-3:]:
                print(f"  {line[:300]}")


if __name__ == "__main__":
    main()
