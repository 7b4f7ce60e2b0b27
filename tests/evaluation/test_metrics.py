"""Metrics: known answers, the reference's values, and what must hold for any input."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gcdr.base.errors import InputError
from gcdr.data.heatmaps import peak_points
from gcdr.evaluation.metrics import (
    DEFINITIONS,
    average_precision,
    bootstrap_interval,
    image_auc,
    leave_one_out,
    point_distances,
    point_scores,
    roc_auc,
    video_auc,
)
from gcdr.evaluation.scores import score_baselines, score_maps, summarise, write_metrics


@pytest.mark.golden
def test_gazefollow_metrics_equal_the_reference(goldens) -> None:
    data = np.load(goldens("gcdr/helpers_metrics_gazefollow.npz"))
    for number, (auc, avg, least, _, width, height, *_) in enumerate(data["f64.results"]):
        heatmap, points = data[f"case{number:02d}.heatmap"], data[f"case{number:02d}.points"]
        corner = peak_points(torch.from_numpy(heatmap)[None], "reference").numpy()
        found = point_distances(corner, points[None])
        assert image_auc(heatmap, points, int(width), int(height)) == pytest.approx(auc, abs=1e-9)
        assert found["dist_to_mean"][0] == pytest.approx(avg, abs=1e-6)
        assert found["min_dist"][0] == pytest.approx(least, abs=1e-6)


@pytest.mark.golden
def test_video_metrics_equal_the_reference(goldens) -> None:
    data = np.load(goldens("gcdr/helpers_metrics_video.npz"))
    rows = data["f64.results"]
    inside = rows[:, 2] == 1
    for number in np.flatnonzero(inside):
        heatmap, point = data[f"case{number:02d}.heatmap"], data[f"case{number:02d}.point"]
        corner = peak_points(torch.from_numpy(heatmap)[None], "reference").numpy()
        assert video_auc(heatmap, point) == pytest.approx(rows[number, 0], abs=1e-9)
        distance = point_distances(corner, point[None, None])["dist_to_mean"][0]
        assert distance == pytest.approx(rows[number, 1], abs=1e-6)
    expected = json.loads(bytes(data["meta_json"]))["ap"]
    assert average_precision(rows[:, 3], inside) == pytest.approx(expected, abs=1e-9)


def test_known_answers_on_real_annotations(real) -> None:
    """The table of the real data's own notes, computed there by other means."""
    from scipy.io import loadmat

    gaze = loadmat(real("gazefollow_test2/test2_annotations.mat"))["test_gaze"].ravel()
    points = np.full((len(gaze), max(map(len, gaze)), 2), np.nan)
    for row, known in enumerate(gaze):
        points[row, : len(known)] = known
    assert len(points) == 4782 and np.isfinite(points).all(2).sum() == 44191

    def means(predicted: np.ndarray, annotations: np.ndarray) -> list[float]:
        found = point_distances(predicted, annotations)
        return [found[name].mean() for name in ("dist_to_mean", "mean_dist", "min_dist")]

    centre = np.full((len(points), 2), 0.5)
    assert means(centre, points) == pytest.approx([0.2949, 0.3132, 0.2295], abs=5e-5)
    mean = np.nanmean(points, 1)
    assert means(mean, points) == pytest.approx([0, 0.0766, 0.0289], abs=5e-5)
    _, annotator, others = leave_one_out(points)
    assert means(annotator, others) == pytest.approx([0.0832, 0.1055, 0.0355], abs=5e-5)


def resized_auc(heatmap: np.ndarray, points: np.ndarray, width: int, height: int) -> float:
    """What :func:`image_auc` is said to equal: scikit-image's resize and scikit-learn's sort."""
    from skimage.transform import resize
    from sklearn.metrics import roc_auc_score

    scores = resize(heatmap, (height, width), order=1, mode="reflect", anti_aliasing=True)
    truth = np.zeros((height, width), bool)
    truth[(points[:, 1] * height).astype(int), (points[:, 0] * width).astype(int)] = True
    return roc_auc_score(truth.ravel(), scores.ravel())


@pytest.mark.slow
@settings(max_examples=40)
@given(
    st.integers(0, 10_000), st.integers(2, 12), st.integers(2, 12), st.integers(3, 60),
    st.integers(3, 60),
)  # fmt: skip
def test_auc_equals_resizing_and_sorting(
    seed: int, rows: int, columns: int, width: int, height: int
) -> None:
    # Enlarged a whole number of times, mirrored edge pixels tie but for the last bit of each resize.
    assume(all(b % a or a == b for a, b in ((rows, height), (columns, width))))
    rng = np.random.default_rng(seed)
    heatmap, points = rng.random((rows, columns)), rng.random((4, 2))
    expected = resized_auc(heatmap, points, width, height)
    assert image_auc(heatmap, points, width, height) == pytest.approx(expected, abs=1e-9)


