"""The diffusion of heatmaps: schedule, forward noising, DDIM, refinement (ECCV 2024, Eq. 1-6).

Equations 1 and 2, the chain of single steps, are identities of ``Schedule``; 4 is ``add_noise``, 3 is
``reverse_step``, 5 is ``denoising_loss``; 6 is ``gcdr.training.gaze.student_loss``.

Heatmaps h are in [0, 1]. The process runs on states z = 2 (2h - 1) in [-2, 2], cut off there; the
network sees the state mapped back to [0, 1] and predicts h itself. Schedule indices count from 0 to
T - 1, times from 1 to T. All randomness comes in as tensors of standard normal noise.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from gcdr.base.errors import InputError
from gcdr.base.seeds import torch_rng
from gcdr.refine.options import NOISE_OFFSETS

SCALE = 2.0

Predict = Callable[[Tensor, Tensor], Tensor]
"""(network input (N, H, W) in [0, 1], time (N,) float) -> predicted heatmap (N, H, W)."""


@dataclass(frozen=True)
class Schedule:
    """Noise schedule.

    Attributes:
        timesteps: T.
        kind: "linear", betas from 1e-4 to 0.02 scaled by 1000 / T (paper), or "cosine" (Nichol &
            Dhariwal 2021).
    """

    timesteps: int = 500
    kind: Literal["linear", "cosine"] = "linear"

    def __post_init__(self) -> None:
        if self.kind not in ("linear", "cosine"):
            raise InputError(f"schedule: found {self.kind!r}, expected 'linear' or 'cosine'")
        # The largest linear beta, 20 / T, must stay below 1.
        if self.timesteps <= 20:
            raise InputError(f"schedule: found {self.timesteps} timesteps, expected more than 20")

    @cached_property
    def betas(self) -> np.ndarray:
        """(T,) float64 variances of the single steps."""
        if self.kind == "linear":
            factor = 1000 / self.timesteps
            return np.linspace(1e-4 * factor, 0.02 * factor, self.timesteps)
        times = np.arange(self.timesteps + 1) / self.timesteps
        alpha_bar = np.cos((times + 0.008) / 1.008 * math.pi / 2) ** 2
        return np.minimum(1 - alpha_bar[1:] / alpha_bar[:-1], 0.999)

    @cached_property
    def alpha_bar(self) -> np.ndarray:
        """(T,) float64 share of the clean signal's variance that is left at each index."""
        return np.cumprod(1 - self.betas)


@dataclass(frozen=True)
class SamplerConfig:
    """How the reverse process is run; the defaults follow the paper's formulas.

    What the formulas leave open, ``eta`` and ``last_alpha``, is as in the released code.

    Attributes:
        eta: 0 for deterministic DDIM, 1 for fresh noise in every step (as released).
        time_offset: network time minus schedule index; 1 as in training.
        noise_offset: index at which a map is noised minus the start timestep; -1 is the first
            visited index.
        double_encoding: encode the already encoded state once more at every step and take the
            unscaled prediction for the noise estimate, as the released code does.
        last_alpha: the signal's share that the last step leads to. "one": all of it, so the last
            prediction is the result (the released code computes a step to index 0, but returns the
            prediction too). "first": that of index 0, and the state there is the result.
    """

    eta: float = 1.0
    time_offset: int = 1
    noise_offset: int = NOISE_OFFSETS["consistent"]
    double_encoding: bool = False
    last_alpha: Literal["one", "first"] = "one"

    def __post_init__(self) -> None:
        if not 0 <= self.eta <= 1:
            raise InputError(f"sampler: found eta {self.eta}, expected 0 to 1")
        if self.last_alpha not in ("one", "first"):
            raise InputError(
                f"sampler: found last_alpha {self.last_alpha!r}, expected 'one' or 'first'"
            )


SAMPLERS = {
    "consistent": SamplerConfig(),
    "reference": SamplerConfig(
        time_offset=0, noise_offset=NOISE_OFFSETS["reference"], double_encoding=True
    ),
}
"""The paper's statement, and the released sampler bug for bug."""


@dataclass(frozen=True)
class Sampling:
    """From where, in which steps and by which process heatmaps are made.

    Attributes:
        timestep: how far given maps are noised, 1..T; None starts from pure noise, at T.
        steps: DDIM steps.
        schedule: the noise schedule that the network was trained with.
        sampler: variant of the process.
    """

    timestep: int | None
    steps: int
    schedule: Schedule
    sampler: SamplerConfig

    @cached_property
    def indices(self) -> list[int]:
        """Schedule indices of the visits; errors as in ``visited_indices``."""
        start = self.schedule.timesteps if self.timestep is None else self.timestep
        return visited_indices(start, self.steps)


