"""Where and how precisely the arithmetic runs, and where its randomness comes from."""

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
    """A device and the precision of the training arithmetic on it, both resolved."""

    device: torch.device
    precision: Precision

    def autocast(self) -> AbstractContextManager[object]:
        """The context of a forward pass: bfloat16 for the matrix products, or nothing."""
        if self.precision == "float32":
            return nullcontext()
        return torch.autocast(self.device.type, dtype=torch.bfloat16)


def resolve_hardware(
    device: Device | Literal["auto"], precision: Precision | Literal["auto"]
) -> Hardware:
    """What ``auto`` means on this machine.

    Raises:
        UserError: if cuda is asked for and torch sees none.
    """
    has_cuda = torch.cuda.is_available()
    if device == "cuda" and not has_cuda:
        raise UserError("train.device = cuda, but torch sees no CUDA device; set it to auto or cpu")
    chosen = "cuda" if device != "cpu" and has_cuda else "cpu"
    if precision == "auto":
        precision = "bfloat16" if _multiplies_bfloat16(chosen) else "float32"
    return Hardware(torch.device(chosen), precision)


@cache
def _multiplies_bfloat16(device: str) -> bool:
    """Whether the hardware has instructions for it; emulated bfloat16 is slower than float32."""
    if device == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if platform.system() != "Linux":
        return False
    flags = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    return "avx512_bf16" in flags or "amx_bf16" in flags


def seeded_generator(
    seed: int, stream: Stream, device: torch.device | str = "cpu"
) -> torch.Generator:
    """A generator of its own for each purpose: drawing more of one leaves the others as they were.

    Args:
        seed: of the run, or of the evaluation.
        stream: the purpose.
        device: where the numbers are drawn.
    """
    state = np.random.SeedSequence([seed, _STREAMS.index(stream)]).generate_state(1, np.uint64)
    return torch.Generator(device).manual_seed(int(state[0]))
