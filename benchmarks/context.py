"""What all benchmarks share: where the data lie, how much is measured, and processes to do it in.

Each measurement runs in a process of its own, so that none finds warm caches, threads or memory
of another.
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
    """How a benchmark is run.

    Attributes:
        root: folder of MNIST's four IDX files, plain or gzipped.
        out: folder for what is made on the way.
        rounds: of each comparison; the contestants take turns.
        quick: whether to measure less.
    """

    root: Path
    out: Path
    rounds: int
    quick: bool

    @property
    def cores(self) -> int:
        """That this process may use."""
        return cpu_count()

    def prepared(self, settings: DataSettings = MNIST) -> Path:
        """The data as the project uses them: of MNIST 59,000 images to train, 1,000 to validate."""
        found = settings.model_copy(update={"root": str(self.root)})
        path = self.out / f"{settings.name}.safetensors"
        if not path.exists() or not _is_of(path, found):
            save_prepared(path, prepare(load_source(found), found))
        return path

    def torchvision_root(self) -> Path:
        """MNIST as torchvision wants it: unzipped, under MNIST/raw."""
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
    """Whether a prepared file was made with the settings."""
    kept = load_prepared(path, splits=("valid",)).settings
    return kept.items() <= settings.model_dump().items()


def alone(work: Callable[[Task, Callable[[Any], None]], Any], task: Task) -> Any:
    """The value of the work on the task, done in a process of its own."""
    return together(work, [task], 1)[0]


def together(
    work: Callable[[Task, Callable[[Any], None]], Any], tasks: list[Task], workers: int
) -> list[Any]:
    """The values of the tasks, in their order, by so many processes."""
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
    """Work on a task that carries its place."""

    work: Callable[[Any, Callable[[Any], None]], Any]

    def __call__(self, task: tuple[int, Any], tell: Callable[[Any], None]) -> Any:
        return self.work(task[1], tell)


def run_settings(architecture: str, **changes: Any) -> RunSettings:
    """A run as params.yaml has it, with changes."""
    first = next(iter(load_settings().runs.values())).model_dump()
    return RunSettings.model_validate(first | {"architecture": architecture} | changes)


# The networks of the comparisons: 784-400-20, and 32 and 64 channels with 256 units to 20 codes;
# grey pixels under a Bernoulli, no clipping, and the CPU, because that is what the peers do. The
# activation is ours; the peers have their ReLU.
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
    """(N, 28, 28) uint8, as numpy has it."""
    return load_prepared(data, splits=("train",)).splits["train"].images.numpy()
