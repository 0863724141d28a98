"""Provenance: the runs, files and versions behind everything on the page."""

import importlib.metadata
import platform
from collections.abc import Sequence

import pandas as pd

from analysis.findings import Findings
from analysis.present.exhibits import (
    Exhibit,
    NumberedPart,
    ReportSection,
    TableExhibit,
    Widget,
    drop_missing,
    number_parts,
)
from analysis.present.tables import Cell, Column, Table
from analysis.read.frames import Results
from analysis.sections.summary import HASH_DIGITS, days, trained_with
from analysis.words import NOTHING, format_number, join_and, pluralise, short_commit
from pipeline.schemas import arrays, best_card, data_card, judge_card, provenance, tables
from pipeline.schemas.protocol import PROTOCOL_FIELDS

RUNS, HISTORY, TRIALS, IMPORTANCE, CONFIRMED = (
    f"results/{table.name}"
    for table in (
        tables.RUN_METRICS,
        tables.GRID_EPOCHS,
        tables.TRIALS,
        tables.IMPORTANCE,
        tables.CONFIRMED,
    )
)
DATA, PROVENANCE, BEST = (
    f"results/{name}" for name in (data_card.DATA_CARD, provenance.PROVENANCE, best_card.BEST)
)
ARRAYS = f"results/runs/*/*/{arrays.ARRAYS}"
JUDGE = f"judge/{judge_card.JUDGE_CARD}"
# The command that regenerates each file, in line with dvc.yaml.
STAGES = {
    **dict.fromkeys((RUNS, HISTORY, DATA, PROVENANCE), "dvc repro collect"),
    ARRAYS: "dvc repro evaluate",
    **dict.fromkeys((TRIALS, BEST, IMPORTANCE), "dvc repro search"),
    CONFIRMED: "study rerun NUMBER",
    JUDGE: "dvc repro judge",
}
# By the name of a figure, that of a table after "table-", or else the anchor of the section.
SOURCES: dict[str, tuple[str, ...]] = {
    "training": (HISTORY,),
    "training-time": (HISTORY, PROVENANCE),
    "comparison": (RUNS,),
    "metrics-by-size": (RUNS, JUDGE),
    "table-differences": (RUNS, ARRAYS),
    "tradeoffs": (RUNS, PROVENANCE),
    "reconstructions": (RUNS, ARRAYS, DATA),
    "samples": (RUNS, ARRAYS, JUDGE),
    "interpolations": (RUNS, ARRAYS, DATA, JUDGE),
    "latent-space": (RUNS, ARRAYS, DATA, JUDGE),
    "kl-per-dimension": (RUNS,),
    "explorer": (RUNS, ARRAYS, DATA),
    "rate-distortion": (RUNS, TRIALS, BEST),
    "table-rate-distortion-front": (TRIALS, BEST),
    "search": (TRIALS, BEST),
    "against-grid": (HISTORY, RUNS, TRIALS, BEST, CONFIRMED),
    "table-against-grid": (HISTORY, RUNS, TRIALS, BEST, CONFIRMED),
    "importance": (TRIALS, BEST, IMPORTANCE),
    "table-importance": (TRIALS, BEST, IMPORTANCE),
    "confirmed": (TRIALS, BEST, CONFIRMED),
    "table-confirmed": (TRIALS, BEST, CONFIRMED),
    "statements": (RUNS, HISTORY, ARRAYS),
    "metrics": (RUNS, DATA, JUDGE),
}
OF_THE_REPORT = ("vae-study", "numpy", "pandas", "scipy", "matplotlib")


