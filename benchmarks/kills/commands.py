"""`study export`, `rerun` and `delete`, killed: each has either done its work, or not begun it."""

import shutil
import time
from pathlib import Path

from benchmarks.kills.books import leftovers, load, trials_in
from benchmarks.kills.pipeline import certain
from benchmarks.kills.project import Project, Report, Task, kill_family

TRIALS = 3
EXPORTED = ("trials.csv", "best.json", "importance.csv")
LONGEST = {"export": 4.0, "rerun": 12.0, "delete": 3.0}  # seconds, by which it has mostly ended


def disturb_commands(task: Task) -> Report:
    """Kill each command at random times; what it left must be whole, and a repetition succeed."""
    report = Report()
    project = Project(task.root, task.place / "project")
    project.run("run", "--trials", str(TRIALS), "--workers", "2").check_returncode()
    name = load(project.place).study_name
    expected = {"results": project.place / "expected", "database": task.place / "study.db"}
    project.run("export", "--out", "expected").check_returncode()
    project.run("rerun", "0", "--seeds", "2", "--out", "expected").check_returncode()
    shutil.copy2(project.place / "study.db", expected["database"])
    while task.goes_on(report):
        command = task.chance.choice(list(LONGEST))
        words = {
            "export": ["export"],
            "rerun": ["rerun", "0", "--seeds", "2", "--workers", "2"],
            "delete": ["delete", name, "--yes"],
        }
        process = project.start(*words[command])
        time.sleep(task.chance.uniform(0.0, LONGEST[command]))
        kill_family(process)
        report.kills[command] += 1
        if command == "delete":
            report.problems += _half_deleted(project, expected["database"])
        else:
            report.problems += _half_written(project.place / "results", expected["results"])
    for again in (["export"], ["rerun", "0", "--seeds", "2"]):
        if project.run(*again).returncode:
            report.problems.append(f"study {again[0]} failed after it had been killed")
    report.problems += _half_written(project.place / "results", expected["results"])
    report.problems += leftovers(project.place)
    return report


def _half_deleted(project: Project, whole: Path) -> list[str]:
    """Whether a search is neither whole nor gone; puts it back."""
    listed = project.run("list", "--json")
    problems = [] if listed.returncode == 0 else [f"study list fails: {listed.stderr[-200:]}"]
    try:
        found = len(trials_in(project.place))
    except ValueError:  # it is gone
        found = TRIALS
    if found != TRIALS:
        problems.append(f"a killed delete left {found} of {TRIALS} trials")
    for path in project.place.glob("study.db*"):
        path.unlink()
    shutil.copy2(whole, project.place / "study.db")
    return problems


def _half_written(results: Path, expected: Path) -> list[str]:
    """Files that are neither absent nor as they should be."""
    problems = []
    for name in EXPORTED:
        path, other = results / name, expected / name
        if not path.exists():
            continue
        same = path.read_bytes() == other.read_bytes()
        problems += [] if same else [f"results/{name} is not what export writes"]
    path, other = results / "confirmed.csv", expected / "confirmed.csv"
    if path.exists() and certain(path) != certain(other):
        problems.append("results/confirmed.csv is not what rerun writes")
    return problems
