"""What the split hides, nothing downstream may read; the same seed gives the same bits."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_study import Study, make_study, run_study

from gcdr.base.errors import InputError
from gcdr.data.chosen import ChosenLabels, for_adapting, people_to_label
from gcdr.data.manifest import BOX, LABELS, people_digest, read_annotation_table, write_table
from gcdr.data.split import LABELLED, UNLABELLED, VALIDATION, split_labels, targets
from gcdr.evaluation.hidden import write_hidden_points
from gcdr.evaluation.stages import test_people as read_tested


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return make_study(tmp_path_factory.mktemp("study"))


@pytest.mark.slow
def test_poison_in_hidden_labels_changes_no_bit(study: Study, tmp_path: Path) -> None:
    clean = run_study(study, study.manifest, tmp_path / "clean")
    manifest = pd.read_parquet(study.manifest)
    labels = pd.read_parquet(tmp_path / "clean/labels.parquet")
    hidden = manifest["sample_id"].isin(labels.loc[labels["role"] == UNLABELLED, "sample_id"])
    assert 0 < hidden.sum() < len(labels)
    odd = np.arange(len(manifest)) % 2 == 0
    manifest.loc[hidden & odd, ["gaze_x", "gaze_y"]] = np.nan
    manifest.loc[hidden & ~odd, ["gaze_x", "gaze_y"]] = 1e9
    manifest.loc[hidden, "in_frame"] = ~manifest.loc[hidden, "in_frame"].astype(bool)
    manifest.loc[hidden, "label"] = "poison"
    manifest.loc[manifest["split"] == "test", ["gaze_x", "gaze_y"]] = np.nan
    poisoned = tmp_path / "poisoned.parquet"
    write_table(manifest, poisoned)
    assert run_study(study, poisoned, tmp_path / "again") == clean


@pytest.mark.slow
def test_changed_visible_label_does_change_the_models(study: Study, tmp_path: Path) -> None:
    clean = run_study(study, study.manifest, tmp_path / "clean")
    manifest = pd.read_parquet(study.manifest)
    labels = pd.read_parquet(tmp_path / "clean/labels.parquet")
    ids, _ = targets(labels, LABELLED)
    manifest.loc[manifest["sample_id"].isin(ids), "gaze_x"] *= 0.5
    moved = tmp_path / "moved.parquet"
    write_table(manifest, moved)
    other = run_study(study, moved, tmp_path / "again")
    assert all(other[name] != clean[name] for name in clean if name.endswith("safetensors"))


def people(images: int, each: int) -> pd.DataFrame:
    count = images * each
    return pd.DataFrame(
        {
            "sample_id": np.arange(count),
            "image": [f"{row // each:04d}.jpg" for row in range(count)],
            "split": "train",
            "gaze_x": 0.5,
            "gaze_y": 0.5,
            "in_frame": pd.array([True] * count, "boolean"),
            "label": "ball",
        }
    )


@settings(max_examples=40)
@given(
    st.integers(20, 120), st.integers(1, 3), st.integers(0, 9), st.sampled_from([0, 0.1, 0.2, 0.5])
)
@pytest.mark.slow
def test_splits_are_nested_by_image_and_hide_everything(
    images: int, each: int, seed: int, validation: float
) -> None:
    table = people(images, each)
    splits = [split_labels(table, share, validation, seed) for share in (10, 20, 50)]
    shown = [set(labels.loc[labels["role"] != UNLABELLED, "sample_id"]) for labels in splits]
    held = [set(labels.loc[labels["role"] == VALIDATION, "sample_id"]) for labels in splits]
    assert shown[0] <= shown[1] <= shown[2] and held[0] <= held[1] <= held[2]
    for labels, share in zip(splits, (10, 20, 50), strict=True):
        assert labels.loc[labels["role"] == UNLABELLED, LABELS].isna().all(axis=None)
        roles = labels.assign(image=table["image"]).groupby("image")["role"].nunique()
        assert (roles == 1).all()
        assert (labels["role"] != UNLABELLED).sum() == each * round(images * share / 100)


@settings(max_examples=40)
@given(st.integers(20, 120), st.integers(0, 9), st.sampled_from(["image", "person"]))
@pytest.mark.slow
def test_unlabelled_shares_are_nested_and_the_same_whatever_the_label_share(
    images: int, seed: int, by: str
) -> None:
    table = people(images, 2)

    def pool(share: float, unlabelled: float | None) -> set[int]:
        labels = split_labels(table, share, 0, seed, by, unlabelled=unlabelled)
        return set(labels.loc[labels["role"] == UNLABELLED, "sample_id"])

    few, more, rest = (pool(10, unlabelled) for unlabelled in (10, 50, None))
    assert few < more < rest and few == pool(50, 10) and more <= pool(20, None)
    units, each = (images, 2) if by == "image" else (2 * images, 1)
    assert len(few) == each * round(units * 0.1)
    assert pool(100, None) == set()


@pytest.mark.slow
@settings(max_examples=20)
@given(st.integers(50, 200), st.integers(0, 9), st.sampled_from(["image", "person"]))
def test_unlabelled_share_beside_a_list_of_labelled_people(images: int, seed: int, by: str) -> None:
    boxes = {name: np.arange(2.0 * images) for name in BOX}
    table = people(images, 2).assign(**boxes)
    image = np.random.default_rng(seed).permutation(images)[: round(images / 10)]
    listed = table[table["image"].isin([f"{name:04d}.jpg" for name in image])]

    def roles(unlabelled: float) -> pd.DataFrame:
        return split_labels(table, 10, 0, seed, by, listed, unlabelled)

    def pool(labels: pd.DataFrame) -> set[int]:
        return set(labels.loc[labels["role"] == UNLABELLED, "sample_id"])

    splits = [roles(10), roles(50)]
    units, each = (images, 2) if by == "image" else (2 * images, 1)
    assert [len(pool(s)) for s in splits] == [each * round(units * s) for s in (0.1, 0.5)]
    assert pool(splits[0]) < pool(splits[1])
    assert all((labels["role"] == LABELLED).sum() == len(listed) for labels in splits)


def test_share_that_leaves_nobody() -> None:
    with pytest.raises(InputError, match=r"1 % of 20 training images leaves no labelled person"):
        split_labels(people(20, 1), 1, 0, 0)


def test_adapting_hides_from_the_models_what_the_evaluation_measures(
    study: Study, tmp_path: Path
) -> None:
    """Everybody takes part; poison in hidden labels changes no model, and what is measured by."""
    manifest = pd.read_parquet(study.manifest)
    manifest["sequence"] = "clip " + (manifest["sample_id"] % 4).astype(str)
    everybody = for_adapting(manifest)
    chosen = people_to_label(everybody, ChosenLabels(clips=("clip 1", "clip 2")), 0)
    labels = split_labels(everybody, None, 0, 0, released=chosen)
    hidden = labels.loc[labels["role"] == UNLABELLED, "sample_id"]
    assert set(manifest.loc[manifest["split"] == "test", "sample_id"]) & set(hidden)
    digest = people_digest(manifest)
    write_table(manifest, tmp_path / "manifest.parquet")
    write_table(labels, tmp_path / "labels.parquet", digest)
    files = (study.annotations, tmp_path / "labels.parquet")
    write_hidden_points(tmp_path / "manifest.parquet", *files, tmp_path / "hidden.parquet")
    tested = read_tested(tmp_path / "manifest.parquet", tmp_path / "hidden.parquet", study.samples)
    assert set(tested.ids) <= set(hidden) and not set(tested.ids) & set(chosen["sample_id"])
    assert {"train", "test"} == set(tested.people["split"])
    own = read_annotation_table(study.annotations)
    kept = own[own["sample_id"].isin(hidden)]["sample_id"].value_counts()
    points = np.isfinite(tested.points).all(2).sum(1)
    assert all(points[tested.ids == person] == count for person, count in kept.items())

    is_hidden = manifest["sample_id"].isin(hidden)
    poisoned = manifest.copy()
    poisoned.loc[is_hidden, ["gaze_x", "gaze_y"]] = 0.123
    poisoned.loc[is_hidden, "label"] = "poison"
    again = split_labels(for_adapting(poisoned), None, 0, 0, released=chosen)
    pd.testing.assert_frame_equal(again, labels)
    write_table(poisoned, tmp_path / "poisoned.parquet")
    write_hidden_points(tmp_path / "poisoned.parquet", *files, tmp_path / "other.parquet")
    other = read_tested(tmp_path / "poisoned.parquet", tmp_path / "other.parquet", study.samples)
    trained = (other.people["split"] == "train").to_numpy()
    assert trained.any() and (other.points[trained, 0] == 0.123).all()
