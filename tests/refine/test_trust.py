"""What is said of a label's certainty."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gcdr.data.heatmaps import entropy
from gcdr.refine.labels import trust_columns
from gcdr.refine.trust import distance, draw_spread


@given(st.integers(2, 8), st.floats(0, 0.5))
def test_draws_at_one_place_do_not_spread_and_others_do(draws: int, far: float) -> None:
    points = torch.full((1, draws, 2), 0.5, dtype=torch.float64)
    assert draw_spread(points).item() == 0
    points[0, : draws // 2, 0] += far
    share = (draws // 2) / draws
    assert draw_spread(points).item() == pytest.approx(far * math.sqrt(share * (1 - share)))


def test_of_one_draw_nothing_is_known() -> None:
    assert draw_spread(torch.zeros(3, 1, 2)).isnan().all()


def test_entropy_lies_between_a_cell_and_a_flat_map() -> None:
    maps = torch.zeros(4, 8, 8)
    maps[0, 3, 4] = 1
    maps[1] = 0.2
    maps[2, :, :4] = 1
    found = entropy(maps)  # the last has no mass
    assert found.tolist() == pytest.approx([0, 1, math.log(32) / math.log(64), 1])


@given(st.integers(0, 9))
def test_entropy_does_not_depend_on_scale(seed: int) -> None:
    maps = torch.from_numpy(np.random.default_rng(seed).random((2, 6, 6)))
    assert entropy(maps * 7).tolist() == pytest.approx(entropy(maps).tolist())


def test_columns_say_what_is_known() -> None:
    labels, prior = torch.zeros(2, 4, 4), np.zeros((2, 4, 4), np.float32)
    labels[:, 0, 0] = 1
    prior[0, 0, 3] = 1  # the other has no map
    raw = trust_columns(labels, None, None)
    assert set(raw) == {"entropy"} and raw["entropy"].dtype == np.float32
    made = trust_columns(labels, torch.zeros(2, 1, 2), prior)
    assert made["prior_distance"].tolist() == pytest.approx([0.75, math.nan], nan_ok=True)
    assert set(made) == {"entropy", "draw_spread", "prior_distance"}
    assert distance(torch.tensor([[0.0, 0]]), torch.tensor([[0.3, 0.4]])).item() == pytest.approx(
        0.5
    )
