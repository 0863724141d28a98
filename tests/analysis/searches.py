"""Exports of synthetic searches with known numbers, written through the declared tables."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from analysis.estimate.pareto import pareto_optimal
from analysis.read.trials import Trials, load_trials
from pipeline.schemas.best_card import BEST, BestCard
from pipeline.schemas.record import write_record
from pipeline.schemas.tables import CONFIRMED, IMPORTANCE, TRIALS
from pipeline.settings import load_settings
from tests.conftest import ROOT

SEARCH = "mnist-5k-elbo-12345678"
SPACE: list[dict[str, Any]] = [
    {"name": "architecture", "kind": "categorical", "choices": ["linear", "conv"], "when": {}},
    {"name": "latent_dim", "kind": "int", "low": 2, "high": 64, "log": True, "when": {}},
    {"name": "beta", "kind": "float", "low": 0.25, "high": 4.0, "log": True, "when": {}},
    {"name": "depth", "kind": "int", "low": 1, "high": 3, "when": {"architecture": "linear"}},
    {
        "name": "channels",
        "kind": "categorical",
        "choices": [[16, 32], [24]],
        "when": {"architecture": "conv"},
    },
]
PLAN: dict[str, Any] = {
    "objective": "elbo",
    "sampler": "tpe",
    "pruner": "percentile",
    "ahead": 4,
    "prune_within": ["architecture"],
    "balance": ["architecture"],
    "first": ["linear-2", "conv-2"],
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
        "channels": ["[16, 32]", "[24]"][number % 4 // 2] if conv else None,
        "value": -400.0 if pruned else elbo,
        "first_value": -200.0 - number,
        "elbo": elbo,
        "reconstruction": None if elbo is None else -elbo - 20,
        "kl": None if pruned else 20.0,
        "nll": None,
        "spread": None,
        "epochs": 4 if pruned else 20,
        "seconds": 1.0 if pruned else 10.0,
        "same_as": None,
        "run_id": "0123456789abcdef",
    } | more


def write_search(folder: Path, *rows: dict[str, Any], objective: str = "elbo", **card: Any) -> Path:
    """Write ``trials.csv`` and ``best.json``; keywords replace keys of the card."""
    plan = PLAN | {"objective": objective} | card.pop("plan", {})
    names = {one["name"] for one in plan["space"]}
    plan["balance"] = [name for name in plan["balance"] if name in names]
    left_out = {one["name"] for one in SPACE} - {one["name"] for one in plan["space"]}
    rows = tuple(
        {name: value for name, value in row.items() if name not in left_out} for row in rows
    )
    folder.mkdir(exist_ok=True)
    (folder / TRIALS.name).write_text(TRIALS.to_csv(rows), encoding="utf-8")
    content = {
        "search": SEARCH,
        "objective": objective,
        "data_hash": "fedcba9876543210",
        "finished_trials": len(rows),
        "complete_trials": sum(map(_is_evidence, rows)),
        "first_comparison": None if objective == "rate-distortion" else 4,
        "failed": [],
        "protocol": PROTOCOL | {"nll_samples": 64 if objective == "nll" else None},
        "plan": plan,
        **_best(objective, rows),
    } | card
    write_record(folder / BEST, BestCard.model_validate(content))
    return folder


def _best(objective: str, rows: tuple[dict[str, Any], ...]) -> dict[str, Any]:
    """The best trials of a card: overall, on the front, of each architecture."""
    by_elbo = sorted(filter(_is_evidence, rows), key=lambda row: -row["elbo"])
    architectures = {
        row["architecture"]: _of_architecture(row, rows)
        for row in reversed(by_elbo)
        if "architecture" in row
    }
    if not by_elbo:
        return {"architectures": {}}
    if objective == "rate-distortion":
        optimal = pareto_optimal([(row["kl"], row["reconstruction"]) for row in by_elbo])
        front = [_trial(row) for row, kept in zip(by_elbo, optimal, strict=True) if kept]
        return {"front": front, "architectures": architectures}
    sign = -1 if objective == "nll" else 1
    best = max(by_elbo, key=lambda row: sign * row["value"])
    return {"best": _trial(best), "architectures": architectures}


def _is_evidence(row: dict[str, Any]) -> bool:
    return row["state"] == "complete" and row["same_as"] is None


def _of_architecture(row: dict[str, Any], rows: tuple[dict[str, Any], ...]) -> dict[str, Any]:
    own = [one for one in rows if one["architecture"] == row["architecture"]]
    settings = _trial(row)["settings"].model_copy(update={"architecture": row["architecture"]})
    return _trial(row) | {
        "settings": settings,
        "finished_trials": len(own),
        "complete_trials": sum(map(_is_evidence, own)),
    }


def _trial(row: dict[str, Any]) -> dict[str, Any]:
    names = [one["name"] for one in SPACE if row.get(one["name"]) is not None]
    settings = next(iter(load_settings(ROOT / "params.yaml").runs.values()))
    return {
        "number": row["number"],
        "metrics": {name: row[name] for name in ("elbo", "reconstruction", "kl")},
        "params": {name: row[name] for name in names},
        "settings": settings,
    }


def edit_card(folder: Path, **changes: Any) -> None:
    """Replace keys of ``best.json`` with anything, valid or not; None removes one."""
    path = folder / BEST
    content = json.loads(path.read_text(encoding="utf-8")) | changes
    kept = {name: value for name, value in content.items() if value is not None}
    path.write_text(json.dumps(kept), encoding="utf-8")


def write_importance(folder: Path) -> None:
    """Beta explains most over all trials, the latent size for conv, where it stands out."""
    shares = {
        "all": {"beta": (0.75, 0.4, 0.9), "latent_dim": (0.25, 0.1, 0.6)},
        "conv": {"latent_dim": (0.9, 0.8, 0.95), "beta": (0.1, 0.05, 0.2)},
    }
    rows = [
        {
            "group": group,
            "parameter": name,
            "importance": share,
            "low": low,
            "high": high,
            "trials": 24 if group == "all" else 12,
        }
        for group, found in shares.items()
        for name, (share, low, high) in found.items()
    ]
    (folder / IMPORTANCE.name).write_text(IMPORTANCE.to_csv(rows), encoding="utf-8")


def write_confirmed(folder: Path, number: int, *elbos: float, **more: Any) -> None:
    """Write a confirmed trial for which the search saw -100."""
    rows = [
        {
            "search": SEARCH,
            "number": number,
            "seed": 8 + place,
            "epochs": PLAN["epochs"],
            "elbo": elbo,
            "reconstruction": -elbo - 20,
            "kl": 20.0,
            "searched_elbo": -100.0,
        }
        | more
        for place, elbo in enumerate(elbos)
    ]
    (folder / CONFIRMED.name).write_text(CONFIRMED.to_csv(rows), encoding="utf-8")


def confirm_in_card(folder: Path, epochs: int = 20, **elbos: Sequence[float]) -> None:
    """Add the ELBOs of new seeds to the best trial of an architecture in ``best.json``."""
    card = json.loads((folder / BEST).read_text(encoding="utf-8"))
    for architecture, values in elbos.items():
        card["architectures"][architecture] |= {
            "confirmed_epochs": epochs,
            "confirmed": [
                {"seed": 8 + place, "elbo": elbo, "reconstruction": -elbo - 20, "kl": 20.0}
                for place, elbo in enumerate(values)
            ],
        }
    (folder / BEST).write_text(json.dumps(card), encoding="utf-8")


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
