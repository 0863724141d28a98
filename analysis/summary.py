"""The first screen: under which circumstances the numbers came to be, and what to know first."""

import pandas as pd

from analysis.frames import Results
from analysis.statistics import mean_interval
from analysis.words import counted, estimate, likelihood_label, listing, number, share, span
from pipeline.judge_card import JudgeCard

COMMIT_DIGITS = 10
HASH_DIGITS = 12


def facts(results: Results) -> list[tuple[str, str]]:
    """The protocol and the circumstances of all numbers, as pairs of term and value."""
    runs, protocol, data = results.runs, results.protocol, results.data
    judge = results.judge
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
        ("Epochs", span(runs["epochs"].tolist(), "epoch").rpartition(" ")[0]),
        ("Checkpoint", f"{protocol.checkpoint} epoch"),
        ("Arithmetic", protocol.arithmetic),
        *(
            [("Judge", f"{share(judge.accuracy)} right, hash {judge.sha256[:HASH_DIGITS]}")]
            if judge
            else []
        ),
        ("Commit", ", ".join(_commits(runs)) or "unknown"),
    ]


def distance_remark(judge: JudgeCard) -> str:
    """What must stand beside a Fréchet distance."""
    return (
        "The Fréchet distance is in the judge's own features and not comparable with Inception "
        f"FID; real images come to {number(judge.real.frechet_distance)}."
    )


def notes(results: Results, summary: pd.DataFrame, confidence: float) -> list[str]:
    """What a reader must know before trusting a number: sentences, most serious first."""
    runs, found = results.runs, []
    for _, run in runs[runs["collapsed"]].iterrows():
        healthy = runs[(runs["model"] == run["model"]) & ~runs["collapsed"]]["elbo"].tolist()
        rest = (
            f"the mean ELBO of the others is {estimate(mean_interval(healthy, confidence))}"
            if healthy
            else "no run of this configuration did not collapse"
        )
        found.append(
            f"{run['run']} collapsed (no active unit, or KL below 0.1 nats). It is part of its "
            f"configuration's mean; {rest}."
        )
    single = summary[summary["seeds"] == 1]["model"].tolist()
    if single:
        which = "Every configuration" if len(single) == len(summary) else listing(single)
        found.append(f"{which}: one seed only, which gives no interval (–) and no verdict.")
    commits = _commits(runs)
    if len(commits) > 1:
        found.append(f"The runs come from {counted(len(commits), 'commit')}: {listing(commits)}.")
    hashes = {*runs["data_hash"], *([results.data.hash] if results.data else [])} - {""}
    if len(hashes) > 1:
        shown = listing(sorted(value[:HASH_DIGITS] for value in hashes))
        found.append(f"The prepared data changed between runs: hashes {shown}.")
    return found


def _commits(runs: pd.DataFrame) -> list[str]:
    return sorted({commit[:COMMIT_DIGITS] for commit in runs["commit"] if commit})
