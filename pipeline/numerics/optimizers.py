"""Torch's optimisers without the wait for torch's compiler.

Torch wraps some of their methods so that its compiler leaves them alone, and the wrappers import
that compiler, which takes 2 s in each process. Nothing is compiled here, as on CPU it gains
nothing, so that the methods inside the wrappers do.
"""

import inspect

import torch


class _Uncompiled(torch.optim.Optimizer):
    """An optimiser that is made and cleared without the compiler."""

    add_param_group = inspect.unwrap(torch.optim.Optimizer.add_param_group)
    zero_grad = inspect.unwrap(torch.optim.Optimizer.zero_grad)


class Adam(_Uncompiled, torch.optim.Adam):
    """Kingma and Ba 2015 (arXiv 1412.6980)."""

    step = torch.no_grad()(inspect.unwrap(torch.optim.Adam.step))


class AdamW(_Uncompiled, torch.optim.AdamW):
    """Loshchilov and Hutter 2019 (arXiv 1711.05101)."""

    step = torch.no_grad()(inspect.unwrap(torch.optim.AdamW.step))
