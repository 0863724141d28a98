"""A results folder like that of an evaluation: tiny, plausible, with known numbers."""

import json
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

from analysis.estimate.verdicts import Rule
from analysis.present import style
from analysis.read.frames import Results, load_results
from analysis.report import make_report
from pipeline.files import write_bytes
from pipeline.schemas.arrays import ARRAYS, write_arrays
from pipeline.schemas.data_card import DataCard
from pipeline.schemas.judge_card import JudgeCard, RealScores
from pipeline.schemas.metrics import METRICS
from pipeline.schemas.protocol import Protocol
from pipeline.schemas.provenance import Provenance, RunProvenance
from pipeline.schemas.record import write_record
from pipeline.schemas.run_card import ImageSize
from pipeline.schemas.tables import GRID_EPOCHS, RUN_METRICS
from pipeline.settings import JudgeSettings
from tests.conftest import built_once, read_params

MakeResults = Callable[..., Path]

SIDE, SHOWN, PAIRS, STEPS, GRID, IMAGES, SUBSET = 8, 10, 4, 5, 5, 40, 4
CELLS, POINTS = 7, 5  # along a side of the judged plane, values of a traversal
# Mean ELBO of a cell over its seeds 0 and 1, which are half a nat below and above it.
ELBO = {
    ("linear", 2): -160.0,
    ("linear", 10): -112.0,
    ("conv", 2): -155.0,
    ("conv", 10): -111.75,
}
PROTOCOL = {
    "data": "mnist-5k",
    "split": "test",
    "split_hash": "0123456789abcdef0123",
    "likelihood": "bernoulli",
    "binarisation": "dynamic",
    "checkpoint": "last",
    "arithmetic": "float32",
    "judge": "5d3b0123456789abcdef",
}
REAL = RealScores(
    images=2000,
    test_images=500,
    frechet_distance=0.59,
    kernel_distance=-0.0004,
    kernel_distance_error=0.0021,
    precision=0.81,
    recall=0.82,
    density=0.98,
    coverage=0.93,
    confidence=0.987,
    class_entropy=2.301,
    plausible_confidence=0.912,
)


def write_results(
    folder: Path,
    *,
    architectures: Sequence[str] = ("linear", "conv"),
    latent_dims: Sequence[int] = (2, 10),
    betas: Sequence[float] = (1.0,),
    seeds: Sequence[int] = (0, 1),
    epochs: int = 6,
    classes: Sequence[str] = tuple("0123456789"),
    collapsed: Collection[str] = (),
    protocol: dict[str, str] | None = None,
) -> Path:
    """Write ``metrics.csv``, ``history.csv``, ``data.json`` and the arrays of every run."""
    random = np.random.default_rng(0)
    rows, history = [], []
    for architecture in architectures:
        for latent_dim in latent_dims:
            for beta in betas:
                for seed in seeds:
                    named = f"beta-{beta:g}-" if len(betas) > 1 else ""
                    run = f"{architecture}-{latent_dim}/{named}seed-{seed}"
                    row = _row(run, architecture, latent_dim, beta, seed, run in collapsed)
                    used = Protocol(**(PROTOCOL | (protocol or {})))
                    rows.append(_measured(row | {"epochs": epochs} | used.as_dict(), used))
                    history += _history(rows[-1])
                    _write_arrays(folder / "runs" / run, rows[-1], used, len(classes), random)
    (folder / "metrics.csv").write_text(RUN_METRICS.to_csv(rows), encoding="utf-8")
    (folder / "history.csv").write_text(GRID_EPOCHS.to_csv(history), encoding="utf-8")
    write_record(folder / "data.json", data_card(classes))
    write_record(folder / "judge.json", judge_card(classes))
    _write_provenance(folder, [row["run"] for row in rows])
    return folder


def read_results(folder: Path) -> Results:
    """Load what ``write_results`` wrote."""
    return load_results(folder, folder / "judge.json")


def _write_provenance(folder: Path, runs: Sequence[str]) -> None:
    """Write provenance of runs on one machine, from a commit with a known date."""
    run = RunProvenance(device="cpu", threads=1, versions={"torch": "2.9.1"}, weights="beef" * 16)
    dates = {"c0ffee0123456789": "2026-03-01"}
    write_record(folder / "provenance.json", Provenance(runs=dict.fromkeys(runs, run), dates=dates))


def data_card(classes: Sequence[str]) -> DataCard:
    """The card of a data set with these classes."""
    return DataCard(
        name=PROTOCOL["data"],
        classes=tuple(classes),
        fingerprint="",
        sha256="",
        hash="fedcba9876543210",
        sizes={"train": 4050, "valid": 450, "test": 500},
        split_hashes={"test": PROTOCOL["split_hash"]},
        checksums={},
        settings={},
    )


