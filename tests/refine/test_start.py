"""What of a prior map is noised, and what a denoiser learns from beside labels."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gcdr.data.heatmaps import gaussians
from gcdr.models.denoiser import Denoiser
from gcdr.models.sizes import DenoiserConfig
from gcdr.refine.diffusion import Schedule
from gcdr.refine.labels import refinement_of
from gcdr.refine.maps import expected_labels
from gcdr.refine.options import LabelSettings, MapSettings, RefineSettings, SamplerSettings
from gcdr.training.denoising import earlier_prediction

SIZE, SIGMA = 16, 2.0


def one_cell(row: int, column: int) -> torch.Tensor:
    maps = torch.zeros(1, SIZE, SIZE)
    maps[0, row, column] = 0.3
    return maps


@given(st.integers(0, SIZE - 1), st.integers(0, SIZE - 1))
def test_a_map_of_one_cell_is_the_label_there(row: int, column: int) -> None:
    point = torch.tensor([[(column + 0.5) / SIZE, (row + 0.5) / SIZE]])
    label = gaussians(point, SIZE, SIGMA)
    torch.testing.assert_close(expected_labels(one_cell(row, column), SIGMA), label)


@given(st.integers(0, 50), st.floats(0.01, 9))
def test_it_is_a_mean_of_labels_whatever_the_scale(seed: int, scale: float) -> None:
    maps = torch.from_numpy(np.random.default_rng(seed).random((2, SIZE, SIZE))).float()
    found = expected_labels(maps, SIGMA)
    torch.testing.assert_close(expected_labels(maps * scale, SIGMA), found)
    assert found.min() >= 0 and found.max() <= 1
    both = expected_labels(one_cell(2, 3) + one_cell(12, 9), SIGMA)
    alone = [expected_labels(one_cell(*place), SIGMA) for place in ((2, 3), (12, 9))]
    torch.testing.assert_close(both, sum(alone) / 2)


def test_doubt_is_low_and_a_map_without_mass_stays_empty() -> None:
    flat = expected_labels(torch.ones(1, SIZE, SIZE), SIGMA)
    assert flat.max() < 0.15
    assert (expected_labels(torch.zeros(1, SIZE, SIZE), SIGMA) == 0).all()


def test_a_precision_is_told_where_it_is_another() -> None:
    """What was made before there was another one is not made again."""
    settings = RefineSettings(SamplerSettings(100), 50)
    whole = LabelSettings(MapSettings(32, 3.0), "diffusion", refine=settings)
    assert "precision" not in whole.to_json()["refine"]
    half = replace(whole, refine=replace(settings, precision="bf16"))
    assert half.to_json()["refine"]["precision"] == "bf16"
    assert [LabelSettings.from_json(one.to_json()) for one in (whole, half)] == [whole, half]


@pytest.mark.parametrize("start", ["stretched", "expected"])
def test_the_setting_decides_what_is_noised(start: str) -> None:
    settings = RefineSettings(SamplerSettings(100), 50, start=start)
    model = Denoiser(DenoiserConfig.world())
    maps = torch.rand(2, 32, 32)
    begun = refinement_of(settings, 0).start(maps, model)
    expected = maps if start == "stretched" else expected_labels(maps, model.config.sigma)
    assert (begun == expected).all()
    assert refinement_of(settings, 0).start(None, model) is None


def test_an_earlier_prediction_is_a_map_that_the_seed_decides() -> None:
    torch.manual_seed(0)
    model = Denoiser(DenoiserConfig.world()).eval()
    for parameter in model.parameters():  # its last layer starts as nothing
        torch.nn.init.normal_(parameter, std=0.1)
    shapes = [
        (3, width, side, side) for width, side in zip(model.config.widths, (16, 8), strict=True)
    ]
    context = [torch.rand(shape) for shape in shapes]
    target, timestep = torch.rand(3, 32, 32), torch.tensor([1, 50, 100])

    def made(seed: int) -> torch.Tensor:
        rng = torch.Generator().manual_seed(seed)
        predict = partial(model.predict, context=context)
        return earlier_prediction(predict, Schedule(100), target, timestep, rng)

    first = made(0)
    assert first.shape == target.shape and not first.requires_grad
    assert first.min() >= 0 and first.max() <= 1
    assert (first == made(0)).all() and (first != made(1)).any()
