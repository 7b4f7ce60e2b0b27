"""Public data sets of films and of a shop: tracks, gaze classes, pickles, and how much of each is there."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from small_data import SIZE, track_row, write

from gcdr.base.errors import InputError
from gcdr.data.manifest import BOX, CONTEXT, IGNORED, order_people, write_table
from gcdr.data.pool import pool_people
from gcdr.data.split import LABELLED, UNLABELLED, VALIDATION, split_labels
from gcdr.datasets.assemble import Dataset
from gcdr.datasets.check import summary
from gcdr.datasets.layout import annotation_files, recognise
from gcdr.datasets.published import published_sizes
from gcdr.datasets.read import read_dataset
from gcdr.datasets.videoattentiontarget import smooth

CLIP = "a-B_c_101-103"
COLUMNS = (
    "clip,frame,person_id,bbox_x,bbox_y,bbox_width,bbox_height,gaze_class,gaze_x,gaze_y,is_child"
)
BODY = ",1,2,30,40"


def read(source: Any) -> Dataset:
    """A data set without errors."""
    dataset = read_dataset(source if isinstance(source, dict) else recognise(source))
    dataset.problems.stop("data")
    return dataset


def statements_of(root: Path) -> str:
    """All errors and warnings of a data set."""
    found = read_dataset(recognise(root)).problems.found
    return "\n".join(f"{one.kind}: {line}" for one in found for line in one.lines())


def film(root: Path, shows: dict[str, str], frames: int = 3) -> dict[str, Any]:
    """VideoAttentionTarget with a clip and a track of each show, by its split."""
    for show, split in shows.items():
        rows = [track_row(f"{number:04d}.jpg") for number in range(1, frames + 1)]
        write(root, {f"annotations/{split}/{show}/1_9/s00.txt": "\n".join(rows)})
        write(
            root,
            {f"images/{show}/1_9/{number:04d}.jpg": "picture" for number in range(1, frames + 1)},
        )
    return {"kind": "videoattentiontarget", "root": str(root)}


# VideoAttentionTarget: shows


def test_a_data_set_is_limited_to_some_shows(tmp_path: Path) -> None:
    source = film(tmp_path, {"West World": "test", "It's Us": "test", "Cheers": "train"})
    people = read({**source, "shows": ["West World ", "Cheers"]}).manifest
    assert people["group"].unique().tolist() == ["Cheers", "West World"]
    assert set(CONTEXT) <= set(people) and people["frame"].tolist() == [1, 2, 3] * 2
    with pytest.raises(
        InputError, match=r"shows: no show 'west world'; there are 'Cheers', \"It's Us\", 'W"
    ):
        read({**source, "shows": ["west world"]})


def test_validation_people_are_those_of_the_shows_for_it(tmp_path: Path) -> None:
    shows = {f"Show {number}": "train" for number in range(4)} | {"Titanic": "test"}
    source = film(tmp_path, shows)
    people = read({**source, "validation_shows": ["Show 1", "Show 3 "]}).manifest
    labels = split_labels(people, 50, None, 0, "group")
    group = people.set_index("sample_id").loc[labels["sample_id"], "group"].to_numpy()
    aside = labels["role"] == VALIDATION
    assert set(group[aside]) == {"Show 1", "Show 3"} and aside.sum() == 6
    assert labels.loc[aside, "gaze_x"].notna().all()
    assert sorted(labels["role"][~aside]) == [LABELLED] * 3 + [UNLABELLED] * 3
    assert set(group[~aside]) == {"Show 0", "Show 2"}
    # beside the draw: who is labelled does not depend on them
    others = split_labels(people, 50, 0, 0, "group")
    assert labels[~aside].reset_index(drop=True).equals(others)
    for wrong in (["Titanic"], ["Show 9"]):
        with pytest.raises(
            InputError, match=r"validation_shows: no show .* among those for training; there"
        ):
            read({**source, "validation_shows": wrong})
    with pytest.raises(InputError, match=r"split\.validation: null, but nobody of the split val"):
        split_labels(read(source).manifest, 50, None, 0)


def test_a_pool_takes_validation_people_of_labelled_sources_along(tmp_path: Path) -> None:
    paths = {}
    for name in ("one", "two"):
        source = film(tmp_path / name, {"A": "train", "B": "train", "C": "test"})
        people = read({**source, "validation_shows": ["B"]}).manifest
        paths[name] = tmp_path / f"{name}.parquet"
        write_table(people, paths[name])
    pooled, _ = pool_people(paths, ["one"], ["two"], "two")
    splits = pooled.groupby("group")["split"].unique().map(list).to_dict()
    assert splits == {
        "one/A": ["labelled"],
        "one/B": ["val"],
        "two/A": ["unlabelled"],
        "two/C": ["test"],
    }
    labels = split_labels(pooled, 100, None, 0)
    assert (labels["role"] == VALIDATION).sum() == 3 and labels["gaze_x"].notna().sum() == 6


# VideoAttentionTarget: tracks


def test_tracks_with_bodies_take_the_place_of_those_without(tmp_path: Path) -> None:
    source = film(tmp_path, {"A": "train", "B": "test"}, frames=2)
    rows = f"{track_row('0001.jpg')}{BODY},1\n{track_row('0002.jpg')},-1,-1,-1,-1,0\n"
    write(tmp_path, {"annotations_body/test/B/1_9/s00.txt": rows})
    eleven = f"{track_row('0001.jpg', box='5,5,25,25')}{BODY}\n"
    write(tmp_path, {"annotations_body/train/A/1_9/s01.txt": eleven})
    dataset = read(source)
    assert len(dataset.manifest) == 5, "A's first track has no bodies, and is there all the same"
    bodies = dataset.bodies.merge(dataset.manifest, on="sample_id")
    assert bodies[["group", "frame", "detected"]].to_numpy().tolist() == [
        ["A", 1, True], ["B", 1, True], ["B", 2, False],
    ]  # fmt: skip


def test_heads_are_averaged_up_to_where_a_person_was_away() -> None:
    boxes = np.random.default_rng(0).random((40, 4))
    frame = np.arange(100, 140)
    frame[25:] += 3  # some frames are missing, as in the reference
    assert np.array_equal(smooth(boxes, frame), smooth(boxes))
    frame[25:] += 300
    apart = np.concatenate([smooth(boxes[:25]), smooth(boxes[25:])])
    assert np.array_equal(smooth(boxes, frame), apart) and not np.allclose(apart, smooth(boxes))
    assert np.array_equal(smooth(boxes, 7 * np.arange(40)), smooth(boxes)), "every seventh frame"
    assert np.allclose(smooth(boxes[:1], frame[:1]), boxes[:1])


def test_frames_of_a_track_are_taken_once_and_in_order(tmp_path: Path) -> None:
    source = film(tmp_path, {"A": "train"}, frames=4)
    rows = [track_row(f"{n:04d}.jpg", box=f"{n},5,{20 + n},25") for n in (2, 1, 4, 2)]
    rows[3] = track_row("0002.jpg", box="9,5,40,25")
    write(tmp_path, {"annotations/train/A/1_9/s00.txt": "\n".join(rows)})
    dataset = read(source)
    assert dataset.manifest["frame"].tolist() == [1, 2, 4]
    (told,) = dataset.problems.warnings
    assert told.kind == "frame twice in a track, first one taken" and "line 4" in told.lines()[0]
    boxes = np.array([[n, 5, 20 + n, 25.0] for n in (1, 2, 4)])
    assert np.allclose(dataset.manifest[BOX], smooth(boxes))
    assert "1 in 1 sequences, 3 to 3 frames long, 1 with a gap" in summary(dataset, 0)


@pytest.mark.parametrize("box", ["0,0,0,0", "24,25,4,5", "90,5,99,25", "400,5,420,25"])
def test_a_box_that_cannot_be_used_moves_no_other(tmp_path: Path, box: str) -> None:
    source = film(tmp_path, {"A": "train"}, frames=24)
    rows = [track_row(f"{n:04d}.jpg", box=f"{n},5,{20 + n},25") for n in range(1, 25)]
    rows[11] = track_row("0012.jpg", box=box)
    write(tmp_path, {"annotations/train/A/1_9/s00.txt": "\n".join(rows)})
    dataset = read(source)
    (told,) = dataset.problems.warnings
    numbers = box.replace(",", ", ")
    assert told.count == 1 and told.kind.endswith("training person left out")
    assert "s00.txt, line 12, head box" in told.lines()[0] and numbers in told.lines()[0]
    kept = np.array([n for n in range(1, 25) if n != 12])
    assert dataset.manifest["frame"].tolist() == kept.tolist()
    boxes = np.stack([kept, 0 * kept + 5, kept + 20, 0 * kept + 25], 1).astype(float)
    assert np.allclose(dataset.manifest[BOX], smooth(boxes, kept))


def test_numbers_that_no_file_holds_are_called_means(tmp_path: Path) -> None:
    source = film(tmp_path, {"A": "train"}, frames=12)
    rows = "\n".join(track_row(f"{n:04d}.jpg", box=f"{n},5,{20 + n},25") for n in range(1, 13))
    write(tmp_path, {f"annotations/train/A/1_9/s0{who}.txt": rows for who in (0, 1)})
    (told,) = read(source).problems.warnings
    assert told.kind == "two people with the same head box, both kept" and told.count == 12
    assert "s01.txt, line 1, mean head box: found (2.363636364, 5, " in told.lines()[0]


def test_exchanged_corners_of_test_people_are_put_in_order_before_the_mean(tmp_path: Path) -> None:
    source = film(tmp_path, {"A": "test"}, frames=12)
    rows = [track_row(f"{n:04d}.jpg") for n in range(1, 13)]
    rows[4] = track_row("0005.jpg", box="24,25,4,5")
    write(tmp_path, {"annotations/test/A/1_9/s00.txt": "\n".join(rows)})
    dataset = read(source)
    assert np.allclose(dataset.manifest[BOX], [4, 5, 24, 25]) and len(dataset.manifest) == 12
    (told,) = dataset.problems.warnings
    assert "s00.txt, line 5, head box: found (24, 25, 4, 5)" in told.lines()[0]


def test_a_mean_that_leaves_a_smaller_picture_is_left_out(tmp_path: Path) -> None:
    source = film(tmp_path, {"A": "train"}, frames=12)
    rows = [track_row(f"{n:04d}.jpg", box="40,5,60,25") for n in range(1, 13)]
    rows[4] = track_row("0005.jpg", box="1,1,9,9", gaze="5,5")
    write(tmp_path, {"annotations/train/A/1_9/s00.txt": "\n".join(rows)})
    Image.new("RGB", (12, 12)).save(tmp_path / "images/A/1_9/0005.jpg")
    dataset = read(source)
    assert 5 not in dataset.manifest["frame"].tolist() and len(dataset.manifest) == 11
    (told,) = dataset.problems.warnings
    assert told.kind == "mean head box outside the image, training person left out"
    assert "line 5" in told.lines()[0]


def test_people_who_come_back_lone_frames_and_frames_of_other_sizes(tmp_path: Path) -> None:
    source = film(tmp_path, {"A": "train"}, frames=60)
    kept = [track_row(f"{n:04d}.jpg") for n in (1, 2, 3, 50, 51)]
    write(tmp_path, {"annotations/train/A/1_9/s00.txt": "\n".join(kept)})
    write(tmp_path, {"annotations/train/A/1_9/s01.txt": track_row("0002.jpg", box="1,1,9,9")})
    Image.new("RGB", (2 * SIZE[0], SIZE[1])).save(tmp_path / "images/A/1_9/0050.jpg")
    dataset = read(source)
    assert "2 in 1 sequences, 1 to 5 frames long, 1 with a gap" in summary(dataset, 0)
    gaze = dataset.manifest.set_index("frame").loc[[3, 50], "gaze_x"]
    assert gaze.tolist() == [0.5, 0.25]


def test_files_with_and_without_bodies_may_be_mixed(tmp_path: Path) -> None:
    source = film(tmp_path, {"A": "train"}, frames=3)
    write(tmp_path, {"annotations/train/A/1_9/s00.txt": track_row("0001.jpg") + BODY})
    rows = [track_row(f"{n:04d}.jpg", box="1,1,9,9") for n in (1, 2, 3)]
    write(tmp_path, {"annotations/train/A/1_9/s01.txt": "\n".join(rows)})
    dataset = read(source)
    assert len(dataset.manifest) == 4 and len(dataset.bodies) == 1
    assert "given for 25.0% of the people" in summary(dataset, 0)


@pytest.mark.parametrize(
    ("box", "kind"),
    [
        ("20,20,1,1", "without area"),
        ("0,0,0,0", "without area"),
        ("500,5,600,40", "outside the image"),
        ("-9,-9,-1,30", "with a negative number"),
        ("-1,-1,-1,-1", ""),
    ],
)
def test_a_body_box_that_cannot_be_is_none(tmp_path: Path, box: str, kind: str) -> None:
    source = film(tmp_path, {"A": "train", "B": "test"}, frames=2)
    for split, show in (("train", "A"), ("test", "B")):
        rows = [track_row("0001.jpg") + BODY, track_row("0002.jpg") + f",{box}"]
        write(tmp_path, {f"annotations_body/{split}/{show}/1_9/s00.txt": "\n".join(rows)})
    dataset = read(source)
    assert len(dataset.manifest) == 4 and dataset.bodies["detected"].tolist() == [True, False] * 2
    assert dataset.bodies.loc[[1, 3], ["body_x0", "score"]].isna().all(axis=None)
    assert [one.count for one in dataset.problems.warnings] == [2] * bool(kind)
    for told in dataset.problems.warnings:
        assert told.kind == f"body box {kind}, taken as not found"
        assert "B/1_9/s00.txt, line 2, body box" in told.lines()[0]
        assert f"found ({box.replace(',', ', ')}" in told.lines()[0]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (
            ["0001.jpg,4,5,24,25,32,24,1,2,3"],
            "line 1, number of columns: found 10; expected 7 .* or 11 or 12 in all",
        ),
        (["0001.jpg,4,5,24,25"], "line 1, number of columns: found 5; expected 7"),
        (
            [track_row("0001.jpg"), track_row("0002.jpg") + BODY],
            "line 2, number of columns: found 11",
        ),
        (
            [track_row("0001.jpg"), track_row("0007.jpg")],
            "line 2, image: found 'images/A/1_9/0007.jpg'",
        ),
        (
            [track_row("0001.jpg", gaze="-1,24")],
            "taken as 0: .*line 1, gazex, gazey: found .-1, 24.",
        ),
        (
            [track_row("0001.jpg", gaze="-400,-30")],
            "negative coordinate of a gaze point, taken as 0: .*line 1, gazex, gazey: found .-400, -30.",
        ),
    ],
)
def test_what_is_odd_in_a_track_is_named(tmp_path: Path, rows: list[str], said: str) -> None:
    film(tmp_path, {"A": "train", "B": "test"}, frames=2)
    write(tmp_path, {"annotations/train/A/1_9/s00.txt": "\n".join(rows)})
    found = statements_of(tmp_path)
    assert "annotations/train/A/1_9/s00.txt" in found
    assert pd.Series([found]).str.contains(said, regex=True).all(), found


def test_a_track_twice_in_a_frame_is_an_error(tmp_path: Path) -> None:
    write(tmp_path, {f"{name}.jpg": "picture" for name in "ab"})
    header = "image,head_x0,head_y0,head_x1,head_y1,sequence,track,frame"
    rows = ["a.jpg,4,5,24,25,c,p,1", "b.jpg,4,5,24,25,c,p,2", "a.jpg,14,5,34,25,c,p,1"]
    write(tmp_path, {"heads.csv": "\n".join([header, *rows])})
    assert (
        "line 4, track: found 'p'; expected each track of a sequence once a frame"
        in statements_of(tmp_path)
    )


# ChildPlay


def childplay(root: Path, rows: list[str], split: str = "train", clip: str = CLIP) -> Path:
    named = [row.replace(CLIP, clip) for row in rows]
    write(root, {f"annotations/{split}/{clip}.csv": "\n".join([COLUMNS, *named])})
    video = clip.rsplit("_", 1)[0]
    write(root, {f"images/{clip}/{video}_{number}.jpg": "picture" for number in range(101, 104)})
    return root


def child(
    frame: int = 1, person: str = "p1", seen: str = "inside_visible", gaze: str = "32,24"
) -> str:
    return f"{CLIP},{frame},{person},4,5,20,20,{seen},{gaze},1"


def test_a_clip_of_another_name_than_its_file_is_named(tmp_path: Path) -> None:
    rows = [child(), child(2).replace(CLIP, "a-B_c_201-203"), child(3)]
    (told,) = read(childplay(tmp_path, rows)).problems.warnings
    assert told.kind == "a clip of another name than its file's, taken as the file's"
    assert "line 3, clip: found 'a-B_c_201-203'; expected a-B_c_101-103" in told.lines()[0]
    rows = [child().replace(CLIP, "d_101-103")]
    assert not read(childplay(tmp_path / "b", rows, clip="d_101-103-downsampled")).problems.found


def test_childplay_by_gaze_class(tmp_path: Path) -> None:
    rows = [
        child(),
        child(2, seen="outside_frame", gaze="-1,-1"),
        child(3, seen="eyes_closed", gaze="-1,-1"),
        child(1, "p2", "gaze_shift", "-1,-1"),
        child(2, "p2", gaze="-1,-1"),
    ]
    childplay(tmp_path, rows)
    childplay(tmp_path, [child()], "val", "d_101-103-downsampled")
    childplay(tmp_path, [child(3)], "test", "e_101-103")
    dataset = read(tmp_path)
    assert dataset.kind == "childplay"
    people = dataset.manifest.set_index(["sequence", "track", "frame"]).sort_index()
    first = people.loc[(CLIP, "p1", 1)]
    assert first["image"] == f"images/{CLIP}/a-B_c_101.jpg" and first["group"] == "a-B_c"
    assert first[[*BOX, "gaze_x", "gaze_y"]].tolist() == [4, 5, 24, 25, 0.5, 0.5]
    assert people.loc[CLIP, "split"].tolist() == ["train", "train", IGNORED, IGNORED, IGNORED]
    assert people.loc[CLIP, "in_frame"].tolist() == [True, False, pd.NA, pd.NA, pd.NA]
    assert people.loc[CLIP, "gaze_x"].notna().tolist() == [True, False, False, False, False]
    assert people.loc[("d_101-103-downsampled", "p1", 1), "image"].endswith("/d_101.jpg")
    assert people.loc[("e_101-103", "p1", 3), "split"] == "test"
    said = summary(dataset, 0)
    assert "1 × gaze class eyes_closed, which evaluations drop, ignored" in said
    assert "1 × visible target without a point, ignored" in said
    assert "7 of 257,928 people, 5 of 120,549 images, 3 of 401 clips, 3 of 95 videos" in said


@pytest.mark.parametrize(
    ("row", "clip", "said"),
    [
        (
            child(seen="asleep"),
            CLIP,
            "line 2, gaze_class: found 'asleep'; expected one of inside_visible",
        ),
        (child(9), CLIP, f"line 2, image: found 'images/{CLIP}/a-B_c_109.jpg'"),
        (child().replace("20,20", "20,0"), CLIP, "line 2, head box"),
        (
            f"{child()}\n{child(person='p1')}",
            CLIP,
            "line 3, track: found 'p1'; expected each track",
        ),
        (
            child().replace(",1,p1", ",one,p1"),
            CLIP,
            "line 2, frame: found 'one'; expected a whole number",
        ),
        (child(), "nothing", "found the name 'nothing.csv'; expected VIDEO_START-END.csv"),
    ],
)
def test_bad_rows_of_childplay_are_named(tmp_path: Path, row: str, clip: str, said: str) -> None:
    found = statements_of(childplay(tmp_path, [row], clip=clip))
    assert said in found and f"annotations/train/{clip}.csv" in found, found


# GOO-Real


def goods(name: str = "8\\cam1\\cam00001_img00524.jpg", **changed: Any) -> dict[str, Any]:
    """An image as the authors' pickles have it: coordinates of 640 x 480."""
    boxes = np.array([[378.0, 316, 392, 340], [160, 120, 320, 240]])
    ann = {"bboxes": boxes, "labels": np.array([17, 25])}
    point = {"gaze_cx": 384, "gaze_cy": 336, "hx": 200, "hy": 156}
    return {
        "filename": name,
        "width": 1920,
        "ann": ann,
        "gaze_item": 17,
        "gazeIdx": 0,
        **point,
    } | changed


