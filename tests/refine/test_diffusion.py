"""The diffusion of heatmaps: schedule, noising and samplers, without any network."""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from golden_rule import Goldens, assert_near
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from gcdr.base.errors import InputError
from gcdr.refine.diffusion import (
    SAMPLERS,
    SamplerConfig,
    Sampling,
    Schedule,
    add_noise,
    ddim,
    denoising_loss,
    draws,
    reverse_step,
    seeded_noise,
    start_state,
    to_network,
    to_state,
    training_pair,
    visited_indices,
)
from gcdr.refine.labels import sampler_of
from gcdr.settings.learning import refine_settings
from gcdr.variants import variant

torch.set_num_threads(1)
CONSISTENT, REFERENCE = SAMPLERS["consistent"], SAMPLERS["reference"]


def way(timestep: int | None, steps: int, sampler: SamplerConfig) -> Sampling:
    return Sampling(timestep, steps, Schedule(), sampler)


def random_maps(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(scope="module")
def reference(goldens: Callable[[str], Path]) -> Goldens:
    return Goldens(goldens)


@given(start=st.integers(1, 1000), steps=st.integers(1, 1000))
def test_visited_indices(start: int, steps: int) -> None:
    if steps > start:
        with pytest.raises(InputError, match="steps from timestep"):
            visited_indices(start, steps)
        return
    visited = visited_indices(start, steps)
    strides = {first - second for first, second in pairwise(visited)}
    assert visited[0] == start - 1
    assert 0 <= visited[-1] < start // steps
    assert strides <= {start // steps}
    assert len(visited) >= steps
    if start % steps == 0:
        assert len(visited) == steps


@pytest.mark.parametrize(
    ("start", "steps", "expected"),
    [
        (500, 2, [499, 249]),
        (250, 2, [249, 124]),
        (300, 2, [299, 149]),
        (250, 4, [249, 187, 125, 63, 1]),
        (250, 3, [249, 166, 83, 0]),
    ],
)
def test_visited_indices_as_released(start: int, steps: int, expected: list[int]) -> None:
    assert visited_indices(start, steps) == expected


@given(timesteps=st.integers(21, 2000), kind=st.sampled_from(["linear", "cosine"]))
def test_alpha_bar_falls_from_one_towards_zero(timesteps: int, kind: str) -> None:
    alpha_bar = Schedule(timesteps, kind).alpha_bar
    assert alpha_bar.shape == (timesteps,)
    assert np.all(np.diff(alpha_bar) < 0)
    assert 0 < alpha_bar[-1] < 1e-3 and alpha_bar[0] < 1


def test_schedule_refuses_what_it_does_not_know() -> None:
    with pytest.raises(InputError, match="timesteps"):
        Schedule(20)
    with pytest.raises(InputError, match="square"):
        Schedule(500, "square")


@given(
    timesteps=st.integers(21, 2000),
    kind=st.sampled_from(["linear", "cosine"]),
    share=st.floats(0, 1),
)
def test_single_steps_make_up_the_step_in_one_go(timesteps: int, kind: str, share: float) -> None:
    """Equations 1 and 2, z_t = sqrt(1 - beta_t) z_{t-1} + sqrt(beta_t) e_t, add up to Equation 4.

    After step t the clean map's factor is the product of the steps', and what is left of each step's
    noise has variances that add up.
    """
    schedule = Schedule(timesteps, kind)
    last = round(share * (timesteps - 1))
    signal, variance = 1.0, 0.0
    for beta in schedule.betas[: last + 1]:
        assert 0 < beta < 1
        signal *= np.sqrt(1 - beta)
        variance = (1 - beta) * variance + beta
    np.testing.assert_allclose(signal**2, schedule.alpha_bar[last], rtol=1e-9)
    np.testing.assert_allclose(variance, 1 - schedule.alpha_bar[last], rtol=1e-9)


def test_a_walk_of_single_steps_is_distributed_as_the_step_in_one_go() -> None:
    """The chain itself, drawn: mean and variance of many walks from one value to index 59."""
    schedule, rng = Schedule(), torch.Generator().manual_seed(0)
    state = torch.full((40_000,), 1.5, dtype=torch.float64)
    for beta in schedule.betas[:60]:
        noise = torch.randn(state.shape, generator=rng, dtype=torch.float64)
        state = np.sqrt(1 - beta) * state + np.sqrt(beta) * noise
    kept = schedule.alpha_bar[59]
    error = 5 / np.sqrt(len(state))
    assert state.mean().item() == pytest.approx(np.sqrt(kept) * 1.5, abs=error)
    assert state.var().item() == pytest.approx(1 - kept, abs=2 * error)


@settings(max_examples=50)
@given(
    index=st.integers(1, 499),
    back=st.integers(1, 499),
    eta=st.floats(0, 1),
    seed=st.integers(0, 2**31),
)
def test_reverse_step_is_equation_3(index: int, back: int, eta: float, seed: int) -> None:
    """By hand: z' = sqrt(a') z0 + sqrt(1 - a' - s^2) e + s noise, with e = (z - sqrt(a) z0) / sqrt(1 - a).

    z0 is the state of the predicted heatmap, s = eta sqrt((1 - a') / (1 - a)) sqrt(1 - a / a').
    """
    alpha_bar = Schedule().alpha_bar
    alpha, following = float(alpha_bar[index]), float(alpha_bar[max(0, index - back)])
    state, prediction = (4 * random_maps(2, 2, 8, 8, seed=seed).double() - 2).unbind()
    prediction = (prediction + 2) / 4
    mean, spread = reverse_step(state, prediction, alpha, following, eta)
    clean = 2 * (2 * prediction - 1)
    noise = (state - np.sqrt(alpha) * clean) / np.sqrt(1 - alpha)
    sigma = eta * np.sqrt((1 - following) / (1 - alpha)) * np.sqrt(1 - alpha / following)
    rest = np.sqrt(max(0.0, 1 - following - sigma**2))
    assert spread == pytest.approx(sigma, rel=1e-12)
    torch.testing.assert_close(mean, np.sqrt(following) * clean + rest * noise, atol=1e-9, rtol=0)


@given(index=st.integers(1, 499), kind=st.sampled_from(["linear", "cosine"]))
def test_eta_one_has_the_variance_of_the_single_step_backwards(index: int, kind: str) -> None:
    """Of q(z_{t-1} | z_t, z_0): beta_t (1 - alpha_bar_{t-1}) / (1 - alpha_bar_t)."""
    schedule = Schedule(500, kind)
    alpha, following = (float(schedule.alpha_bar[at]) for at in (index, index - 1))
    still = torch.zeros(1, 2, 2, dtype=torch.float64)
    _, spread = reverse_step(still, still, alpha, following, 1.0)
    expected = schedule.betas[index] * (1 - following) / (1 - alpha)
    assert spread**2 == pytest.approx(expected, rel=1e-8)


@settings(max_examples=30)
@given(index=st.integers(1, 499), seed=st.integers(0, 2**31))
def test_reverse_step_of_a_true_prediction_goes_back_along_its_noise(index: int, seed: int) -> None:
    """With eta 0 a noised map steps to the same map under the same noise at the step before."""
    alpha_bar = Schedule().alpha_bar
    heatmap, noise = random_maps(2, 2, 8, 8, seed=seed).double().unbind()
    alpha, following = float(alpha_bar[index]), float(alpha_bar[index - 1])

    def noised(kept: float) -> Tensor:
        return np.sqrt(kept) * to_state(heatmap) + np.sqrt(1 - kept) * noise

    mean, spread = reverse_step(noised(alpha), heatmap, alpha, following, 0.0)
    assert spread == 0
    torch.testing.assert_close(mean, noised(following), atol=1e-9, rtol=0)


def test_loss_is_equation_5() -> None:
    predicted, heatmap = random_maps(3, 4, 4), random_maps(3, 4, 4, seed=1)
    by_hand = sum(
        float((p - h) ** 2) for p, h in zip(predicted.flatten(), heatmap.flatten(), strict=True)
    )
    assert denoising_loss(predicted, heatmap).item() == pytest.approx(by_hand / 48, rel=1e-5)


@given(st.floats(0, 1))
def test_state_and_network_range_are_inverse(value: float) -> None:
    heatmap = torch.tensor(value)
    assert_near(to_network(to_state(heatmap)), heatmap, 1e-6)


@settings(max_examples=25)
@given(seed=st.integers(0, 2**31), index=st.integers(0, 499))
def test_noised_maps_stay_in_the_network_range(seed: int, index: int) -> None:
    heatmap = random_maps(2, 8, 8, seed=seed)
    noise = torch.randn(heatmap.shape, generator=torch.Generator().manual_seed(seed + 1))
    noised = add_noise(Schedule(), heatmap, torch.tensor([0, index]), noise)
    assert noised.min() >= 0 and noised.max() <= 1
    assert (noised[0] - heatmap[0]).abs().max() < 0.03


def test_last_index_is_nearly_pure_noise() -> None:
    noise = torch.randn(2, 16, 16, generator=torch.Generator().manual_seed(0))
    last = torch.tensor([499, 499])
    noised = add_noise(Schedule(), random_maps(2, 16, 16), last, noise)
    assert_near(noised, to_network(noise), 0.01)


def test_training_pair_counts_times_from_one() -> None:
    heatmap, noise = random_maps(2, 8, 8), torch.randn(2, 8, 8)
    noisy, time = training_pair(Schedule(), heatmap, torch.tensor([1, 500]), noise)
    assert torch.equal(noisy, add_noise(Schedule(), heatmap, torch.tensor([0, 499]), noise))
    assert time.dtype == torch.float32 and time.tolist() == [1.0, 500.0]


@pytest.mark.parametrize("sampler", SAMPLERS.values(), ids=SAMPLERS)
def test_a_perfect_network_is_believed(sampler: SamplerConfig) -> None:
    truth = random_maps(3, 8, 8)
    noise = seeded_noise(0, "test", [1, 2, 3], 2, 4, 8)
    found = draws(lambda noisy, time: truth, random_maps(3, 8, 8), noise, way(200, 4, sampler))
    assert_near(found, truth.expand(2, -1, -1, -1), 1e-6)


def test_network_times_and_noising_index_of_the_variants() -> None:
    def times(sampler: SamplerConfig) -> list[float]:
        seen = []

        def predict(noisy: Tensor, time: Tensor) -> Tensor:
            seen.extend(time.tolist())
            return noisy

        noise = seeded_noise(0, "test", [1], 1, 2, 8)
        draws(predict, random_maps(1, 8, 8), noise, way(250, 2, sampler))
        return seen

    assert times(CONSISTENT) == [250.0, 125.0]
    assert times(REFERENCE) == [249.0, 124.0]
    heatmap, noise = random_maps(1, 8, 8), torch.randn(1, 8, 8)
    state = start_state(heatmap, noise, way(250, 2, CONSISTENT))
    assert_near(to_network(state), add_noise(Schedule(), heatmap, torch.tensor([249]), noise), 1e-6)
    encoded = start_state(heatmap, noise, way(250, 2, REFERENCE))
    assert torch.equal(encoded, add_noise(Schedule(), heatmap, torch.tensor([250]), noise))


def test_draws_are_independent() -> None:
    def predict(noisy: Tensor, time: Tensor) -> Tensor:
        return noisy.square()

    noise = seeded_noise(3, "test", [4, 9], 3, 2, 8)
    heatmap = random_maps(2, 8, 8)
    how = way(250, 2, CONSISTENT)
    each = [draws(predict, heatmap, noise[d : d + 1], how)[0] for d in range(3)]
    assert torch.equal(draws(predict, heatmap, noise, how), torch.stack(each))
    assert not torch.allclose(each[0], each[1])


def test_seeded_noise_depends_on_the_sample_alone() -> None:
    both = seeded_noise(3, "test", [4, 9], 3, 2, 8)
    assert both.shape == (3, 2, 2, 8, 8)
    assert torch.equal(both[:1, :, 1:], seeded_noise(3, "test", [9], 1, 2, 8))
    assert not torch.equal(both[:, :, :1], both[:, :, 1:])


def test_wrong_requests_are_refused() -> None:
    maps, noise = random_maps(1, 8, 8), torch.randn(1, 1, 1, 8, 8)
    with pytest.raises(InputError, match="noise: found shape"):
        draws(lambda noisy, time: noisy, None, noise, way(None, 2, CONSISTENT))
    with pytest.raises(InputError, match="index 500"):
        draws(lambda noisy, time: noisy, maps, noise, way(500, 1, REFERENCE))
    with pytest.raises(InputError, match="eta"):
        SamplerConfig(eta=1.5)


@pytest.mark.parametrize("eta", [0.0, 0.5, 1.0])
def test_consistent_sampler_equals_diffusers(eta: float) -> None:
    """The oracle is run on states in [-2, 2]; between steps the state is cut off as ours is."""
    diffusers = pytest.importorskip("diffusers")
    how = way(250, 5, replace(CONSISTENT, eta=eta))
    visits = how.indices
    oracle = diffusers.DDIMScheduler(
        num_train_timesteps=500,
        trained_betas=how.schedule.betas,
        prediction_type="sample",
        clip_sample=False,
    )
    oracle.set_timesteps(500 // (visits[0] - visits[1]))
    noise = seeded_noise(1, "test", [1, 2], 1, 5, 8)[0]

    def predict(noisy: Tensor, time: Tensor) -> Tensor:
        return 0.9 * noisy.flip(-1) + 1e-4 * time[:, None, None]

    start = start_state(random_maps(2, 8, 8), noise[0], how)
    found = list(ddim(predict, start, noise[1:], how))
    state = start
    for visit, index in enumerate(visits):
        prediction = predict(to_network(state), torch.full((2,), index + 1.0))
        assert_near(found[visit], prediction, 1e-5)
        if visit + 1 < len(visits):
            step = oracle.step(
                to_state(prediction),
                index,
                state,
                eta=eta,
                variance_noise=noise[visit + 1] if eta else None,
            )
            state = step.prev_sample.clamp(-2, 2).float()


@pytest.mark.golden
def test_schedules_as_released(reference: Goldens) -> None:
    expected = reference.arrays("noise_schedule")
    linear = Schedule(500)
    np.testing.assert_allclose(linear.betas, expected["f64.linear_betas_T500"], rtol=1e-12)
    cosine = Schedule(500, "cosine").betas
    np.testing.assert_allclose(cosine, expected["f64.cosine_betas_T500"], rtol=1e-9)
    np.testing.assert_array_equal(
        linear.alpha_bar.astype(np.float32), expected["T500.alphas_cumprod"]
    )


def test_a_method_with_a_sampler_of_its_own_takes_it_whole() -> None:
    sampler = {"sampler": "consistent", "eta": 0.0, "noise_offset": 0, "last_alpha": "first"}
    sampler |= {"start": "stretched", "precision": "fp32", "stretch": True}
    config = {"diffusion": {"timesteps": 500, "schedule": "linear"}, "refine": sampler}

    def taken(method: str) -> SamplerConfig:
        return sampler_of(refine_settings(config, variant(method, 250, 2, 1, "mean")).sampling)

    assert taken("gcdr") == SamplerConfig(0.0, noise_offset=0, last_alpha="first")
    assert taken("gcdr-reference") == SAMPLERS["reference"]
    assert taken("gcdr-consistent") == SAMPLERS["consistent"]


@pytest.mark.golden
def test_visits_of_released_settings(reference: Goldens) -> None:
    for case in reference.json("ddim_schedule")["ddim"]:
        assert visited_indices(case["start"], case["requested_steps"]) == case["visited"]


@pytest.mark.golden
def test_forward_noising_as_released(reference: Goldens) -> None:
    expected = reference.arrays("gcdr_q_sample")
    heatmap = torch.from_numpy(expected["x0"])[:, 0]
    noise = reference.normal("noise.q", (6, 1, 64, 64))[:, 0]
    index = torch.tensor([0, 1, 124, 249, 250, 499])
    assert_near(add_noise(Schedule(), heatmap, index, noise), expected["out.x"], 1e-5)


@pytest.mark.golden
def test_refinement_replayed(reference: Goldens) -> None:
    """The released sampler from the map to each network input, with recorded predictions."""
    expected = reference.arrays("gcdr_refine250")
    names = ["noise.refine.q", "noise.refine.step0"]
    noise = torch.stack([reference.normal(name, (2, 1, 64, 64))[:, 0] for name in names])
    predictions = iter(torch.from_numpy(expected["x0_per_step"])[:, :, 0])
    inputs = []

    def predict(noisy: Tensor, time: Tensor) -> Tensor:
        inputs.append(noisy)
        return next(predictions)

    heatmap = torch.from_numpy(expected["gradcam64"])[:, 0]
    (found,) = draws(predict, heatmap, noise[None], way(250, 2, REFERENCE))
    assert_near(torch.stack(inputs), expected["net_input_per_step"], 1e-5)
    assert_near(found, expected["out.pred_x0"], 1e-6)


@pytest.mark.golden
def test_sampling_replayed(reference: Goldens) -> None:
    expected = reference.arrays("gcdr_ddim10")
    names = ["input.xT", *(f"noise.ddim10.step{i}" for i in range(9))]
    noise = torch.stack([reference.normal(name, (2, 1, 64, 64))[:, 0] for name in names])
    predictions = iter(torch.from_numpy(expected["x0_per_step"])[:, :, 0])
    inputs = []

    def predict(noisy: Tensor, time: Tensor) -> Tensor:
        inputs.append(noisy[0])
        return next(predictions)

    (found,) = draws(predict, None, noise[None], way(None, 10, REFERENCE))
    assert_near(torch.stack(inputs), expected["net_input_per_step.sample0"], 1e-5)
    assert_near(found, expected["out.pred_x0"], 1e-6)
