"""Exports of synthetic searches with known numbers."""

import json
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.read.trials import Trials, load_trials

SEARCH = "mnist-5k-elbo-12345678"
SPACE: list[dict[str, Any]] = [
    {"name": "architecture", "kind": "categorical", "choices": ["linear", "conv"], "when": {}},
    {"name": "latent_dim", "kind": "int", "low": 2, "high": 64, "log": True, "when": {}},
    {"name": "beta", "kind": "float", "low": 0.25, "high": 4.0, "log": True, "when": {}},
    {"name": "depth", "kind": "int", "low": 1, "high": 3, "when": {"architecture": "linear"}},
    {
        "name": "channels",
        "kind": "categorical",
        "choices": [16, 24],
        "when": {"architecture": "conv"},
    },
]
PLAN: dict[str, Any] = {
    "objective": "elbo",
    "sampler": "tpe",
    "pruner": "percentile",
    "ahead": 4,
    "replicates": 1,
    "epochs": 20,
    "seed": 7,
    "space": SPACE,
}
PROTOCOL: dict[str, Any] = {
    "data": "mnist-5k",
    "split": "valid",
    "likelihood": "bernoulli",
    "binarisation": "dynamic",
    "checkpoint": "last",
    "precision": "float32",
    "nll_samples": None,
}


def planned_row(number: int, elbo: float | None = -100.0, **more: Any) -> dict[str, Any]:
    """A trial of ``SPACE``, pruned without an ELBO; even numbers are conv."""
    conv, pruned = number % 2 == 0, elbo is None
    return {
        "number": number,
        "state": "pruned" if pruned else "complete",
        "architecture": "conv" if conv else "linear",
        "latent_dim": 2 + (number * 7) % 60,
        "beta": 0.25 + (number * 5 % 16) / 8,
        "depth": None if conv else 1 + number % 3,
        "channels": [16.0, 24.0][number % 4 // 2] if conv else None,
        "value": -400.0 if pruned else elbo,
        "first_value": -200.0 - number,
        "elbo": elbo,
        "reconstruction": None if elbo is None else -elbo - 20,
        "kl": None if pruned else 20.0,
        "nll": None,
        "spread": None,
        "epochs": 4 if pruned else 20,
        "seconds": 1.0 if pruned else 10.0,
        "run_id": "0123456789abcdef",
    } | more


def write_search(folder: Path, *rows: dict[str, Any], **card: Any) -> Path:
    """Write ``trials.csv`` and ``best.json``; keywords modify the card."""
    folder.mkdir(exist_ok=True)
    pd.DataFrame(rows).to_csv(folder / "trials.csv", index=False)
    content = {
        "search": SEARCH,
        "objective": "elbo",
        "data_hash": "fedcba9876543210",
        "first_comparison": 4,
        "failed": [],
        "protocol": PROTOCOL,
        "plan": PLAN,
    } | card
    (folder / "best.json").write_text(json.dumps(content), encoding="utf-8")
    return folder


def write_importance(folder: Path, epoch: int | None = None) -> None:
    """Beta explains most over all trials, the latent size most for conv."""
    shares = {"all": {"beta": 0.75, "latent_dim": 0.25}, "conv": {"latent_dim": 0.9, "beta": 0.1}}
    pd.DataFrame(
        [
            {
                "group": group,
                "parameter": name,
                "importance": share,
                "trials": 24 if group == "all" else 12,
                "values": "final" if epoch is None else "first comparison",
                "epoch": epoch,
            }
            for group, found in shares.items()
            for name, share in found.items()
        ]
    ).to_csv(folder / "importance.csv", index=False)


def write_confirmed(folder: Path, number: int, *elbos: float, **more: Any) -> None:
    """Write a confirmed trial for which the search saw -100."""
    pd.DataFrame(
        [
            {
                "search": SEARCH,
                "number": number,
                "seed": 8 + place,
                "elbo": elbo,
                "reconstruction": -elbo - 20,
                "kl": 20.0,
                "searched_elbo": -100.0,
            }
            | more
            for place, elbo in enumerate(elbos)
        ]
    ).to_csv(folder / "confirmed.csv", index=False)


def loaded(folder: Path) -> Trials:
    """Return the search in a folder, which must exist."""
    found = load_trials(folder)
    assert found is not None
    return found


def searched(folder: Path, complete: int, pruned: int = 0, **card: Any) -> Trials:
    """Write this many trials; the first complete one, number 0, is the best."""
    rows = [planned_row(n, -100.0 - n) for n in range(complete)]
    rows += [planned_row(n, None) for n in range(complete, complete + pruned)]
    return loaded(write_search(folder, *rows, **card))