def gooreal(root: Path, **splits: Any) -> Path:
    write(
        root,
        {f"finalrealdatasetImgsV2/8/cam1/cam00001_img00{n}.jpg": "picture" for n in (524, 525)},
    )
    for name, entries in splits.items():
        write(root, {f"{name}.pickle": pickle.dumps(entries)})
    return root


def test_gooreal_as_its_authors_wrote_it(tmp_path: Path) -> None:
    other = goods("8\\cam1\\cam00001_img00525.jpg", gaze_item=np.int64(25), hx=1)
    gooreal(
        tmp_path,
        oneshotrealhumans=[goods()],
        testrealhumans=[other],
        oneshotrealhumansNew=[goods()],
    )
    dataset = read(tmp_path)
    assert dataset.kind == "gooreal"
    names = [path.name for path in annotation_files({"kind": "gooreal", "root": tmp_path})]
    assert names == ["oneshotrealhumansNew.pickle", "testrealhumans.pickle"]
    people = dataset.manifest
    assert people["image"][0] == "finalrealdatasetImgsV2/8/cam1/cam00001_img00524.jpg"
    assert people.loc[0, [*BOX, "gaze_x", "gaze_y"]].tolist() == [16, 12, 32, 24, 0.6, 0.7]
    assert people["split"].tolist() == ["train", "test"] and people["in_frame"].all()
    assert people["label"].tolist() == ["Kimchi Noodles", None]
    assert people[["sequence", "frame", "group"]].to_numpy().tolist() == [
        ["8/cam1", 524, "8"],
        ["8/cam1", 525, "8"],
    ]
    (told,) = dataset.problems.warnings
    assert "testrealhumans.pickle, entry 1, hx, hy" in told.lines()[0]
    assert "1 of 2,451 train people, 1 of 2,156 test people" in summary(dataset, 0)