def to_state(heatmap: Tensor) -> Tensor:
    """Values in [0, 1] to states in [-2, 2]."""
    return SCALE * (2 * heatmap - 1)


def to_network(state: Tensor) -> Tensor:
    """States, cut off at [-2, 2], to the network's range [0, 1]."""
    return (state.clamp(-SCALE, SCALE) / SCALE + 1) / 2


def visited_indices(start: int, steps: int) -> list[int]:
    """Schedule indices that DDIM visits from timestep ``start``, in decreasing order.

    The stride is ``start // steps``, as in the released code: where ``steps`` does not divide
    ``start`` there are more visits than ``steps``.

    Raises:
        InputError: not 1 <= steps <= start.
    """
    if not 1 <= steps <= start:
        raise InputError(f"DDIM: found {steps} steps from timestep {start}, expected 1 to {start}")
    return [time - 1 for time in range(start, 0, -(start // steps))]


def add_noise(schedule: Schedule, heatmap: Tensor, index: Tensor, noise: Tensor) -> Tensor:
    """Forward noising in one go (Eq. 4).

    Args:
        schedule: noise schedule.
        heatmap: (N, H, W) float in [0, 1].
        index: (N,) int schedule indices, 0..T-1.
        noise: (N, H, W) standard normal.

    Returns:
        (N, H, W) float in the network's range [0, 1].
    """
    share = torch.from_numpy(schedule.alpha_bar)[index.cpu()]
    alpha_bar = share.to(heatmap, non_blocking=True)[:, None, None]
    return to_network(alpha_bar.sqrt() * to_state(heatmap) + (1 - alpha_bar).sqrt() * noise)


def training_pair(
    schedule: Schedule, heatmap: Tensor, time: Tensor, noise: Tensor
) -> tuple[Tensor, Tensor]:
    """Network input and network time of a training step; the target is ``heatmap``.

    Args:
        schedule: noise schedule.
        heatmap: (N, H, W) float in [0, 1].
        time: (N,) int in 1..T, on the CPU: a GPU that holds them must be waited for.
        noise: (N, H, W) standard normal.

    Returns:
        Noisy maps (N, H, W) in [0, 1] and times (N,) float.
    """
    return add_noise(schedule, heatmap, time - 1, noise), time.to(heatmap, non_blocking=True)


def ddim(
    predict: Predict, state: Tensor, noise: Sequence[Tensor], sampling: Sampling
) -> Iterator[Tensor]:
    """DDIM (Eq. 3, repeated): yield every visit's predicted heatmap (N, H, W); the last is the result.

    With ``last_alpha`` "first" one more map is yielded, the state at index 0, and is the result.

    Args:
        predict: the network with its context.
        state: (N, H, W) state at the first visit, as ``start_state`` gives it.
        noise: one (N, H, W) standard normal tensor for every visit but the last; the step to index 0
            takes none.
        sampling: how the maps are made.
    """
    schedule, sampler, indices = sampling.schedule, sampling.sampler, sampling.indices
    alphas = [float(schedule.alpha_bar[index]) for index in indices]
    for visit, index in enumerate(indices):
        encoded = to_network(state)
        prediction = predict(encoded, torch.full_like(state[:, 0, 0], index + sampler.time_offset))
        yield prediction
        last = visit + 1 == len(indices)
        if last and (sampler.last_alpha == "one" or index == 0):
            return
        alpha = alphas[visit]
        following = float(schedule.alpha_bar[0]) if last else alphas[visit + 1]
        eta = 0.0 if last else sampler.eta
        double = encoded if sampler.double_encoding else None
        state, spread = reverse_step(state, prediction, alpha, following, eta, double)
        if last:
            yield to_network(state)
            return
        state = state + spread * noise[visit]
        state = to_network(state) if sampler.double_encoding else state.clamp(-SCALE, SCALE)


def reverse_step(
    state: Tensor,
    prediction: Tensor,
    alpha: float,
    following: float,
    eta: float,
    encoded: Tensor | None = None,
) -> tuple[Tensor, float]:
    """Mean and standard deviation of the next state, given this one (Eq. 3, by DDIM).

    Args:
        state: (N, H, W) this state.
        prediction: (N, H, W) the heatmap that the network predicts from it.
        alpha, following: share of the signal here and at the next state.
        eta: 0 for deterministic DDIM, 1 for the variance of the forward process.
        encoded: (N, H, W) what the network saw; given, it is encoded once more and the unscaled
            prediction stands for the noise estimate, as the released code does.

    Returns:
        (N, H, W) mean and the deviation sigma.
    """
    clean = to_state(prediction)
    if encoded is not None:
        direction = to_state(encoded) / math.sqrt(alpha) - prediction
    else:
        direction = state / math.sqrt(alpha) - clean
    direction = direction / math.sqrt(1 / alpha - 1)
    spread = eta * math.sqrt((1 - following) / (1 - alpha) * (1 - alpha / following))
    # Rounding may push this variance just below 0 for eta 1.
    rest = math.sqrt(max(0.0, 1 - following - spread**2))
    return math.sqrt(following) * clean + rest * direction, spread


def denoising_loss(predicted: Tensor, heatmap: Tensor) -> Tensor:
    """Mean squared error of predicted heatmaps (N, H, W) against the clean ones (Eq. 5)."""
    return torch.mean((predicted - heatmap) ** 2)


def start_state(heatmap: Tensor | None, noise: Tensor, sampling: Sampling) -> Tensor:
    """The state (N, H, W) at the first visit: the noised map, or pure noise (ECCV 2024, Sec. 3.4).

    Args:
        heatmap: (N, H, W) float in [0, 1]; not used where ``sampling`` starts from pure noise.
        noise: (N, H, W) standard normal.
        sampling: how the maps are made.

    Raises:
        InputError: the index at which the map is to be noised is outside the schedule.
    """
    schedule, sampler = sampling.schedule, sampling.sampler
    if sampling.timestep is None:
        return noise if sampler.double_encoding else noise.clamp(-SCALE, SCALE)
    index = sampling.timestep + sampler.noise_offset
    if not 0 <= index < schedule.timesteps:
        raise InputError(
            f"refinement: timestep {sampling.timestep} noises at index {index}, expected an index from 0 "
            f"to {schedule.timesteps - 1}"
        )
    indices = torch.full((len(heatmap),), index)
    encoded = add_noise(schedule, heatmap, indices, noise)
    return encoded if sampler.double_encoding else to_state(encoded)


def trajectory(
    predict: Predict, heatmap: Tensor | None, noise: Tensor, sampling: Sampling
) -> Iterator[Tensor]:
    """Every step's prediction of one noise draw (Figures 5 and S3); the last one is the result.

    Args:
        predict: the network with the context of the N images.
        heatmap: (N, H, W) float in [0, 1], Grad-CAM maps after ``gcdr.data.heatmaps.minmax``; not used,
            and may be None, where ``sampling`` starts from pure noise.
        noise: (visits, N, H, W) standard normal: entry 0 noises the map or is the pure noise, the
            others are for the steps between visits. Entries beyond are not used.
        sampling: how the maps are made.

    Yields:
        (N, H, W) float, not cut off, not normalised (a pseudo-label is ``gcdr.data.heatmaps.minmax`` of it).
    """
    return ddim(predict, start_state(heatmap, noise[0], sampling), noise[1:], sampling)


def draws(predict: Predict, heatmap: Tensor | None, noise: Tensor, sampling: Sampling) -> Tensor:
    """The results (draws, N, H, W) of several noise draws.

    Args:
        noise: (draws, visits, N, H, W) standard normal, see ``seeded_noise``.
        predict, heatmap, sampling: as in ``trajectory``.

    Raises:
        InputError: the timestep, the steps or the shape of the noise do not fit.
    """
    visits = len(sampling.indices)
    if noise.ndim != 5 or noise.shape[0] < 1 or noise.shape[1] < visits:
        raise InputError(
            f"noise: found shape {tuple(noise.shape)}, "
            f"expected (draws >= 1, visits >= {visits}, N, H, W)"
        )
    results = []
    for draw in noise:
        *_, last = trajectory(predict, heatmap, draw, sampling)
        results.append(last)
    return torch.stack(results)


def seeded_noise(
    seed: int, purpose: str, sample_ids: Sequence[int], draws: int, visits: int, size: int
) -> Tensor:
    """Standard normal noise that depends on the seed, the purpose and each sample's id alone.

    Args:
        seed, purpose: see ``gcdr.base.seeds``.
        sample_ids: N ids.
        draws: noise draws a sample; draw d is the same whatever their number.
        visits: length of ``Sampling.indices``.
        size: side of the maps in cells.

    Returns:
        (draws, visits, N, size, size) float32 on the CPU.
    """
    shape = (visits, size, size)
    rows = [
        [torch.randn(shape, generator=torch_rng(seed, purpose, key, draw)) for key in sample_ids]
        for draw in range(draws)
    ]
    return torch.stack([torch.stack(row, dim=1) for row in rows])
