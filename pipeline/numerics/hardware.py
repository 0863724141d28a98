"""Device and precision of computations, and seeded random generators."""

import platform
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import torch

from pipeline.errors import UserError
from pipeline.settings import Device, Precision

Stream = Literal[
    "initialisation",
    "training",
    "validation",
    "evaluation",
    "pictures",
    "importance",
    "aggregate",
    "prior",
    "samples",
    "annealing",
]
_STREAMS: tuple[Stream, ...] = get_args(Stream)


@dataclass(frozen=True, slots=True)
class Hardware:
    """A device and the precision of training on it, both resolved."""

    device: torch.device
    precision: Precision

    def autocast(self) -> AbstractContextManager[object]:
        """Return the context for forward passes: bfloat16 for matrix products, or no change."""
        if self.precision == "float32":
            return nullcontext()
        return torch.autocast(self.device.type, dtype=torch.bfloat16)


def resolve_hardware(
    device: Device | Literal["auto"], precision: Precision | Literal["auto"]
) -> Hardware:
    """Resolve ``auto`` on this machine.

    Raises:
        UserError: if cuda is requested, but torch finds no CUDA device.
    """
    has_cuda = torch.cuda.is_available()
    if device == "cuda" and not has_cuda:
        raise UserError(
            "train.device = cuda, but torch finds no CUDA device; set it to auto or cpu"
        )
    chosen = "cuda" if device != "cpu" and has_cuda else "cpu"
    if precision == "auto":
        precision = "bfloat16" if _multiplies_bfloat16(chosen) else "float32"
    return Hardware(torch.device(chosen), precision)


@cache
def _multiplies_bfloat16(device: str) -> bool:
    """Return whether the hardware supports it; emulated bfloat16 is slower than float32."""
    if device == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if platform.system() != "Linux":
        return False
    flags = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    return "avx512_bf16" in flags or "amx_bf16" in flags


def seeded_generator(
    seed: int, stream: Stream, device: torch.device | str = "cpu"
) -> torch.Generator:
    """Return a separate generator for each purpose, so that draws of one do not affect others.

    Args:
        seed: seed of the run or of the evaluation.
        stream: the purpose.
        device: device on which numbers are drawn.
    """
    state = np.random.SeedSequence([seed, _STREAMS.index(stream)]).generate_state(1, np.uint64)
    return torch.Generator(device).manual_seed(int(state[0]))
