"""Torch's optimisers without importing torch's compiler.

Torch wraps some of their methods to exclude them from compilation, and the wrappers import the
compiler, which takes 2 s in each process. This project compiles nothing, since that is no faster
on CPUs, so the unwrapped methods suffice.
"""

import inspect

import torch


class _Uncompiled(torch.optim.Optimizer):
    """An optimiser that is created and zeroed without the compiler."""

    add_param_group = inspect.unwrap(torch.optim.Optimizer.add_param_group)
    zero_grad = inspect.unwrap(torch.optim.Optimizer.zero_grad)


class Adam(_Uncompiled, torch.optim.Adam):
    """Kingma and Ba 2015 (arXiv 1412.6980)."""

    step = torch.no_grad()(inspect.unwrap(torch.optim.Adam.step))


class AdamW(_Uncompiled, torch.optim.AdamW):
    """Loshchilov and Hutter 2019 (arXiv 1711.05101)."""

    step = torch.no_grad()(inspect.unwrap(torch.optim.AdamW.step))