def section(found: Findings, sections: Sequence[ReportSection]) -> ReportSection:
    """The last section.

    Args:
        found: what all sections are built from.
        sections: the other sections, in order.
    """
    results = found.results
    fields = join_and([f"`{name}`" for name in PROTOCOL_FIELDS])
    return ReportSection(
        "provenance",
        "Provenance",
        drop_missing(
            versions_exhibit(results),
            files_exhibit(found, sections),
            runs_exhibit(results),
        ),
        lead=(
            "Everything on this page is derived from the files in `results/` and from "
            "`judge/judge.json`. `study report` regenerates it from them, byte for byte with the "
            "same versions; `dvc repro` regenerates the files whose dependencies have changed. All "
            "paths are relative to the project folder.",
            f"In `{RUNS}`, every run has its protocol in its row: {fields}. If two rows differ in "
            "any of these fields, there is no report: the command stops and names the field and "
            "its values, so numbers that were measured differently never appear in one table.",
            _dates(results),
        ),
        notes=_notes(results),
    )


def _dates(results: Results) -> str:
    known = days(results)
    when = f"The code of the runs was committed on {join_and(known)}. " if known else ""
    return (
        f"{when}The results contain no time stamps, so the same inputs give the same bytes. MLflow "
        "records when each run took place under its run id."
    )


def _notes(results: Results) -> tuple[str, ...]:
    if results.provenance is None:
        return (
            f"There is no `{PROVENANCE}`, so versions and machines of the runs are unknown: run "
            "`dvc repro collect` to add it.",
        )
    without = [run for run in results.runs["run"] if run not in results.provenance.runs]
    if without:
        return (
            f"`{PROVENANCE}` does not cover {join_and(without)}: run `dvc repro collect` to update "
            "it.",
        )
    return ()


def versions_exhibit(results: Results) -> TableExhibit:
    """Versions of Python and the libraries used for the runs, the judge and this page."""
    columns = {
        "Training": trained_with(results),
        "Judge": _single(results.judge.versions),
        "This report": _single(
            {name: importlib.metadata.version(name) for name in OF_THE_REPORT}
            | {"python": platform.python_version()}
        ),
    }
    known = {title: versions for title, versions in columns.items() if versions}
    names = list(dict.fromkeys(name for versions in known.values() for name in versions))
    rows = tuple(
        (
            Cell(name),
            *(Cell(" / ".join(versions.get(name, [])) or NOTHING) for versions in known.values()),
        )
        for name in names
    )
    several = [name for name, found in columns["Training"].items() if len(found) > 1]
    remark = (
        f" The runs were trained with several versions of {join_and(several)}." if several else ""
    )
    return TableExhibit(
        "versions",
        "Versions",
        "Versions used in each step, with a dash if none was recorded. Those of the evaluation "
        "are part of the fingerprints in `results/runs/*/*/evaluation.json`; if they change, runs "
        f"are evaluated again.{remark}",
        Table((Column("Library", numeric=False), *(Column(t, numeric=False) for t in known)), rows),
    )


def _single(versions: dict[str, str]) -> dict[str, list[str]]:
    return {name: [version] for name, version in versions.items()}


def files_exhibit(found: Findings, sections: Sequence[ReportSection]) -> TableExhibit:
    """The file of every figure and table, its sources and the commands that regenerate them."""
    rows = [("Table 1", "Summary", "report.md", "comparison"), *_trail(sections)]
    lines, frame = [], []
    for label, title, file, key in rows:
        sources = _present(found, SOURCES.get(key, tuple(STAGES)))
        commands = list(dict.fromkeys(STAGES[source] for source in sources))
        lines.append(
            (
                Cell(label, title),
                Cell(file),
                _stacked(sources),
                _stacked(commands),
            )
        )
        frame.append(
            {
                "exhibit": label,
                "title": title,
                "file": file,
                "made_from": " ".join(sources),
                "made_again_by": "; ".join(commands),
            }
        )
    columns = ("Figure or table", "File", "Sources", "How to regenerate")
    return TableExhibit(
        "files",
        "Files behind the figures and tables",
        "All files of the report are in its folder: charts as SVG and PNG, tables as Markdown and "
        "LaTeX, and most of them as CSV. `study report` regenerates them all; the commands in the "
        "last column regenerate the numbers. They run only what has changed, or everything with "
        "`--force`.",
        Table(tuple(Column(name, numeric=False) for name in columns), tuple(lines)),
        pd.DataFrame(frame),
        folded=True,
    )