def judge_card(classes: Sequence[str]) -> JudgeCard:
    """The card of a judge of these classes."""
    return JudgeCard(
        settings=JudgeSettings.model_validate(read_params()["judge"]),
        data=PROTOCOL["data"],
        data_hash="fedcba9876543210",
        fingerprint="",
        image=ImageSize(height=SIDE, width=SIDE),
        classes=tuple(classes),
        accuracy=0.992,
        valid_accuracy=0.99,
        calibration_error=0.006,
        uncalibrated_error=0.0091,
        temperature=1.2,
        real=REAL,
        parameters=1000,
        train_seconds=20.0,
        threads=1,
        versions={"torch": "2.9.1"},
        commit="",
        run_id="",
        sha256=PROTOCOL["judge"],
    )


def _row(
    run: str, architecture: str, latent_dim: int, beta: float, seed: int, collapsed: bool
) -> dict[str, Any]:
    active = 0 if collapsed else min(latent_dim, 6 + seed)
    kl_per_dim = [1.5] * active + [0.0] * (latent_dim - active)
    elbo = ELBO.get((architecture, latent_dim), -120.0) + (seed - 0.5) - 5 * (beta - 1)
    elbo = -206.0 if collapsed else elbo
    return {
        "run": run,
        "architecture": architecture,
        "latent_dim": latent_dim,
        "beta": beta,
        "seed": seed,
        "parameters": 1000 * latent_dim + len(architecture),
        "train_seconds": 10.0 + seed,
        "elbo": elbo,
        "reconstruction": -elbo - sum(kl_per_dim),
        "kl": sum(kl_per_dim),
        "active_units": active,
        "collapsed": collapsed,
        "kl_per_dim": kl_per_dim,
        **_judged(latent_dim, seed),
        "data_hash": "fedcba9876543210",
        "commit": "c0ffee0123456789",
        "run_id": "",
    }


def _judged(latent_dim: int, seed: int) -> dict[str, Any]:
    """Judged metrics; those of the plane are empty for other models."""
    plane = latent_dim == 2
    return {
        "frechet_distance": 20.0 / latent_dim + seed,
        "kernel_distance": 0.5 / latent_dim,
        "kernel_distance_error": 0.01,
        "confidence": 0.8 + 0.01 * latent_dim,
        "low_confidence": 0.4,
        "class_entropy": 2.2,
        "path_plausibility": 0.3 + 0.01 * seed,
        "grid_center_class": 8 + seed if plane else None,
        "grid_center_borders": 5 if plane else None,
    }


def _measured(row: dict[str, Any], protocol: Protocol) -> dict[str, Any]:
    """The row with every other metric: empty where the run cannot have it, else a known number."""
    of_likelihood = {
        "nll_50": -row["elbo"] - 2.0,
        "nll_500": -row["elbo"] - 3.0,
        "nll_50_subset": -row["elbo"] - 2.0,
        "nll_500_subset": -row["elbo"] - 3.0,
        "nll_5000": -row["elbo"] - 3.5,
        "nll_5000_images": SUBSET,
    }
    for name, metric in METRICS.items():
        if name in row:
            continue
        absent = (
            ("plane" in metric.needs and row["latent_dim"] != 2)
            or ("likelihood" in metric.needs and not protocol.is_likelihood)
            or name.startswith("ais_")
        )
        row[name] = None if absent else of_likelihood.get(name, 0.5 + 0.01 * row["seed"])
    return row


def _history(row: dict[str, Any]) -> list[dict[str, Any]]:
    shared = {key: row[key] for key in ("run", "architecture", "latent_dim", "beta", "seed")}
    found = []
    for epoch in range(1, row["epochs"] + 1):
        for split, shift in (("train", 1.0), ("valid", 0.0)):
            elbo = row["elbo"] + shift - 60 / epoch
            found.append(
                shared
                | {"epoch": epoch, "split": split, "elbo": elbo, "reconstruction": -elbo - 3.0}
                | {"kl": 3.0, "loss": -elbo, "seconds": float(epoch), "learning_rate": 0.005}
            )
    return found


def centred(random: np.random.Generator, scale: float) -> np.ndarray:
    noise = scale * random.normal(size=IMAGES)
    return noise - noise.mean()


