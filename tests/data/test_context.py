"""Where pictures and labels are from: columns of the table of people, and the stages that know them."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_data import HEADER, entry, track_row, write

from gcdr.base.errors import InputError
from gcdr.base.seeds import numpy_rng
from gcdr.data.export import write_csv_rows
from gcdr.data.export_rows import collect_rows
from gcdr.data.folds import clusters
from gcdr.data.manifest import (
    BOX,
    CONTEXT,
    LABEL_SOURCE,
    build_manifest,
    people_digest,
    read_annotated,
    read_people,
    write_table,
)
from gcdr.data.pool import pool_people
from gcdr.data.split import LABELLED, UNLABELLED, VALIDATION, split_labels
from gcdr.datasets.assemble import Dataset
from gcdr.datasets.folder import read_folder
from gcdr.datasets.layout import recognise
from gcdr.datasets.read import read_dataset
from gcdr.evaluation.metrics import bootstrap_interval
from gcdr.evaluation.scores import score_maps, summarise

FULL = f"{HEADER},gaze_x,gaze_y,split,sequence,track,frame,group,label_source"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write(tmp_path, {f"{name}.jpg": "picture" for name in "abc"})
    return tmp_path


def read(root: Path, rows: list[str], header: str = FULL) -> Dataset:
    write(root, {"heads.csv": "\n".join([header, *rows])})
    return read_folder(root, root / "heads.csv")


def rows(count: int = 4) -> pd.DataFrame:
    """People as a reader hands them over, one in an image."""
    table = pd.DataFrame({"image": [f"{row}.jpg" for row in range(count)], "split": "train"})
    table[["width", "height"]] = 64, 48
    table[BOX] = 4.0, 5.0, 24.0, 25.0
    return table.assign(gaze_x=0.5, gaze_y=0.5, in_frame=True)


# The columns


def test_columns_of_ones_own_table(root: Path) -> None:
    given_rows = [
        "a.jpg,1,2,30,40,0.5,0.5,train,clip 1,p0,7,cam 1,corrected",
        "b.jpg,1,2,30,40,0.5,0.5,train,clip 1,p0,8,cam 1,",
        "c.jpg,1,2,30,40,,,test,,,,,",
    ]
    dataset = read(root, given_rows)
    assert not dataset.problems.errors
    people = dataset.manifest
    assert people["sequence"].tolist() == ["clip 1", "clip 1", None]
    assert people["track"].tolist() == ["p0", "p0", None]
    assert people["frame"].tolist() == [7, 8, pd.NA] and people["frame"].dtype == "Int64"
    assert people["group"].tolist() == ["cam 1", "cam 1", None]
    assert people[LABEL_SOURCE].tolist() == ["corrected", "given", None]
    write_table(people, root / "manifest.parquet")
    assert list(read_people(root / "manifest.parquet").columns[-4:]) == CONTEXT
    back = read_annotated(root / "manifest.parquet")
    assert back[LABEL_SOURCE].fillna("").tolist() == ["corrected", "given", ""]


def test_columns_that_say_nothing_are_not_there(root: Path) -> None:
    dataset = read(root, ["a.jpg,1,2,30,40,0.5,0.5,train,,,,,"])
    assert not {*CONTEXT} & set(dataset.manifest)
    plain = build_manifest(rows(), "made up")
    assert not {*CONTEXT, LABEL_SOURCE} & set(plain)
    told = build_manifest(rows().assign(sequence="s", frame=range(4)), "made up")
    pd.testing.assert_frame_equal(told[list(plain)], plain)
    assert people_digest(told) == people_digest(plain)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("b.jpg,1,2,30,40,0.5,0.5,train,clip,p,first,cam,", "line 3, frame: found 'first'"),
        ("b.jpg,1,2,30,40,0.5,0.5,train,clip,p,1.5,cam,", "line 3, frame: found 1.5; expected a who"),
        ("b.jpg,1,2,30,40,0.5,0.5,train,clip,p,-1,cam,", "line 3, frame: found -1"),
        ("a.jpg,9,2,30,40,0.5,0.5,train,other,p,7,cam,", "line 3, sequence: found 'other'; expected one"),
        ("a.jpg,9,2,30,40,0.5,0.5,train,clip,p,8,cam,", "line 3, frame: found 8; expected one frame"),
        ("b.jpg,1,2,30,40,0.5,0.5,train,clip,p,8,other,", "one group for each sequence"),
        ("b.jpg,1,2,30,40,0.5,0.5,train,clip,p,8,cam,guessed", "found 'guessed'; expected one of given"),
        ("b.jpg,1,2,30,40,,,train,clip,p,8,cam,given", "label_source: found 'given'; expected nothing"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_by_row(root: Path, row: str, said: str) -> None:
    dataset = read(root, ["a.jpg,1,2,30,40,0.5,0.5,train,clip,p,7,cam,", row])
    lines = [line for fault in dataset.problems.errors for line in fault.lines()]
    assert any(said in line for line in lines), lines


def test_manifest_refuses_them_too() -> None:
    for name, value, said in (
        ("frame", [0, 1, 2.5, 3], "row 3, frame: found 2.5"),
        (LABEL_SOURCE, ["given", None, "own", None], "row 3, label_source: found 'own'"),
    ):
        with pytest.raises(InputError, match=said):
            build_manifest(rows().assign(**{name: value}), "made up")


# Readers


def test_tracks_name_show_clip_person_and_frame(tmp_path: Path) -> None:
    clip = {f"images/Show/1_9/{n:05d}.jpg": "picture" for n in (1, 2)}
    track = "\n".join(track_row(f"{n:05d}.jpg") for n in (1, 2))
    write(tmp_path, clip | {"annotations/train/Show/1_9/s01.txt": track})
    people = read_dataset(recognise(tmp_path)).manifest
    assert people[CONTEXT].to_numpy().tolist() == [
        ["Show/1_9", "s01", 1, "Show"],
        ["Show/1_9", "s01", 2, "Show"],
    ]


def test_prepared_json_names_its_clips(tmp_path: Path) -> None:
    paths = [f"images/Show/1_9/{n:05d}.jpg" for n in (1, 2)]
    content = [{"path": "s", "frames": [entry(path) for path in paths]}, entry("a.jpg")]
    write(tmp_path, dict.fromkeys([*paths, "a.jpg"], "picture"))
    write(tmp_path, {"train_preprocessed.json": json.dumps(content)})
    dataset = read_dataset(recognise(tmp_path))
    assert not dataset.problems.errors
    people = dataset.manifest.set_index("image")
    assert people["sequence"].tolist() == [None, "Show/1_9", "Show/1_9"]
    assert people["group"].tolist() == [None, "Show", "Show"]
    assert people["frame"].tolist() == [pd.NA, 1, 2] and "track" not in people


# The split


@st.composite
def footage(draw: st.DrawFn) -> pd.DataFrame:
    """Training people of images, most of which lie in a sequence, and most of those in a group."""
    sizes = draw(st.lists(st.integers(1, 6), min_size=6, max_size=20))
    table = []
    for clip, images in enumerate(sizes):
        named = clip == 0 or draw(st.integers(0, 9)) > 0
        group = f"show {clip % 5}" if clip == 0 or draw(st.integers(0, 9)) > 0 else None
        for image in range(images):
            for _ in range(draw(st.integers(1, 3))):
                sequence = f"clip {clip:02d}" if named else None
                table.append((f"{clip:02d}/{image}.jpg", sequence, group if named else None))
    people = pd.DataFrame(table, columns=["image", "sequence", "group"])
    people = people.assign(sample_id=range(len(people)), split="train", label="ball")
    return people.assign(gaze_x=0.5, gaze_y=0.5, in_frame=pd.array([True] * len(people), "boolean"))


@settings(max_examples=40)
@given(
    footage(),
    st.integers(0, 9),
    st.sampled_from(["sequence", "group"]),
    st.sampled_from([0, 0.2, 0.5]),
)
@pytest.mark.slow
def test_no_sequence_is_torn_and_splits_are_nested(
    people: pd.DataFrame, seed: int, by: str, validation: float
) -> None:
    shown, held = [], []
    for share in (30, 60, 90):
        labels = split_labels(people, share, validation, seed, by)
        role = labels.set_index("sample_id")["role"].reindex(people["sample_id"]).to_numpy()
        for name in ("image", "sequence", *(["group"] if by == "group" else [])):
            assert (pd.Series(role).groupby(people[name]).nunique() == 1).all(), name
        shown.append(set(people["sample_id"][role != UNLABELLED]))
        held.append(set(people["sample_id"][role == VALIDATION]))
        assert labels.loc[labels["role"] == UNLABELLED, ["gaze_x", "label"]].isna().all(axis=None)
    assert shown[0] <= shown[1] <= shown[2] and held[0] <= held[1] <= held[2]


def test_split_by_what_nobody_has_is_one_clear_line() -> None:
    table = build_manifest(rows(), "made up")
    for by in ("sequence", "group"):
        with pytest.raises(InputError, match=rf"split\.by: found '{by}', but no training person"):
            split_labels(table, 50, 0, 0, by)
    assert split_labels(table, 50, 0, 0)["role"].eq(LABELLED).sum() == 2


def test_source_of_a_hidden_label_is_hidden() -> None:
    table = build_manifest(rows().assign(label_source="corrected"), "made up")
    labels = split_labels(table, 50, 0, 0)
    hidden = labels["role"] == UNLABELLED
    assert labels.loc[hidden, LABEL_SOURCE].isna().all() and hidden.sum() == 2
    assert labels.loc[~hidden, LABEL_SOURCE].eq("corrected").all()


# Pools


def test_sequences_of_a_pool_are_those_of_their_source(tmp_path: Path) -> None:
    made = rows().assign(sequence="s", group="g", frame=range(4), label_source="given")
    made.loc[3, "split"] = "test"
    paths = {name: tmp_path / f"{name}.parquet" for name in "ab"}
    write_table(build_manifest(made, "a"), paths["a"])
    plain = rows().assign(split=["train", "train", "train", "test"])
    write_table(build_manifest(plain, "b"), paths["b"])
    manifest, members = pool_people(paths, ["a"], ["a", "b"], "b")
    ours = members["source"].eq("a").to_numpy()
    assert (
        manifest.loc[ours, "sequence"].eq("a/s").all()
        and manifest.loc[ours, "group"].eq("a/g").all()
    )
    assert (
        manifest.loc[~ours, [*(set(CONTEXT) & set(manifest)), LABEL_SOURCE]].isna().all(axis=None)
    )
    manifest, _ = pool_people(paths, ["b"], ["a"], "b")
    assert LABEL_SOURCE not in manifest and manifest["sequence"].notna().sum() == 3


# The bootstrap


@pytest.mark.slow
def test_bootstrap_draws_sequences_where_there_are_some() -> None:
    people = pd.DataFrame({"sample_id": range(6), "image": list("abcdef"), "width": 8, "height": 8})
    maps = numpy_rng(0, "maps").random((6, 4, 4))
    points = numpy_rng(0, "points").random((6, 2, 2))
    alone = summarise(score_maps(maps, people, points))
    clips = people.assign(sequence=["s", "s", "s", "t", "t", None])
    scores = score_maps(maps, clips, points)
    assert len(set(clusters(clips))) == 3 and (clusters(people) == people["image"]).all()
    told = summarise(scores)["dist_to_mean"]
    values = scores["dist_to_mean"].to_numpy()
    groups = np.array([0, 0, 0, 1, 1, 2])
    names = np.array(["image f", "sequence s", "sequence t"])[[1, 1, 1, 2, 2, 0]]
    low, high = bootstrap_interval(values, names, numpy_rng(0, "bootstrap"))
    assert (told["low"], told["high"]) == (low, high) and len(set(groups)) == len(set(names))
    assert told["value"] == alone["dist_to_mean"]["value"]
    assert (
        told["high"] - told["low"] != alone["dist_to_mean"]["high"] - alone["dist_to_mean"]["low"]
    )


# Exports


def test_columns_come_back_from_an_export(root: Path) -> None:
    given_rows = [
        "a.jpg,1,2,30,40,0.5,0.5,train,clip 1,p0,7,cam 1,corrected",
        "b.jpg,1,2,30,40,0.5,0.5,train,clip 1,p0,8,cam 1,",
        "c.jpg,1,2,30,40,0.5,0.5,train,,,,,predicted",
    ]
    people = read(root, given_rows).manifest
    write_table(people, root / "manifest.parquet")
    write_table(split_labels(people, 100, 0, 0), root / "labels.parquet")
    table = collect_rows(root / "manifest.parquet", labels=root / "labels.parquet")
    write_csv_rows(table, root / "out.csv")
    back = read_folder(root, root / "out.csv").manifest
    pd.testing.assert_frame_equal(back.drop(columns="label"), people.drop(columns="label"))
    plain = build_manifest(people.drop(columns=[*CONTEXT, LABEL_SOURCE]), "plain")
    write_table(plain, root / "manifest.parquet")
    write_table(split_labels(plain, 100, 0, 0), root / "labels.parquet")
    table = collect_rows(root / "manifest.parquet", labels=root / "labels.parquet")
    assert not {*CONTEXT, LABEL_SOURCE} & set(table)
