"""``arrays.npz`` in a results folder: a run's pictures, codes and per-image values.

Each array is declared with its axes. A letter stands for one axis, with the same length in all
arrays of a file; a digit is itself a length:

    N test images           S images shown        M samples           H, W height, width
    d latent dimensions     P paths, L points     G cells per side    C judged cells per side
    R ranked images in each of 3 rows             D dimensions, T values and B images of traversals
    n images with 5,000 draws                     K classes on the judged plane

Free of torch.
"""

import tokenize
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pipeline.schemas.record import RecordError

ARRAYS = "arrays.npz"

Arrays = dict[str, NDArray[Any]]
Kind = Literal["image", "number", "integer"]
Need = Literal["", "plane", "deep", "likelihood"]

MOST_BYTES = 1_000_000_000  # unpacked; a run of the repository's settings has 20 MB
REMEDY = "run `dvc repro evaluate`"
# What numpy and zipfile raise for a file that is not a complete archive of arrays.
_DAMAGE = (
    OSError,
    ValueError,
    TypeError,
    EOFError,
    SyntaxError,
    MemoryError,  # of a shape without content
    RuntimeError,  # of encryption, unknown compression, and nested headers
    tokenize.TokenError,
    zipfile.BadZipFile,
    zlib.error,
)


@dataclass(frozen=True, slots=True)
class Array:
    """The declaration of one array.

    Attributes:
        axes: one letter per axis; see above.
        kind: ``image`` for uint8, ``number`` for finite numbers, ``integer`` for whole numbers.
        points_into: the axis that the values are indices into; empty for other arrays.
        needs: what a run must have for the array to exist: ``plane``, two latent dimensions;
            ``deep``, more than two; ``likelihood``, a p(x|z) that is a likelihood.
    """

    axes: str
    kind: Kind
    points_into: str = ""
    needs: Need = ""


DECLARED: dict[str, Array] = {
    # pictures
    "originals": Array("SHW", "image"),
    "inputs": Array("SHW", "image"),
    "labels_shown": Array("S", "integer"),
    "reconstructions": Array("SHW", "image"),
    "samples": Array("MHW", "image"),
    "interpolations": Array("PLHW", "image"),
    "interpolation_codes": Array("PLd", "number"),
    "interpolation_originals": Array("P2HW", "image"),
    "interpolation_labels": Array("P2", "integer"),
    "latent_grid": Array("GGHW", "image", needs="plane"),
    "latent_grid_axis": Array("G", "number", needs="plane"),
    # the judge's class and confidence for them
    "samples_classes": Array("M", "integer"),
    "samples_confidence": Array("M", "number"),
    "interpolations_classes": Array("PL", "integer"),
    "interpolations_confidence": Array("PL", "number"),
    "plane_classes": Array("CC", "integer", needs="plane"),
    "plane_confidence": Array("CC", "number", needs="plane"),
    "plane_borders": Array("K2", "integer", needs="plane"),
    # values per test image or latent dimension
    "mu": Array("Nd", "number"),
    "log_var": Array("Nd", "number"),
    "labels": Array("N", "integer"),
    "mu_variance": Array("d", "number"),
    "kl_per_dim": Array("d", "number"),
    "elbo": Array("N", "number"),
    "reconstruction": Array("N", "number"),
    "kl": Array("N", "number"),
    "nll_500": Array("N", "number", needs="likelihood"),
    "nll_5000": Array("n", "number", needs="likelihood"),
    "nll_5000_indices": Array("n", "integer", "N", needs="likelihood"),
    # the best, median and worst reconstructions
    "ranked_indices": Array("3R", "integer", "N"),
    "ranked_values": Array("3R", "number"),
    "ranked_originals": Array("3RHW", "image"),
    "ranked_inputs": Array("3RHW", "image"),
    "ranked_reconstructions": Array("3RHW", "image"),
    # one latent dimension varied at a time
    "traversal_dims": Array("D", "integer", "d", needs="deep"),
    "traversal_axis": Array("T", "number", needs="deep"),
    "traversal_bases": Array("B", "integer", "N", needs="deep"),
    "traversal_base_codes": Array("Bd", "number", needs="deep"),
    "traversals": Array("BDTHW", "image", needs="deep"),
}

_TYPES: dict[Kind, tuple[str, str]] = {  # numpy's kinds, and their name in messages
    "image": ("u", "uint8"),
    "number": ("fiu", "numbers"),
    "integer": ("iu", "whole numbers"),
}