class Hostile:
    """What runs a command when a pickle of it is loaded in the usual way."""

    def __reduce__(self) -> tuple:
        return print, ("this must not run",)


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ([goods(), Hostile()], "found builtins.print in the pickle"),
        ({"a": 1}, "found a dict at the top; expected a pickled list of dictionaries"),
        ([], "found an empty list"),
        (
            [goods(), {"filename": "a.jpg"}],
            "entry 2, entry: found ['filename']; expected a dictionary with",
        ),
        ([goods(), goods(ann={"bboxes": []})], "entry 2, entry"),
        ([goods(), goods(gaze_cx=float("nan"))], "entry 2, entry"),
        ([goods(), goods(gaze_cx=900)], "entry 2, gaze_x, gaze_y: found (900, 336)"),
        (
            [goods(), goods("..\\..\\x.jpg")],
            "entry 2, image: found 'finalrealdatasetImgsV2/../../x.jpg'",
        ),
        ([goods(), goods("8\\cam1\\no.jpg")], "entry 2, image: found"),
    ],
)
def test_bad_pickles_are_named(
    tmp_path: Path, entries: Any, said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    found = statements_of(gooreal(tmp_path, train=entries))
    assert "train.pickle" in found and said in found, found
    assert "must not run" not in capfd.readouterr().out


# Published sizes


def test_a_part_is_told_as_a_part() -> None:
    people = pd.DataFrame({"image": [f"{n}.jpg" for n in range(4782)], "width": 64, "height": 48})
    people[BOX] = 1.0, 2.0, 30.0, 40.0
    people, _ = order_people(people.assign(split="test"))
    assert list(published_sizes("gazefollow", people)) == [
        "4,782 of 130,339 people", "4,782 of 122,143 images", "all 4,782 test people",
    ]  # fmt: skip
    shows = people.assign(group=people["image"].str[:2], sequence=None, track=None)
    assert list(published_sizes("videoattentiontarget", shows))[1:3] == [
        "0 of 1,331 tracks", f"{shows['group'].nunique()} shows, published are 50",
    ]  # fmt: skip
    assert not list(published_sizes("folder", people))
