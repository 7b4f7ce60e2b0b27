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
from gcdr.methods import recipe
from gcdr.refine.diffusion import (
    SAMPLERS,
    SamplerConfig,
    Sampling,
    Schedule,
    add_noise,
    ddim,
    draws,
    seeded_noise,
    start_state,
    to_network,
    to_state,
    training_pair,
    visited_indices,
)
from gcdr.refine.labels import sampler_of
from gcdr.settings.learning import refine_settings

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
    config = {"diffusion": {"timesteps": 500, "schedule": "linear"}, "refine": sampler}

    def taken(method: str) -> SamplerConfig:
        return sampler_of(refine_settings(config, recipe(method, 250, 2, 1, "mean")).sampling)

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
