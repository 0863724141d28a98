"""Annealed importance sampling of -log p(x): slow, but independent of the encoder.

Chains move from the prior to the posterior through densities p(z) p(x|z)^t, where t rises from 0 to
1. Each step is one Hamiltonian Monte Carlo (HMC) transition: Wu, Burda, Salakhutdinov & Grosse
2017 (arXiv 1611.04273). The encoder is not used, so a poor one does not affect the estimate.

On data simulated from the model, chains also run backward from an exact posterior draw. The forward
and backward estimates bound the true value from both sides (bidirectional Monte Carlo, Grosse,
Ghahramani & Adams 2015, arXiv 1511.02543), so the gap between them bounds the error.

Shapes: C chains for each of N images, d latent dimensions, T steps.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from pipeline.evaluation.simulation import simulate
from pipeline.models import VAE

LEAPFROGS = 10  # leapfrog steps per transition, as in Wu et al. 2017
ACCEPTANCE = 0.65  # target of the step sizes: near the optimum of HMC (Neal 2011, 5.4.4)
SHARPNESS = 4.0  # of the sigmoid schedule, as in Wu et al. 2017
# Chains that find the step sizes: their mean acceptance determines an image's next step.
PILOT_CHAINS = 4
_START, _RATE = 0.2, 0.2  # initial step size, and how fast its logarithm is adapted
_JITTER = 0.2  # without it, a chain can orbit a Gaussian and return to its start
_POINTS = 2000  # chains to run at once: 2,000 images of 784 logits are 6 MB


@dataclass(frozen=True, slots=True, eq=False)
class Sandwich:
    """Two estimates of -log p(x) of simulated images, in nats.

    Attributes:
        upper: (N,) from the forward chains; too high on average.
        lower: (N,) from the backward chains; too low on average.
    """

    upper: Tensor
    lower: Tensor

    @property
    def gap(self) -> float:
        """Mean of upper minus lower: roughly the largest error of either, up to noise."""
        return (self.upper - self.lower).double().mean().item()


def ais_nll(
    model: VAE, images: Tensor, chains: int, steps: int, generator: torch.Generator
) -> Tensor:
    """Estimate -log p(x) of each image by annealed importance sampling.

    On average this is an upper bound, like the importance-weighted bound. It converges to the true
    value with more chains and, above all, more steps.

    Args:
        model: in eval mode, on the CPU; the gradients of its parameters do not change.
        images: (N, 1, H, W), the model inputs, in the model's precision.
        chains: C, per image.
        steps: T, from the prior to the posterior.
        generator: on the CPU; the only source of randomness.

    Returns:
        (N,) nats, float64.
    """
    schedule = sigmoid_schedule(steps)
    found = [
        _forward(_Chunk(model, x), schedule, chains, generator)
        for x in images.split(_images_at_once(chains))
    ]
    return torch.cat(found)


def bidirectional(
    model: VAE, count: int, chains: int, steps: int, generator: torch.Generator
) -> Sandwich:
    """Return forward and backward estimates for images simulated from the model.

    Args:
        model: as in ``ais_nll``.
        count: N, number of images to simulate.
        chains: C, per image and direction.
        steps: T.
        generator: on the CPU; the only source of randomness.
    """
    images, codes = simulate(model, count, generator)
    schedule, size = sigmoid_schedule(steps), _images_at_once(chains)
    upper, lower = [], []
    for x, z in zip(images.split(size), codes.split(size), strict=True):
        chunk = _Chunk(model, x)
        sizes = _find_step_sizes(chunk, schedule, min(chains, PILOT_CHAINS), generator)
        start = chunk.from_prior(chains, generator)
        upper.append(-_log_mean(_climb(chunk, start, schedule, sizes, generator)))
        exact = chunk.state(z.expand(chains, *z.shape))
        lower.append(_log_mean(_descend(chunk, exact, schedule, sizes, generator)))
    return Sandwich(torch.cat(upper), torch.cat(lower))


def sigmoid_schedule(steps: int) -> Tensor:
    """Return (T + 1,) float64 from exactly 0 to exactly 1, slow at both ends (Wu et al. 2017).

    The densities change most there: near 0 the likelihood sets in, near 1 it is sharpest.

    Raises:
        ValueError: if ``steps`` is less than 1.
    """
    if steps < 1:
        raise ValueError(f"steps = {steps} must be at least 1")
    curve = torch.sigmoid(torch.linspace(-SHARPNESS, SHARPNESS, steps + 1, dtype=torch.float64))
    return (curve - curve[0]) / (curve[-1] - curve[0])


# --- chains -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class _State:
    """The state of chains.

    Attributes:
        z: (C, N, d).
        log_likelihood: (C, N) log p(x|z).
        gradient: (C, N, d) of log p(x|z). Both are independent of t, so a transition reuses those
            of the previous one and needs only LEAPFROGS passes through the decoder.
    """

    z: Tensor
    log_likelihood: Tensor
    gradient: Tensor

    def where(self, chosen: Tensor, other: "_State") -> "_State":
        """Return this state in the chosen chains (C, N) and the other state in the rest."""
        wide = chosen.unsqueeze(-1)
        return _State(
            torch.where(wide, self.z, other.z),
            torch.where(chosen, self.log_likelihood, other.log_likelihood),
            torch.where(wide, self.gradient, other.gradient),
        )


class _Chunk:
    """Images that are processed at once, and their model."""

    def __init__(self, model: VAE, images: Tensor) -> None:
        self._model = model
        self._images = images
        self.count = len(images)

    def from_prior(self, chains: int, generator: torch.Generator) -> _State:
        """Draw a state from the prior, independently for each chain and image."""
        shape = (chains, self.count, self._model.latent_dim)
        return self.state(torch.randn(shape, generator=generator, dtype=self._images.dtype))

    def state(self, z: Tensor) -> _State:
        """Return the state at z (C, N, d)."""
        chains = len(z)
        # With respect to z only, so that parameters accumulate no gradients. The caller may have
        # disabled gradients.
        with torch.enable_grad():
            leaf = z.detach().flatten(0, 1).requires_grad_()
            x = self._images.repeat(chains, 1, 1, 1)
            log_likelihood = self._model.log_prob(self._model.decode(leaf), x)
            (gradient,) = torch.autograd.grad(log_likelihood.sum(), leaf)
        return _State(z, log_likelihood.detach().view(chains, -1), gradient.view_as(z))


def _forward(chunk: _Chunk, schedule: Tensor, chains: int, generator: torch.Generator) -> Tensor:
    """Return -log p(x) of a chunk: (N,)."""
    sizes = _find_step_sizes(chunk, schedule, min(chains, PILOT_CHAINS), generator)
    start = chunk.from_prior(chains, generator)
    return -_log_mean(_climb(chunk, start, schedule, sizes, generator))


def _find_step_sizes(
    chunk: _Chunk, schedule: Tensor, chains: int, generator: torch.Generator
) -> Tensor:
    """Return (T + 1, N) step sizes, adapted to the acceptance of each image in a pilot run.

    If they were adapted in the measured run itself, its transitions would depend on their own past,
    and the weights would no longer be unbiased.
    """
    state = chunk.from_prior(chains, generator)
    log_size = torch.full((chunk.count,), math.log(_START), dtype=state.z.dtype)
    sizes = [log_size.exp()]
    for t in schedule[1:].tolist():
        state, accepted = _transition(chunk, state, t, log_size.exp(), generator)
        log_size = log_size + _RATE * (accepted.mean(0) - ACCEPTANCE)
        sizes.append(log_size.exp())
    return torch.stack(sizes)


def _climb(
    chunk: _Chunk, state: _State, schedule: Tensor, sizes: Tensor, generator: torch.Generator
) -> Tensor:
    """Return (C, N) log-weights from prior to posterior; the expected weight is p(x)."""
    log_weights = torch.zeros(state.log_likelihood.shape, dtype=torch.float64)
    ts = schedule.tolist()
    for step in range(1, len(ts)):
        log_weights += (ts[step] - ts[step - 1]) * state.log_likelihood
        state, _ = _transition(chunk, state, ts[step], sizes[step], generator)
    return log_weights


def _descend(
    chunk: _Chunk, state: _State, schedule: Tensor, sizes: Tensor, generator: torch.Generator
) -> Tensor:
    """Return (C, N) log-weights from posterior to prior, with the steps of ``_climb`` reversed.

    The expected weight is 1 / p(x) if the chains start from exact posterior draws.
    """
    log_weights = torch.zeros(state.log_likelihood.shape, dtype=torch.float64)
    ts = schedule.tolist()
    for step in range(len(ts) - 1, 0, -1):
        state, _ = _transition(chunk, state, ts[step], sizes[step], generator)
        log_weights -= (ts[step] - ts[step - 1]) * state.log_likelihood
    return log_weights


def _transition(
    chunk: _Chunk, state: _State, t: float, sizes: Tensor, generator: torch.Generator
) -> tuple[_State, Tensor]:
    """Make one HMC step, which leaves p(z) p(x|z)^t invariant (Neal 2011, arXiv 1206.1901).

    Returns:
        The state, and each chain's acceptance probability (C, N).
    """
    z, dtype = state.z, state.z.dtype
    uniform = torch.rand(2, *z.shape[:2], generator=generator, dtype=dtype)
    size = (sizes * (1 + _JITTER * (2 * uniform[0] - 1))).unsqueeze(-1)  # (C, N, 1)
    momentum = torch.randn(z.shape, generator=generator, dtype=dtype)
    before = _energy(state, momentum, t)

    moved = state
    momentum = momentum + 0.5 * size * _force(state, t)
    for leap in range(LEAPFROGS):
        moved = chunk.state(moved.z + size * momentum)
        last = leap == LEAPFROGS - 1
        momentum = momentum + (0.5 if last else 1.0) * size * _force(moved, t)

    # The energy of a diverged path is NaN: its probability is 0.
    probability = torch.exp(before - _energy(moved, momentum, t)).nan_to_num(0.0).clamp(max=1)
    return moved.where(uniform[1] < probability, state), probability


def _force(state: _State, t: float) -> Tensor:
    """Return the gradient of log p(z) + t log p(x|z): (C, N, d)."""
    return t * state.gradient - state.z


def _energy(state: _State, momentum: Tensor, t: float) -> Tensor:
    """Return the energy up to a constant: (C, N)."""
    return 0.5 * (momentum**2 + state.z**2).sum(-1) - t * state.log_likelihood


def _log_mean(log_weights: Tensor) -> Tensor:
    """Return the log of the mean over chains: (C, N) -> (N,)."""
    return log_weights.logsumexp(0) - math.log(len(log_weights))


def _images_at_once(chains: int) -> int:
    return max(1, _POINTS // chains)
