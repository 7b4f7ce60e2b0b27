"""Whom to label next: scores, the greedy choice, and the command from a study's files to a table."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_study import make_study

from gcdr.base.errors import InputError
from gcdr.base.seeds import numpy_rng
from gcdr.cli.commands import main
from gcdr.data.heatmaps import gaussians
from gcdr.data.manifest import people_digest, read_annotated, read_people, write_table
from gcdr.data.shown import split_identity
from gcdr.data.split import UNLABELLED, split_labels
from gcdr.data.stores import write_labels
from gcdr.datasets.folder import read_folder
from gcdr.evaluation.suggestions import (
    DOUBTS,
    choose_people,
    mean_rank,
    nearest,
    scaled_features,
)

numbers = st.lists(st.integers(-9, 9), min_size=2, max_size=12, unique=True)
VARIANT = "gcdr-t250-n2-k4+ofa-world-body"


@pytest.mark.slow
@given(numbers)
def test_a_score_does_not_depend_on_units(values: list[int]) -> None:
    doubt = np.array(values, float)
    with_others = {"a": doubt, "b": doubt[::-1]}
    changed = {"a": np.exp(doubt), "b": 3 * doubt[::-1] - 1}
    np.testing.assert_allclose(mean_rank(with_others), mean_rank(changed))
    assert (np.argsort(mean_rank({"a": doubt})) == np.argsort(doubt)).all()
    assert mean_rank({"a": doubt}).mean() == pytest.approx(0.5)


def test_what_is_not_known_counts_as_the_middle_or_not_at_all() -> None:
    nothing = np.full(4, np.nan)
    known = np.array([1.0, 2.0, 3.0, np.nan])
    np.testing.assert_allclose(mean_rank({"a": known, "b": nothing}), mean_rank({"a": known}))
    assert mean_rank({"a": known})[3] == 0.5
    assert mean_rank({"b": nothing}).tolist() == [0.5] * 4


@given(st.integers(0, 99))
def test_two_people_at_random_are_one_apart(seed: int) -> None:
    rng = np.random.default_rng(seed)
    found = scaled_features([rng.normal(size=(40, 3)) * 200, rng.random((40, 2)), np.ones((40, 5))])
    squared = ((found[:, None] - found[None]) ** 2).sum(2)
    assert squared.mean() == pytest.approx(1, rel=1e-4)
    assert nearest(found, found[:3])[:3] == pytest.approx(0, abs=1e-3)
    assert np.isinf(nearest(found, found[:0])).all()


@dataclass(frozen=True)
class Pool:
    score: np.ndarray
    features: np.ndarray
    labelled: np.ndarray
    image: np.ndarray


def pool(seed: int, people: int = 24) -> Pool:
    rng = np.random.default_rng(seed)
    features = scaled_features([rng.normal(size=(people + 4, 5))])
    image = rng.integers(0, people // 2, people)
    return Pool(rng.random(people), features[:people], features[people:], image)


@settings(max_examples=30)
@given(st.integers(0, 999), st.integers(1, 3), st.integers(1, 8))
def test_nobody_twice_and_few_of_an_image(seed: int, per_image: int, count: int) -> None:
    made = pool(seed)
    given = (made.score, made.features, made.labelled, made.image)
    count = min(count, len(np.unique(made.image)))
    rows, novelty = choose_people(*given, count, per_image, 0)
    assert len(set(rows)) == count and ((novelty >= 0) & (novelty <= 1)).all()
    assert np.unique(made.image[rows], return_counts=True)[1].max() <= per_image
    again, _ = choose_people(*given, count, per_image, 0)
    assert (rows == again).all()
    longer, _ = choose_people(*given, count - 1, per_image, 0) if count > 1 else (rows[:0], None)
    assert (longer == rows[: count - 1]).all()  # a longer list begins with the shorter


@settings(max_examples=20)
@given(st.integers(0, 999))
def test_the_order_of_the_people_decides_nothing(seed: int) -> None:
    made = pool(seed)
    order = np.random.default_rng(seed).permutation(len(made.score))
    rows, _ = choose_people(made.score, made.features, made.labelled, made.image, 5, 2, 0)
    moved, _ = choose_people(
        made.score[order], made.features[order], made.labelled, made.image[order], 5, 2, 0
    )
    assert (order[moved] == rows).all()


def test_near_duplicates_are_not_both_taken() -> None:
    features = np.array([[0.0], [0.01], [1], [2]], np.float32)
    score = np.array([0.9, 0.89, 0.3, 0.2])
    none = np.zeros((0, 1), np.float32)
    rows, novelty = choose_people(score, features, none, np.arange(4), 3, 1, 0)
    assert rows.tolist() == [0, 2, 3] and novelty[0] == 1
    labelled = features[2:3]
    rows, _ = choose_people(score, features, labelled, np.arange(4), 2, 1, 0)
    assert 2 not in rows


@pytest.mark.parametrize(("count", "per_image"), [(0, 1), (-1, 1), (1, 0), (9, 1)])
def test_numbers_that_cannot_be(count: int, per_image: int) -> None:
    made = pool(0, 4)
    with pytest.raises(InputError, match="suggest: "):
        choose_people(made.score, made.features, made.labelled, made.image, count, per_image, 0)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a label split beside its data set, whose label and prediction stores are made up."""
    root = tmp_path_factory.mktemp("results")
    made = make_study(root / "data/tiny")
    made.samples.rename(made.samples.with_name("samples-56.h5"))
    split = root / "tiny/labels40-seed0"
    write_stores(made.manifest, split, split_labels(read_annotated(made.manifest), 40, 0.2, 0))
    return split


