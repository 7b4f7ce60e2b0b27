"""Metrics of the semantic gaze paper: reference values, and what they do at borders and without anybody."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from golden_rule import assert_near
from semgaze_rule import SemgazeGoldens, annotators_map, semgaze_targets

from gcdr.data.heatmaps import gaussians
from gcdr.evaluation.semantic import (
    CENTRE,
    NOBODY,
    accuracy,
    annotated_cells,
    argmax_cells,
    dark_cells,
    dark_points,
    gaze_accuracy,
    multi_accuracy,
    plain_distance,
    semantic_auc,
    semantic_distances,
    validation_points,
)
from gcdr.evaluation.semantic_stages import accepted_places, name_scores


@pytest.fixture(scope="module")
def reference(goldens: Callable[[str], Path]) -> SemgazeGoldens:
    return SemgazeGoldens(goldens)


def bumps(reference: SemgazeGoldens, meta: dict[str, Any]) -> np.ndarray:
    """The twelve maps: bumps, the middle ones noisy, one of them mostly negative."""
    peaks = np.array(meta["heatmaps"]["peaks_xy"])[:, :, None, None]
    row, column = np.mgrid[:64, :64]
    maps = np.exp(-((column - peaks[:, 0]) ** 2 + (row - peaks[:, 1]) ** 2) / 18)
    maps[4:8] += 0.05 * reference.generator("metric.noise").standard_normal((4, 64, 64))
    maps[7] -= 0.4
    return maps.astype(np.float32)


def annotators(reference: SemgazeGoldens, meta: dict[str, Any]) -> np.ndarray:
    points = reference.generator("metric.annotations").random((12, 20, 2)).astype(np.float32)
    for one, count in zip(points, meta["gazefollow"]["count"], strict=True):
        one[count:] = np.nan
    return points


@pytest.mark.golden
def test_decoding_equals_the_reference(reference: SemgazeGoldens) -> None:
    content = reference.arrays("metrics")
    maps = bumps(reference, content["meta"])
    assert np.array_equal(argmax_cells(maps), content["argmax"])
    assert np.array_equal(validation_points(maps), content["argmax_normalized"])
    assert dark_cells(maps) == pytest.approx(content["dark"], abs=1e-5)
    assert dark_points(maps) == pytest.approx(content["dark_normalized"], abs=1e-6)
    assert dark_cells(maps, 3) == pytest.approx(content["dark_kernel3"], abs=1e-5)


@pytest.mark.golden
def test_metrics_equal_the_reference(reference: SemgazeGoldens) -> None:
    content = reference.arrays("metrics")
    meta = content["meta"]
    maps, points = bumps(reference, meta), annotators(reference, meta)
    guess = reference.uniform("metric.pred", (12, 2)).numpy()
    areas = [semantic_auc(one, known) for one, known in zip(maps, points, strict=True)]
    found = np.stack([*semantic_distances(guess, points).values(), areas], 1)
    told = meta["gazefollow"]
    assert found == pytest.approx(np.array(told["per_item_dist_to_avg_avg_min_auc"]), abs=1e-6)
    pooled = [told[name] for name in ("dist_to_avg", "avg_dist", "min_dist", "auc")]
    assert found.mean(0) == pytest.approx(pooled, abs=1e-6)
    assert np.array_equal(annotated_cells(points[5]), content["binary_map_item5"] > 0)
    told = meta["distance"]
    mean = plain_distance(guess, points[:, 0], np.array(told["inout"]))
    assert mean == pytest.approx(told["value"], abs=1e-6)
    assert plain_distance(guess, points[:, 0], np.zeros(12)) == told["all_out"] == NOBODY
    told = meta["gaze_acc"]
    assert gaze_accuracy(guess, np.array(told["boxes"])) == pytest.approx(told["value"], abs=1e-6)


@pytest.mark.golden
def test_accuracies_equal_the_reference(reference: SemgazeGoldens) -> None:
    told = reference.arrays("metrics")["meta"]["labels"]
    similarity = reference.normal("metric.logits", (16, 346)).numpy()
    for top in (1, 3):
        found = accuracy(similarity, np.array(told["ids"]), top)
        assert found == pytest.approx(told[f"acc@{top}"], abs=1e-7)
        found = multi_accuracy(similarity, np.array(told["multi_ids"]), top)
        assert found == pytest.approx(told[f"multi_acc@{top}"], abs=1e-7)


@pytest.mark.golden
def test_target_maps_equal_the_reference(reference: SemgazeGoldens) -> None:
    content = reference.arrays("metrics")
    meta = content["meta"]
    maps = semgaze_targets(torch.tensor(meta["target_points"]))
    assert_near(maps, content["target_heatmaps"], 1e-6)
    several = annotators_map(torch.from_numpy(annotators(reference, meta)[3]))
    assert_near(several, content["target_heatmap_multi"], 1e-6)
    unknown = torch.tensor([[-1.0, -1.0], [float("nan"), 0.5]])
    assert not semgaze_targets(unknown).any() and not annotators_map(unknown).any()


def test_one_person_and_nobody() -> None:
    """The released share of points in boxes fails for a single person; here it does not."""
    assert gaze_accuracy(np.array([[0.5, 1.0]]), np.array([[0.5, 0.2, 0.6, 1.0]])) == 1
    assert np.isnan(accuracy(np.ones((2, 3)), np.array([-1, -1])))
    assert accuracy(np.array([[0.1, 0.9, 0.3]]), np.array([2]), 2) == 1


def test_a_bump_is_found_below_the_cell() -> None:
    row, column = np.mgrid[:40, :64]
    maps = np.exp(-((column - 20.3) ** 2 + (row - 11.8) ** 2) / 18)[None]
    assert dark_cells(maps)[0] == pytest.approx([20.3, 11.8], abs=1e-3)
    assert dark_points(maps)[0] == pytest.approx([20.3 / 64, 11.8 / 40], abs=1e-4)
    assert np.array_equal(dark_cells(np.ones((1, 8, 8))), [[0, 0]])
    assert np.array_equal(dark_cells(np.eye(8)[None] * 0), [[0, 0]])


def test_maps_that_are_learned_here_are_decoded_where_they_are_drawn() -> None:
    """Cell k of n is the point (k + 0.5) / n in maps of labels, and k / n in the release's."""
    points = torch.tensor([[0.301, 0.702], [0.55, 0.45]])
    centred = dark_points(gaussians(points, 64, 3.0).numpy(), within=CENTRE)
    assert centred == pytest.approx(points.numpy(), abs=1e-4)
    assert dark_points(semgaze_targets(points).numpy()) == pytest.approx(points.numpy(), abs=1e-4)