def _stacked(items: Sequence[str]) -> Cell:
    """A list whose first item is the main one, with the others below it."""
    return Cell(f"{items[0]}," if len(items) > 1 else items[0], ", ".join(items[1:]))


def _trail(sections: Sequence[ReportSection]) -> list[tuple[str, str, str, str]]:
    """Label, title, file and key in ``SOURCES`` of each part."""
    return [
        (item.label, item.part.title, _file(item), _key(item, section))
        for section, items in number_parts(sections)
        for item in items
    ]


def _file(item: NumberedPart) -> str:
    part = item.part
    if isinstance(part, Exhibit):
        return f"figures/{part.name}.{part.format}"
    if isinstance(part, Widget):
        return "index.html"
    return f"tables/{part.name}.{'md' if part.frame is None else 'csv'}"


def _key(item: NumberedPart, section: ReportSection) -> str:
    anchor = f"table-{item.part.name}" if item.kind == "table" else item.part.name
    return anchor if anchor in SOURCES else section.anchor


def _present(found: Findings, sources: Sequence[str]) -> list[str]:
    """Drop files that these results do not have."""
    absent = set()
    if found.trials is None:
        absent |= {TRIALS, BEST}
    if found.trials is None or not found.trials.importance:
        absent.add(IMPORTANCE)
    if found.trials is None or not (found.results.folder / tables.CONFIRMED.name).exists():
        absent.add(CONFIRMED)
    if found.results.provenance is None:
        absent.add(PROVENANCE)
    if found.results.data is None:
        absent.add(DATA)
    return [source for source in sources if source not in absent] or [RUNS]


def runs_exhibit(results: Results) -> TableExhibit:
    """One row per run: its identifiers, its inputs, and where its files are."""
    frame = runs_frame(results)
    columns = (
        Column("Run", numeric=False),
        Column("Seed"),
        Column("Epochs"),
        Column("Training", "seconds"),
        Column("Commit", numeric=False),
        Column("Data hash", "below: hash of the weights", numeric=False),
        Column("MLflow run id", numeric=False),
    )
    rows = tuple(
        (
            Cell(row["run"], row["arrays"]),
            Cell(str(row["seed"])),
            Cell(str(row["epochs"])),
            Cell(
                format_number(row["train_seconds"], 1),
                f"{row['device']}, {pluralise(int(row['threads']), 'thread')}"
                if row["device"]
                else "",
            ),
            Cell(short_commit(row["commit"]) or NOTHING, row["day"]),
            Cell(row["data_hash"][:HASH_DIGITS] or NOTHING, row["weights"][:HASH_DIGITS]),
            Cell(row["run_id"] or NOTHING),
        )
        for _, row in frame.iterrows()
    )
    return TableExhibit(
        "runs",
        "All runs",
        f"{pluralise(len(frame), 'run')}. Below each name is the folder with its metrics and "
        "arrays; its weights and history are in the folder of the same name under `models/`, and "
        "`mlflow ui` shows its record under its run id. Hashes and commits are shortened here; the "
        "CSV file contains them in full.",
        Table(columns, rows),
        frame,
        folded=True,
    )


def runs_frame(results: Results) -> pd.DataFrame:
    """The table of runs with full hashes; empty text or NaN for what is unknown."""
    known = results.provenance.runs if results.provenance else {}
    dates = results.provenance.dates if results.provenance else {}
    rows = []
    for _, run in results.runs.iterrows():
        origin = known.get(run["run"])
        rows.append(
            {name: run[name] for name in ("run", "model", "seed", "epochs", "train_seconds")}
            | {
                "device": origin.device if origin else "",
                "threads": origin.threads if origin else None,
                "commit": run["commit"],
                "day": dates.get(run["commit"], ""),
                "data_hash": run["data_hash"],
                "weights": origin.weights if origin else "",
                "run_id": run["run_id"],
                "model_folder": f"models/{run['run']}",
                "arrays": f"results/runs/{run['run']}",
            }
        )
    return pd.DataFrame(rows)