def _write_arrays(
    folder: Path,
    row: dict[str, Any],
    protocol: Protocol,
    classes: int,
    random: np.random.Generator,
) -> None:
    latent_dim = row["latent_dim"]

    def images(*shape: int) -> np.ndarray:
        return random.integers(0, 256, (*shape, SIDE, SIDE), dtype=np.uint8)

    same = np.random.default_rng(1)  # images that all runs share
    originals = same.integers(0, 256, (SHOWN, SIDE, SIDE), dtype=np.uint8)
    arrays = {
        "originals": originals,
        "inputs": np.where(originals > 127, 255, 0).astype(np.uint8),
        "labels_shown": np.arange(SHOWN) % classes,
        "reconstructions": images(SHOWN),
        "samples": images(64),
        "interpolations": images(PAIRS, STEPS),
        "interpolation_originals": same.integers(0, 256, (PAIRS, 2, SIDE, SIDE), dtype=np.uint8),
        "interpolation_labels": same.integers(0, classes, (PAIRS, 2)),
        "interpolation_codes": random.normal(size=(PAIRS, STEPS, latent_dim)).astype(np.float32),
        "mu": random.normal(size=(IMAGES, latent_dim)).astype(np.float32),
        "labels": np.arange(IMAGES) % classes,
        # The same images are hard for every model; their mean is the run's value.
        "elbo": row["elbo"] + np.linspace(-20, 20, IMAGES) + centred(random, 0.1),
        "kl": np.full(IMAGES, row["kl"]),
    }
    arrays["reconstruction"] = -arrays["elbo"] - arrays["kl"]
    if protocol.is_likelihood:
        arrays["nll_500"] = row["nll_500"] - np.linspace(-20, 20, IMAGES)
        arrays["nll_5000"] = np.full(SUBSET, row["nll_5000"])
        arrays["nll_5000_indices"] = np.arange(SUBSET)
    if latent_dim == 2:
        arrays["latent_grid"] = images(GRID, GRID)
        arrays["latent_grid_axis"] = np.linspace(-1.5, 1.5, GRID)
    arrays |= _drawn_arrays(row, classes, images) | _judged_arrays(latent_dim, classes)
    folder.mkdir(parents=True, exist_ok=True)
    write_arrays(folder / ARRAYS, arrays, latent_dim, has_likelihood=protocol.is_likelihood)


def _drawn_arrays(
    row: dict[str, Any], classes: int, images: Callable[..., np.ndarray]
) -> dict[str, np.ndarray]:
    """The judged plane, ranked images and traversals."""
    random, latent_dim = np.random.default_rng(2), row["latent_dim"]
    ranked = np.arange(12).reshape(3, 4)
    kl = np.array(row["kl_per_dim"], dtype=np.float32)
    arrays = {
        "log_var": random.normal(-3, 0.1, (IMAGES, latent_dim)).astype(np.float32),
        "mu_variance": 0.5 * kl,
        "kl_per_dim": kl,
        "ranked_indices": ranked,
        "ranked_values": 50 + 5 * ranked.astype(np.float32),
        "ranked_originals": images(*ranked.shape),
        "ranked_inputs": images(*ranked.shape),
        "ranked_reconstructions": images(*ranked.shape),
    }
    if latent_dim == 2:
        arrays["plane_classes"] = random.integers(0, classes, (CELLS, CELLS))
        arrays["plane_confidence"] = random.uniform(0.3, 1, (CELLS, CELLS)).astype(np.float32)
    if latent_dim > 2:
        dims = np.argsort(-kl, kind="stable")[:8]
        arrays["traversal_dims"] = dims
        arrays["traversal_axis"] = np.linspace(-2.5, 2.5, POINTS, dtype=np.float32)
        arrays["traversal_bases"] = np.arange(classes)
        arrays["traversal_base_codes"] = random.normal(size=(classes, latent_dim))
        arrays["traversals"] = images(classes, len(dims), POINTS)
    return arrays


def _judged_arrays(latent_dim: int, classes: int) -> dict[str, np.ndarray]:
    """The judge's output: every second step and sample is implausible."""
    confidence = np.where(np.arange(64) % 2, 0.5, 0.95).astype(np.float32)
    arrays = {
        "samples_classes": np.arange(64) % classes,
        "samples_confidence": confidence,
        "interpolations_classes": np.arange(PAIRS * STEPS).reshape(PAIRS, STEPS) % classes,
        "interpolations_confidence": confidence[: PAIRS * STEPS].reshape(PAIRS, STEPS),
    }
    if latent_dim == 2:
        arrays["plane_borders"] = np.array([[0, 1], [classes - 1, 2]])
    return arrays


@pytest.fixture
def make_results(tmp_path: Path) -> MakeResults:
    """Write results into a new folder, with the options of ``write_results``."""

    def make(**changes: Any) -> Path:
        folder = tmp_path / "results"
        folder.mkdir()
        return write_results(folder, **changes)

    return make


@pytest.fixture(scope="session")
def results_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two architectures, 2 and 10 dimensions, two seeds; read-only."""
    return built_once(tmp_path_factory, "results", write_results)


@pytest.fixture(scope="session")
def report(results_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Every file of the report for ``results_folder``, in the order of writing."""

    def build(folder: Path) -> None:
        files = make_report(read_results(results_folder), Rule())
        for name, content in files.items():
            write_bytes(folder / name, content)
        (folder / "names.json").write_text(json.dumps(list(files)))

    folder = built_once(tmp_path_factory, "report", build)
    names = json.loads((folder / "names.json").read_text())
    return {name: (folder / name).read_bytes() for name in names}


@pytest.fixture
def unrendered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lay out and draw each figure once, but write no image: half the time of a report."""
    drawn: list[Figure] = []

    def render(figure: Figure, kind: str) -> bytes:
        if not any(figure is other for other in drawn):
            drawn.append(figure)
            with style.theme():
                figure.draw_without_rendering()
        return kind.encode()

    monkeypatch.setattr(style, "render", render)
