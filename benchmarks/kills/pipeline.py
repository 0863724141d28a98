"""`dvc repro` killed in any of its stages: the results must be those of an undisturbed one."""

import csv
import time
from pathlib import Path

import psutil

from benchmarks.kills.books import leftovers, trials_in, wrong_records
from benchmarks.kills.project import Process, Project, Report, Task, family, kill, kill_family

# What the stages write, and columns that differ between two runs of the same.
COMPARED = ("trials.csv", "metrics.csv", "history.csv", "importance.csv")
UNCERTAIN = {"seconds", "train_seconds", "run_id", "commit"}
MOST_SECONDS = 12.0  # between two kills
NOTES = ("models/notes.txt", "models/linear-2/notes/mine.txt", "results/runs/mine/notes.txt")


def disturb_pipeline(task: Task) -> Report:
    """Kill DVC, its stage, or both, until the limit; then let the pipeline end."""
    report = Report()
    alone, project = (Project(task.root, task.place / name) for name in ("alone", "disturbed"))
    if alone.start_pipeline().wait():
        return Report(problems=[f"the undisturbed pipeline failed: {tail(alone.log)}"])
    for name in NOTES:
        note = project.place / name
        note.parent.mkdir(parents=True, exist_ok=True)
        note.write_text("mine")
    process = project.start_pipeline()
    while task.goes_on(report):
        time.sleep(task.chance.uniform(0.5, MOST_SECONDS))
        if process.poll() is None:
            kind = task.chance.choice(["dvc alone", "stage", "dvc and stage"])
            kill(_victims(kind, process))
            process.wait()
            report.kills[kind] += 1
        elif process.returncode == 0:  # something to do again
            for models in ("models/*/*", "kept/models/*"):
                for path in project.place.glob(f"{models}/model.safetensors"):
                    path.unlink()
        process = project.start_pipeline()
    kill_family(process)
    if project.start_pipeline().wait():
        report.problems.append(f"the last `dvc repro` failed: {tail(project.log)}")
        return report
    for name in COMPARED:
        same = certain(alone.place / "results" / name) == certain(project.place / "results" / name)
        report.problems += [] if same else [f"results/{name} differs from the undisturbed one"]
    lost = [name for name in NOTES if not (project.place / name).exists()]
    report.problems += [f"{name}, which is the user's, was deleted" for name in lost]
    finished = sum(trial.is_finished for trial in trials_in(alone.place))
    if sum(trial.is_finished for trial in trials_in(project.place)) != finished:
        report.problems.append("the search has another number of trials")
    report.problems += wrong_records(project.place) + leftovers(project.place)
    return report


def _victims(kind: str, process: Process) -> list[psutil.Process]:
    found = family(process)
    match kind:
        case "dvc alone":
            return found[:1]
        case "stage":
            return found[1:]
        case _:
            return found


def certain(path: Path) -> list[dict[str, str]]:
    """The rows of a table without what differs from run to run."""
    with path.open(newline="") as file:
        return [
            {name: value for name, value in row.items() if name not in UNCERTAIN}
            for row in csv.DictReader(file)
        ]


def tail(log: Path) -> str:
    """The last line that a process printed."""
    lines = log.read_text(errors="replace").split("\n")
    return next((line for line in reversed(lines) if line.strip()), "it printed nothing")
