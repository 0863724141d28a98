"""What all benchmarks share: the data, how much is measured, and separate processes.

Each measurement runs in its own process, so that none profits from the warm caches, threads or
memory of another.
"""

import gzip
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from joblib import cpu_count

from pipeline.data.prepared import load_prepared, prepare, save_prepared
from pipeline.data.sources.official import load_source
from pipeline.files import write_bytes
from pipeline.runtime.workers import Failure, Message, Result, side_by_side
from pipeline.settings import DataSettings, RunSettings, load_settings

Task = TypeVar("Task")

MNIST = DataSettings(
    name="mnist", root=None, download=False, valid_fraction=1 / 60, test_fraction=0.1, seed=0
)
DIGITS = MNIST.model_copy(update={"name": "mnist-5k", "valid_fraction": 0.1})
FILES = ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1")


@dataclass(frozen=True, slots=True)
class Context:
    """How a benchmark runs.

    Attributes:
        root: folder with MNIST's four IDX files, plain or gzipped.
        out: folder for intermediate files.
        rounds: number of rounds per comparison, in which the contestants take turns.
        quick: whether to measure less.
    """

    root: Path
    out: Path
    rounds: int
    quick: bool

    @property
    def cores(self) -> int:
        """Number of cores that this process may use."""
        return cpu_count()

    def prepared(self, settings: DataSettings = MNIST) -> Path:
        """Return the prepared file; for MNIST, 59,000 training and 1,000 validation images."""
        found = settings.model_copy(update={"root": str(self.root)})
        path = self.out / f"{settings.name}.safetensors"
        if not path.exists() or not _is_of(path, found):
            save_prepared(path, prepare(load_source(found), found))
        return path

    def torchvision_root(self) -> Path:
        """Return a folder with MNIST as torchvision expects it: uncompressed, in MNIST/raw."""
        raw = self.out / "MNIST" / "raw"
        for name in FILES:
            target = raw / f"{name}-ubyte"
            if not target.exists():
                plain = self.root / target.name
                zipped = self.root / f"{target.name}.gz"
                content = (
                    plain.read_bytes() if plain.exists() else gzip.decompress(zipped.read_bytes())
                )
                write_bytes(target, content)
        return self.out


def _is_of(path: Path, settings: DataSettings) -> bool:
    """Return whether a prepared file was made with these settings."""
    kept = load_prepared(path, splits=("valid",)).settings
    return kept.items() <= settings.model_dump().items()


def alone(work: Callable[[Task, Callable[[Any], None]], Any], task: Task) -> Any:
    """Run the work on one task in a separate process and return its value."""
    return together(work, [task], 1)[0]


def together(
    work: Callable[[Task, Callable[[Any], None]], Any], tasks: list[Task], workers: int
) -> list[Any]:
    """Run the tasks in this many processes and return their values in the given order."""
    values: dict[int, Any] = {}
    for event in side_by_side(_Placed(work), enumerate(tasks), workers):
        match event:
            case Result(task, value):
                values[task[0]] = value
            case Failure(error=error):
                raise error
            case Message():
                pass
    return [values[place] for place in range(len(tasks))]


@dataclass(frozen=True, slots=True)
class _Placed:
    """Work on a task that carries its position."""

    work: Callable[[Any, Callable[[Any], None]], Any]

    def __call__(self, task: tuple[int, Any], tell: Callable[[Any], None]) -> Any:
        return self.work(task[1], tell)


def run_settings(architecture: str, **changes: Any) -> RunSettings:
    """Return the settings of a run as in params.yaml, with changes."""
    first = next(iter(load_settings().runs.values())).model_dump()
    return RunSettings.model_validate(first | {"architecture": architecture} | changes)


# The networks of the comparisons: 784-400-20, and 32 and 64 channels with 256 units and 20 latent
# dimensions. A Bernoulli on grey pixels, no clipping, and the CPU, because that is what the peers
# use. The activation is ours; the peers use ReLU.
COMPARED: dict[str, Any] = {
    "latent_dim": 20,
    "beta": 1.0,
    "hidden": [400],
    "channels": [32, 64],
    "conv_hidden": [256],
    "activation": "silu",
    "likelihood": "bernoulli",
    "binarisation": "none",
    "schedule": "one-cycle",
    "beta_warmup": 0,
    "free_bits": 0.0,
    "clip_norm": None,
    "patience": None,
    "checkpoint": "last",
    "precision": "auto",
    "device": "cpu",
}


def train_images(data: Path) -> Any:
    """Return the training images as a numpy array, (N, 28, 28) uint8."""
    return load_prepared(data, splits=("train",)).splits["train"].images.numpy()
