"""The first screen: how the numbers were obtained, and what to know before using them."""

import pandas as pd

from analysis.estimate.intervals import mean_interval
from analysis.present.intervals import format_estimate
from analysis.present.tables import Cell, Column, Table, metrics_table, shown_metrics
from analysis.read.frames import Results
from analysis.words import (
    format_number,
    format_range,
    format_share,
    join_and,
    likelihood_label,
    pluralise,
    short_commit,
)
from pipeline.schemas.judge_card import JudgeCard
from pipeline.schemas.metrics import METRICS
from pipeline.schemas.protocol import Protocol

HASH_DIGITS = 12
BRIEF = ("elbo", "nll_500", "reconstruction", "kl", "active_units", "frechet_distance")


def brief_table(summary: pd.DataFrame, protocol: Protocol) -> Table:
    """One row per configuration with the most informative metrics and the training time.

    Args:
        summary: from ``summarise``.
        protocol: shared by all its numbers.
    """
    shown = shown_metrics(summary)
    table = metrics_table(summary, protocol, [METRICS[name] for name in BRIEF if name in shown])
    rows = tuple(
        (*cells, Cell(format_number(seconds, 1)))
        for cells, seconds in zip(table.rows, summary["train_seconds_mean"], strict=True)
    )
    return Table((*table.columns, Column("Training", "seconds")), rows)


def facts(results: Results) -> list[tuple[str, str]]:
    """The protocol and other facts behind all numbers, as pairs of term and value."""
    runs, protocol, data = results.runs, results.protocol, results.data
    split = f"{protocol.split} split, hash {protocol.split_hash[:HASH_DIGITS]}"
    sizes = (
        ", ".join(f"{size:,} {name}" for name, size in data.sizes.items()) if data else "unknown"
    )
    seeds = sorted(set(runs["seed"]))
    return [
        ("Data", protocol.data),
        ("Images", sizes),
        ("Measured on", split),
        ("Likelihood", likelihood_label(protocol)),
        ("Binarisation", protocol.binarisation),
        ("Runs", f"{len(runs)} (seed{'s' if len(seeds) > 1 else ''} {', '.join(map(str, seeds))})"),
        ("Epochs", format_range(runs["epochs"].tolist(), "epoch").rpartition(" ")[0]),
        ("Checkpoint", f"{protocol.checkpoint} epoch"),
        ("Arithmetic", protocol.arithmetic),
        (
            "Judge",
            f"{format_share(results.judge.accuracy)} test accuracy, hash "
            f"{results.judge.sha256[:HASH_DIGITS]}",
        ),
        ("Trained on", machines(results) or "unknown"),
        ("Versions", _versions(results) or "unknown"),
        ("Commit", ", ".join(_commits(runs)) or "unknown"),
        ("Commit date", ", ".join(days(results)) or "unknown"),
    ]


def machines(results: Results) -> str:
    """Return ``cpu with 1 thread``: what runs were trained on; empty if it was not exported."""
    known = results.provenance.runs if results.provenance else {}
    kinds = {
        f"{origin.device} with {pluralise(origin.threads, 'thread')}"
        for run, origin in known.items()
        if run in set(results.runs["run"])
    }
    return join_and(sorted(kinds))


def trained_with(results: Results) -> dict[str, list[str]]:
    """Return the versions of each library used in training; empty if none are known."""
    found: dict[str, set[str]] = {}
    for run, origin in (results.provenance.runs if results.provenance else {}).items():
        if run in set(results.runs["run"]):
            for name, version in origin.versions.items():
                found.setdefault(name, set()).add(version)
    return {name: sorted(versions) for name, versions in found.items()}


def _versions(results: Results) -> str:
    return ", ".join(
        f"{name} {' / '.join(versions)}" for name, versions in trained_with(results).items()
    )


def days(results: Results) -> list[str]:
    """Return the dates of the runs' commits, such as ``2026-03-01``; empty if git knew none."""
    dates = results.provenance.dates if results.provenance else {}
    return sorted({dates[commit] for commit in results.runs["commit"] if commit in dates})


def distance_remark(judge: JudgeCard) -> str:
    """Return the remark that belongs to every Fréchet distance."""
    return (
        "The Fréchet distance uses the judge's own features and is not comparable with Inception "
        f"FID; real images reach {format_number(judge.real.frechet_distance)}."
    )


def notes(results: Results, summary: pd.DataFrame, confidence: float) -> list[str]:
    """Return sentences to read before trusting a number, most serious first."""
    runs, found = results.runs, []
    for _, run in runs[runs["collapsed"]].iterrows():
        healthy = runs[(runs["model"] == run["model"]) & ~runs["collapsed"]]["elbo"].tolist()
        rest = (
            "the mean ELBO of the other runs is "
            f"{format_estimate(mean_interval(healthy, confidence))}"
            if healthy
            else "every run of this configuration collapsed"
        )
        found.append(
            f"{run['run']} collapsed (no active unit, or KL below 0.1 nats). It is included in the "
            f"mean of its configuration; {rest}."
        )
    single = summary[summary["seeds"] == 1]["model"].tolist()
    if single:
        which = "every configuration" if len(single) == len(summary) else join_and(single)
        found.append(f"There is only one seed of {which}, so no interval (–) and no verdict.")
    commits = _commits(runs)
    if len(commits) > 1:
        found.append(
            f"The runs come from {pluralise(len(commits), 'commit')}: {join_and(commits)}."
        )
    changed = runs[runs["commit"].str.contains("+", regex=False)]
    if len(changed):
        found.append(
            f"The code of {pluralise(len(changed), 'run')} had uncommitted changes (+changes): the "
            "commit alone does not reproduce it."
        )
    hashes = {*runs["data_hash"], *([results.data.hash] if results.data else [])} - {""}
    if len(hashes) > 1:
        shown = join_and(sorted(value[:HASH_DIGITS] for value in hashes))
        found.append(f"The prepared data changed between runs: hashes {shown}.")
    return found


def _commits(runs: pd.DataFrame) -> list[str]:
    return sorted({short_commit(commit) for commit in runs["commit"] if commit})