def write_arrays(path: Path, arrays: Arrays, latent_dim: int, *, has_likelihood: bool) -> None:
    """Write the arrays of a run, including those that are not declared.

    Args:
        path: the file, in an existing folder.
        arrays: arrays by name.
        latent_dim: number of latent dimensions.
        has_likelihood: whether its p(x|z) is a likelihood.

    Raises:
        ValueError: if a declared array is missing or invalid, which is a programming error.
    """
    present = {
        "": True,
        "plane": latent_dim == 2,
        "deep": latent_dim > 2,
        "likelihood": has_likelihood,
    }
    expected = {name for name, declared in DECLARED.items() if present[declared.needs]}
    found = set(arrays) & set(DECLARED)
    if found != expected:
        raise ValueError(f"{path.name}: arrays {sorted(found ^ expected)} missing or unexpected")
    problem = problem_in(arrays, latent_dim, finite=False)  # a poor model may have infinite ones
    if problem:
        raise ValueError(f"{path.name}: {problem}")
    np.savez_compressed(path, allow_pickle=False, **arrays)


def read_arrays(path: Path, names: Iterable[str] | None = None) -> Arrays:
    """Return the named arrays in a file, by default all; others are not read.

    Raises:
        RecordError: if the file cannot be read.
    """
    try:
        with zipfile.ZipFile(path) as packed:  # which holds no member to more than its size
            if sum(member.file_size for member in packed.infolist()) > MOST_BYTES:
                raise ValueError(f"it unpacks to more than {MOST_BYTES:,} bytes")
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            wanted = archive.files if names is None else names
            arrays = {name: archive[name] for name in wanted if name in archive}
        for name, array in arrays.items():
            if not isinstance(array, np.ndarray):  # but bytes, of what does not start like one
                raise ValueError(f"{name} is not an array")
        return arrays
    except _DAMAGE as error:
        problem = next(iter(str(error).splitlines()), type(error).__name__)
        raise RecordError(f"{path}: cannot be read ({problem}); {REMEDY}") from None


def read_checked_arrays(path: Path, latent_dim: int) -> Arrays:
    """Return all declared arrays in a file, after checking their types and shapes.

    Raises:
        RecordError: if the file cannot be read, or an array is invalid.
    """
    arrays = read_arrays(path, DECLARED)
    problem = problem_in(arrays, latent_dim)
    if problem:
        raise RecordError(f"{path}: {problem}; {REMEDY}")
    return arrays


def problem_in(arrays: Mapping[str, NDArray[Any]], latent_dim: int, *, finite: bool = True) -> str:
    """Describe the first rule that declared arrays break; empty if they break none.

    Args:
        arrays: arrays by name.
        latent_dim: number of latent dimensions.
        finite: whether every number must be finite.
    """
    known = {name: array for name, array in arrays.items() if name in DECLARED}
    for name, array in known.items():
        problem = _type_problem(name, array, finite=finite)
        if problem:
            return problem
    lengths = {"d": latent_dim} | {digit: int(digit) for digit in "23"}
    for name, array in known.items():
        for axis, length in zip(DECLARED[name].axes, array.shape, strict=True):
            if lengths.setdefault(axis, length) != length:
                return (
                    f"{name} has the shape {array.shape}, but the run's latent size or its other "
                    f"arrays require an axis of length {lengths[axis]}, not {length}"
                )
    for name, array in known.items():
        axis = DECLARED[name].points_into
        if axis in lengths and array.size:
            low, high = int(array.min()), int(array.max())
            if low < 0 or high >= lengths[axis]:
                return (
                    f"{name} must be from 0 to {lengths[axis] - 1}, but has values from {low} to "
                    f"{high}"
                )
    return ""


def _type_problem(name: str, array: NDArray[Any], *, finite: bool) -> str:
    """Describe a wrong number of axes, a wrong type, or numbers that are not finite."""
    declared = DECLARED[name]
    kinds, spoken = _TYPES[declared.kind]
    right = array.dtype.kind in kinds and (declared.kind != "image" or array.dtype == np.uint8)
    axes = len(declared.axes)
    if array.ndim != axes or not right:
        return (
            f"{name} must have {axes} {'axis' if axes == 1 else 'axes'} of {spoken}, but has "
            f"{array.ndim} of {array.dtype}"
        )
    if finite and declared.kind == "number" and not np.isfinite(array).all():
        return f"{name} must be finite"
    return ""