@pytest.mark.slow
@settings(max_examples=40)
@given(st.integers(0, 10_000), st.integers(1, 3))
def test_auc_counts_ties_half(seed: int, levels: int) -> None:
    rng = np.random.default_rng(seed)
    tied, points = rng.integers(0, levels + 1, (9, 7)).astype(float), rng.random((4, 2))
    assert image_auc(tied, points, 7, 9) == pytest.approx(resized_auc(tied, points, 7, 9), abs=1e-9)
    blank_but_one = np.zeros((16, 16))
    blank_but_one[rng.integers(16), rng.integers(16)] = 1
    expected = resized_auc(blank_but_one, points, 50, 40)
    assert image_auc(blank_but_one, points, 50, 40) == pytest.approx(expected, abs=1e-9)


def test_auc_of_a_flat_map_is_a_half() -> None:
    """Interpolating a constant gives that constant to the bit, so every pixel ties with every other."""
    assert image_auc(np.full((64, 64), 0.1), np.array([[0.3, 0.7], [0.9, 0.1]]), 331, 477) == 0.5


@pytest.mark.slow
@given(st.integers(0, 10_000), st.integers(1, 30))
def test_rank_forms_equal_scikit_learn(seed: int, levels: int) -> None:
    from sklearn.metrics import average_precision_score, roc_auc_score

    rng = np.random.default_rng(seed)
    scores = rng.integers(0, levels, 40).astype(float)
    positive = rng.permutation(np.arange(40) < rng.integers(1, 40))
    assert roc_auc(scores, positive) == pytest.approx(roc_auc_score(positive, scores), abs=1e-12)
    expected = average_precision_score(positive, scores)
    assert average_precision(scores, positive) == pytest.approx(expected, abs=1e-12)


def test_without_both_kinds_there_is_no_area() -> None:
    scores = np.arange(4.0)
    assert np.isnan(roc_auc(scores, np.ones(4, bool)))
    assert np.isnan(average_precision(scores, np.zeros(4, bool)))


def test_three_distances_of_one_prediction_differ() -> None:
    found = point_scores(
        np.array([[0.52, 0.5]]), np.array([[[0.4, 0.5], [0.8, 0.5], [np.nan] * 2]])
    )
    assert found["dist_to_mean"][0] == pytest.approx(0.08)
    assert found["mean_dist"][0] == pytest.approx(0.2)
    assert found["min_dist"][0] == pytest.approx(0.12)
    assert [found[f"success_{r}"][0] for r in (0.05, 0.1, 0.2)] == [0, 1, 1]


def people_of(count: int, each: int = 2) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "sample_id": np.arange(count),
            "image": [f"{row // each}.jpg" for row in range(count)],
            "width": 90,
            "height": 70,
        }
    )


def test_scores_carry_their_definitions(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    points = rng.random((6, 3, 2))
    points[0, 2] = np.nan
    scores = score_maps(rng.random((6, 8, 8)), people_of(6), points)
    write_metrics(scores, {"study": "a"}, tmp_path / "a.json")
    content = json.loads((tmp_path / "a.json").read_text())
    assert set(content["definitions"]) == set(content["metrics"])
    elsewhere = {"auc_video", "in_frame_ap", "dist_to_mean_seen", "dist_to_mean_unseen"}
    assert set(content["metrics"]) == set(DEFINITIONS) - elsewhere
    assert content["people"] == 6
    for entry in content["metrics"].values():
        assert entry["low"] <= entry["value"] <= entry["high"]
    single = score_maps(rng.random((6, 64, 64)), people_of(6), points[:, :1])
    assert "auc_video" in single and (single["dist_to_mean"] == single["mean_dist"]).all()


@pytest.mark.slow
def test_baselines_come_from_the_same_annotations(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    points = np.clip(rng.random((40, 1, 2)) + rng.normal(0, 0.03, (40, 5, 2)), 0, 1)
    points[3, 4] = np.nan
    found = score_baselines(people_of(40), points)
    assert len(found["human"]) == 40 * 5 - 1 and found["human"]["sample_id"].nunique() == 40
    value = {name: summarise(table)["dist_to_mean"]["value"] for name, table in found.items()}
    assert value["human"] < value["centre"] < value["random"]
    assert found["human"]["auc"].mean() > 0.9 > found["centre"]["auc"].mean()
    single = score_baselines(people_of(40), points[:, :1])["human"]
    write_metrics(single, {}, tmp_path / "human.json")
    assert json.loads((tmp_path / "human.json").read_text())["metrics"] == {}


def test_a_map_with_nan_is_refused() -> None:
    maps = np.zeros((4, 8, 8))
    maps[2, 0, 0] = np.nan
    with pytest.raises(InputError, match="sample_id 2: holds values that are not finite"):
        score_maps(maps, people_of(4), np.full((4, 1, 2), 0.5))


def test_interval_resamples_whole_images() -> None:
    rng = np.random.default_rng(2)
    image_value = rng.normal(size=50)
    values, groups = np.repeat(image_value, 20), np.repeat(np.arange(50), 20)
    low, high = bootstrap_interval(values, groups, np.random.default_rng(0))
    alone = bootstrap_interval(values, np.arange(1000), np.random.default_rng(0))
    assert (high - low) > 3 * (alone[1] - alone[0])
    assert high - low == pytest.approx(2 * 1.96 * image_value.std() / 50**0.5, rel=0.15)