def test_no_guess_is_never_right_and_unknown_names_do_not_count() -> None:
    names = ("ball", "cup")
    meant = pd.DataFrame(
        {"label": ["zebra", "cup", None], "accepted": ["zebra", "cup|zebra", None]}
    )
    assert accepted_places(meant["accepted"].tolist(), names).tolist() == [
        [-1, -1],
        [1, -1],
        [-1, -1],
    ]
    silent = name_scores(np.full((3, 1), -1), meant, names)
    assert np.array_equal(silent["multi_acc_1"], [np.nan, 0, np.nan], equal_nan=True)
    assert np.array_equal(silent["acc_1"], [np.nan, 0, np.nan], equal_nan=True)
    right = name_scores(np.array([[1, 0]] * 3), meant, names)
    assert np.array_equal(right["multi_acc_1"], [np.nan, 1, np.nan], equal_nan=True)
    assert set(right) == {"acc_1", "multi_acc_1"}, "of two guesses nothing is said of three"


def test_who_has_no_box_does_not_count() -> None:
    boxes = np.array([[0.4, 0.4, 0.6, 0.6], [np.nan] * 4])
    assert gaze_accuracy(np.full((2, 2), 0.5), boxes) == 1
    assert np.isnan(gaze_accuracy(np.full((1, 2), 0.5), boxes[1:]))