def write_stores(manifest: Path, split: Path, labels: pd.DataFrame) -> None:
    digest = people_digest(read_people(manifest))
    write_table(labels, split / "labels.parquet", digest, share=40, seed=0)
    ids = labels.loc[labels["role"] == UNLABELLED, "sample_id"].to_numpy()
    rng = numpy_rng(0, "made up")
    columns = {name: rng.random(len(ids)) for name in ("draw_spread", "prior_distance", "entropy")}
    for name in (f"pseudo/{VARIANT}.h5", f"predicted/{VARIANT}+vat.h5"):
        maps = gaussians(torch.from_numpy(rng.random((len(ids), 2))), 32, 3).clamp(0, 1).numpy()
        valid, about = np.ones(len(ids), bool), {"split": split_identity(split / "labels.parquet")}
        write_labels(split / name, ids, maps, valid, columns, people=digest, made_by=about)


def said(capsys: pytest.CaptureFixture[str], *words: str | Path) -> str:
    """The line of an error."""
    assert main(["suggest", *map(str, words)]) == 2
    return capsys.readouterr().err.splitlines()[-1]


def test_the_list_is_read_back_as_a_table_of_own_images(
    study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "next.csv"
    assert main(["suggest", "5", str(study), "--out", str(out)]) == 0
    assert "5 of " in capsys.readouterr().out
    table = pd.read_csv(out)
    assert table["rank"].tolist() == [1, 2, 3, 4, 5]
    assert {*DOUBTS, "score", "novelty", "gaze_x"} <= {*table} and table["gaze_x"].isna().all()
    labels = pd.read_parquet(study / "labels.parquet").set_index("sample_id")
    assert (labels.loc[table["person"], "role"] == UNLABELLED).all()
    table.loc[0, ["gaze_x", "gaze_y"]] = 0.25, 0.5
    table.to_csv(out, index=False)
    data = study.parents[1] / "data/tiny"
    read = read_folder(data / "images", out)
    assert not read.problems.errors
    own = split_labels(read.manifest, None, 0, 0)
    assert (own["role"] != UNLABELLED).sum() == 1
    people = read_people(data / "manifest.parquet").set_index("sample_id")
    assert set(read.manifest["image"]) == set(people.loc[table["person"], "image"])


def test_hidden_labels_change_nothing(study: Path, tmp_path: Path) -> None:
    """The manifest with absurd labels has the same people; what is suggested is the same."""
    data = study.parents[1] / "data/tiny"
    first, second = tmp_path / "a.csv", tmp_path / "b.csv"
    assert main(["suggest", "6", str(study), "--out", str(first)]) == 0
    changed = tmp_path / "data"
    changed.mkdir()
    (changed / "samples-56.h5").symlink_to(data / "samples-56.h5")
    absurd = pd.read_parquet(data / "manifest.parquet").assign(gaze_x=0.987, gaze_y=0.987)
    write_table(absurd, changed / "manifest.parquet")
    assert main(["suggest", "6", str(study), "--out", str(second), "--data", str(changed)]) == 0
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.slow
def test_bad_input_is_one_line(
    study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = ("--out", tmp_path / "next.csv")
    assert "expected 1 or more" in said(capsys, "0", study, *out)
    assert "expected 1 or more" in said(capsys, "0", "no-such-folder", *out)
    assert "at most" in said(capsys, "999", study, *out)
    assert "labels.parquet" in said(capsys, "3", tmp_path, *out)
    assert "suggestions" in said(capsys, "3", study, *out, "--student", "gcdr-t9-n2-k1+a+vat")
    other = make_study(tmp_path / "data/other", seed=4).folder
    (other / "samples.h5").rename(other / "samples-56.h5")
    assert "other people" in said(capsys, "3", study, *out, "--data", other)
    assert not out[1].exists()
    out[1].write_text("labels of an hour")
    assert "is there already" in said(capsys, "3", study, *out)
    assert out[1].read_text() == "labels of an hour"


def test_where_nobody_is_unlabelled(
    study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, split = study.parents[1] / "data/tiny", tmp_path / "tiny/labels100-seed0"
    write_stores(
        data / "manifest.parquet",
        split,
        split_labels(read_annotated(data / "manifest.parquet"), 100, 0.2, 0),
    )
    line = said(capsys, "3", split, "--data", data, "--out", tmp_path / "next.csv")
    assert "nobody is unlabelled" in line
