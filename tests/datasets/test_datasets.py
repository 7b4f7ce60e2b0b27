"""Readers of data sets: what comes out of files that are right, or nearly."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from small_data import HEADER, LABELLED, entry, gazefollow_row, track_row, write

from gcdr.base.errors import InputError
from gcdr.base.problems import Problems
from gcdr.data.manifest import BODY, BOX, order_people
from gcdr.data.split import LABELLED as SHOWN
from gcdr.data.split import VALIDATION, split_labels
from gcdr.data.views import plain_view, view_masks
from gcdr.datasets.assemble import Dataset
from gcdr.datasets.folder import people_mark, read_folder
from gcdr.datasets.gazefollow import read_gazefollow_rows, read_released_split
from gcdr.datasets.images import image_sizes, undecodable
from gcdr.datasets.layout import annotation_files, recognise, released_list
from gcdr.datasets.read import read_dataset
from gcdr.datasets.text import read_headed
from gcdr.datasets.videoattentiontarget import smooth
from gcdr.evaluation.metrics import point_distances
from gcdr.models.sizes import VATConfig

TRAIN, TEST = "train_annotations_release.txt", "test_annotations_release.txt"


def read(root: Path) -> Dataset:
    """A data set without errors."""
    dataset = read_dataset(recognise(root))
    dataset.problems.stop("data")
    return dataset


def warned(dataset: Dataset) -> str:
    return "\n".join(f"{entry.kind} {entry.count}" for entry in dataset.problems.warnings)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write(tmp_path, {"a.jpg": "picture", "b.jpg": "picture"})
    return tmp_path


def mask_extent(person: Any) -> np.ndarray:
    """First and last column and row of a person's head mask at 224 pixels, x0, y0, x1, y1."""
    size = torch.tensor([person.width, person.height] * 2)
    box = torch.tensor([[getattr(person, name) for name in BOX]]) / size
    head_mask = VATConfig.paper().towers.head_mask
    mask = view_masks(box, plain_view(1, torch.device("cpu")), 224, head_mask)[0, 0]
    columns, rows = (mask.any(axis).nonzero().flatten() for axis in (0, 1))
    return np.array([columns[0], rows[0], columns[-1], rows[-1]])


# GazeFollow


@pytest.mark.golden
def test_gazefollow_reads_what_the_reference_reads(
    goldens: Callable[[str], Path], tmp_path: Path
) -> None:
    source = goldens("gcdr/dataset_images")
    for name in ("train", "test"):
        text = (source / f"{name}_annotations_release_persondet.txt").read_text()
        write(tmp_path, {f"{name}_annotations_release_persondet.txt": text})
        for image in {line.split(",")[0] for line in text.splitlines()}:
            write(tmp_path, {image: (source / Path(image).name).read_bytes()})
    dataset = read(tmp_path)
    expected = np.load(goldens("gcdr/helpers_dataset.npz"))
    people = dataset.manifest[dataset.manifest["split"] == "test"]
    for number, person in enumerate(people.itertuples()):
        points = dataset.annotations[dataset.annotations["sample_id"] == person.sample_id]
        gaze = expected[f"test{number}.gaze"]
        assert np.array_equal(np.float32(points[["gaze_x", "gaze_y"]]), gaze[gaze[:, 0] != -1])
        assert [person.width, person.height] == expected[f"test{number}.imsize"].tolist()
        mean = expected[f"test{number}.mean_gaze"]
        assert np.allclose([person.gaze_x, person.gaze_y], mean, atol=1e-6)
        box = np.array([getattr(person, name) for name in BOX])
        box[:2] -= 0.1 * (box[2:] - box[:2])  # the reference pads one side after the other
        box[2:] += 0.1 * (box[2:] - box[:2])
        box /= [person.width, person.height] * 2
        assert np.allclose(box, expected[f"test{number}.head_norm"], atol=1e-6)
        # Ours pads both sides alike and marks every cell that the box touches.
        assert np.abs(mask_extent(person) - expected[f"test{number}.head_extent"]).max() <= 2
    assert len(people) == 4
    assert dataset.bodies.loc[0, "body_x1"] == 100 and dataset.bodies["detected"].all()


@pytest.mark.parametrize("bodies", [(), (5, 6, 50, 40)])
@pytest.mark.parametrize("inout", [1, None])
def test_every_number_of_columns(root: Path, bodies: tuple[int, ...], inout: int | None) -> None:
    row = gazefollow_row(inout=inout, bodies=bodies)
    write(root, {TEST: f"{row}\n"})
    dataset = read(root)
    assert dataset.manifest.loc[0, [*BOX, "gaze_x", "split"]].tolist() == [
        4,
        5,
        24,
        25,
        0.7,
        "test",
    ]
    assert len(dataset.bodies) == bool(bodies)


def test_test_rows_of_one_eye_are_annotators_of_one_person(root: Path) -> None:
    rows = [gazefollow_row(inout=None, gaze_x=x, eye_x=eye) for x, eye in
            ((0.1, 0.30), (0.9, 0.31), (0.3, 0.30), (0.2, 0.3))]  # fmt: skip
    rows[1] = rows[1].replace("4,5,24,25", "1,5,24,25")
    write(root, {TEST: "\n".join(rows)})
    dataset = read(root)
    assert dataset.manifest["head_x0"].tolist() == [1, 4]
    assert dataset.annotations["sample_id"].tolist() == [0, 1, 1, 1]
    assert dataset.annotations["annotator"].tolist() == [0, 0, 1, 2]
    assert dataset.annotations["gaze_x"].tolist() == [0.9, 0.1, 0.3, 0.2]
    assert dataset.manifest["gaze_x"].tolist() == pytest.approx([0.9, 0.2])


def test_what_the_reference_leaves_out_is_left_out_and_told(root: Path) -> None:
    rows = [
        gazefollow_row(),
        gazefollow_row(inout=-1),
        gazefollow_row("b.jpg", inout=0, gaze_x=-1, gaze_y=-1),
        gazefollow_row("b.jpg", x_min=30),
        gazefollow_row("b.jpg", x_min=100, x_max=120),
        gazefollow_row("b.jpg", x_min=-3, gaze_y=1.01),
    ]
    exchanged = gazefollow_row("b.jpg", inout=None, x_min=30, x_max=10)
    write(root, {TRAIN: "\n".join(rows), TEST: exchanged})
    dataset = read(root)
    people = dataset.manifest
    assert people["split"].tolist() == ["train", "train", "train", "test"]
    assert people["in_frame"].tolist() == [True, True, False, True]
    assert people["gaze_y"].fillna(-1).tolist() == [0.6, 1.0, -1, 0.6]
    assert people.loc[3, ["head_x0", "head_x1"]].tolist() == [10, 30]
    for kind in ("told invalid", "exchanged corners", "without area, training person left out 1",
                 "outside the image, training person left out 1", "moved onto its border 1"):  # fmt: skip
        assert kind in warned(dataset)


def test_annotations_with_bodies_are_preferred_unless_alone(root: Path) -> None:
    source = {"kind": "gazefollow", "root": root}
    write(root, {TRAIN: gazefollow_row(), TEST: gazefollow_row(inout=None)})
    write(root, {"train_annotations_release_persondet.txt": gazefollow_row(bodies=(1, 2, 3, 4))})
    assert [path.name for path in annotation_files(source)] == [TRAIN, TEST]
    (root / TRAIN).unlink()
    mixed = read_dataset(source)
    assert [path.name for path in annotation_files(source)][1] == TEST
    # of the test person nothing is said, so the detector will be asked
    assert mixed.manifest.loc[mixed.bodies["sample_id"], "split"].tolist() == ["train"]
    write(root, {"test_annotations_release_persondet.txt": ""})
    assert all("persondet" in path.name for path in annotation_files(source))


def test_body_that_was_not_found(root: Path) -> None:
    rows = [gazefollow_row(bodies=(-1, -1, -1, -1)), gazefollow_row("b.jpg", bodies=(0, 1, 30, 40))]
    write(root, {TRAIN: "\n".join(rows)})
    bodies = read(root).bodies
    assert bodies["detected"].tolist() == [False, True]
    assert np.isnan(bodies.loc[0, "body_x0"]) and bodies.loc[1, "body_x0"] == 0


# Text


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r", "mixed"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_line_ends_and_byte_order_marks(root: Path, ends: str, mark: bytes) -> None:
    lines = [HEADER, "a.jpg,1,2,30,40", "", "b.jpg,1,2,30,40", ""]
    text = (
        "\r\n".join(lines[:3]) + "\n".join(["", *lines[3:]])
        if ends == "mixed"
        else ends.join(lines)
    )
    write(root, {"heads.csv": mark + text.encode()})
    dataset = read(root)
    assert len(dataset.manifest) == 2
    assert ("mixed line ends" in warned(dataset)) == (ends == "mixed")


NAMES = [
    "a b.jpg",
    'she said "look".jpg',
    "a, b.jpg",
    "Küche.jpg",
    "台所.jpg",
    "مطبخ.png",
    "it's.jpg",
]


def test_names_of_every_kind(root: Path) -> None:
    rows = [f'"{name.replace(chr(34), chr(34) * 2)}",1,2,30,40' for name in NAMES]
    write(root, {"heads.csv": "\n".join([HEADER, *rows])} | dict.fromkeys(NAMES, "picture"))
    assert read(root).manifest["image"].tolist() == sorted(NAMES)


@pytest.mark.slow
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.floats(-1e6, 1e6, allow_subnormal=False) | st.integers(-999, 999),
        min_size=4,
        max_size=40,
    )
)
def test_numbers_are_read_to_the_last_bit(tmp_path: Path, values: list[float]) -> None:
    rows = [
        ",".join(map(repr, values[start : start + 4])) for start in range(0, len(values) - 3, 4)
    ]
    write(tmp_path, {"t.csv": "\n".join(["a,b,c,d", *rows])})
    problems = Problems()
    table = read_headed(tmp_path / "t.csv", list("abcd"), [], problems)
    found = np.column_stack([table.numbers(name, problems) for name in "abcd"])
    assert not problems.found and found.ravel().tolist() == [
        float(value) for value in values[: found.size]
    ]


# Own images, video frames, JSON


def test_own_images_with_labels(root: Path) -> None:
    rows = [
        "a.jpg,1,2,30,40,0.2,0.4,true,ball,train,",
        "b.jpg,1,2,30,40,0.2,0.4,yes,,test,ann",
        "b.jpg,1,2,30,40,0.4,0.6,,cup,test,ben",
        "b.jpg,1,2,20,40,,,no,,test,ann",
        "b.jpg,1,2,10,40,,,,,val,",
        "b.jpg,1,2,9,40,,,,,,",
    ]
    write(root, {"heads.csv": "\n".join([LABELLED, *rows])})
    dataset = read(root)
    people = dataset.manifest.iloc[[0, 4, 3, 2, 1]]
    assert people["split"].tolist() == ["train", "test", "test", "val", "test"]
    assert people["in_frame"].tolist() == [True, True, False, pd.NA, pd.NA]
    assert people["gaze_x"].fillna(-1).tolist() == pytest.approx([0.2, 0.3, -1, -1, -1])
    assert people["label"].fillna("").tolist()[0] == "ball"
    out = people.index[2]
    assert dataset.annotations["sample_id"].tolist() == [out, people.index[1], people.index[1]]
    assert dataset.annotations["gaze_x"].fillna(-1).tolist() == [-1, 0.2, 0.4]


def test_the_mark_of_people_tells_all_but_labels(root: Path) -> None:
    """Or bodies and Grad-CAM maps would be made again for a corrected label, or kept for other people."""
    labels = "gaze_x,gaze_y,in_frame,label,label_source,annotator"
    header = f"{HEADER},{labels},split,sequence,body_x0,body_y0,body_x1,body_y1"
    first, second = "a.jpg,4,5,24,25", "b.jpg,1,2,20,22"
    body = "train,one,0,0,30,40"
    before = [f"{second},,,,,,0,{body}", f"{first},.5,.5,true,cup,given,0,{body}"]

    def mark(*rows: str, share: float = 0) -> str:
        write(root, {"a.jpg": "picture", "b.jpg": "picture", "own.csv": "\n".join([header, *rows])})
        return people_mark(root, root / "own.csv", share)

    same = mark(*before)
    assert mark(*before[::-1]) == same
    corrected = f"{first},,,false,,corrected,0,{body}"
    assert mark(before[0], corrected) == same
    assert mark(*before, f"{first},.4,.4,true,cup,given,1,{body}") == same  # one more annotator
    for old, new in (("4,5,24", "4,5,23"), ("train", "ignore"), ("one", "two"), ("30,40", "30,41")):
        assert mark(before[0], before[1].replace(old, new)) != same
    assert mark(before[1]) != same
    unnamed = [row.replace("train", "") for row in before]
    assert mark(*unnamed, share=0.5) != mark(*unnamed)
    assert mark(*before) == same
    (root / "a.jpg").write_bytes(b"another")
    assert people_mark(root, root / "own.csv") != same


def test_links_to_images_elsewhere_are_followed(tmp_path: Path) -> None:
    write(tmp_path, {"elsewhere.jpg": "picture", "data/heads.csv": HEADER + "\na.jpg,1,2,30,40\n"})
    (tmp_path / "data/a.jpg").symlink_to(tmp_path / "elsewhere.jpg")
    assert read(tmp_path / "data").manifest[["width", "height"]].to_numpy().tolist() == [[64, 48]]


def test_images_are_looked_at_by_several_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"{number}.jpg" for number in range(40)]
    write(tmp_path, dict.fromkeys(names, "picture") | {"7.jpg": b""})
    alone = image_sizes(tmp_path, names)
    monkeypatch.setattr("gcdr.datasets.images.CHUNK", 10)
    monkeypatch.setattr("gcdr.datasets.images.processors", lambda: 2)
    pd.testing.assert_frame_equal(image_sizes(tmp_path, names), alone)
    assert undecodable(tmp_path, names).keys() == {"7.jpg"}


def test_image_on_its_side_is_measured_upright(root: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (64, 48)).save(root / "a.jpg", exif=exif)
    write(root, {"heads.csv": HEADER + "\na.jpg,1,2,30,60\n"})
    dataset = read(root)
    assert dataset.manifest.loc[0, ["width", "height"]].tolist() == [48, 64]
    assert "lying on its side" in warned(dataset)


def test_tracks_as_single_images(tmp_path: Path) -> None:
    frames = [track_row(f"{n}.jpg", f"{n},5,{20 + n},25", "32,-7") for n in range(12)]
    frames[3] = track_row("3.jpg", "3,5,23,25", "-1,-1")
    clip = {f"images/It's Us/1_9/{n}.jpg": "picture" for n in range(12)}
    write(tmp_path, clip | {"annotations/test/It's Us/1_9/s00.txt": "\n".join(frames)})
    body = "0.jpg,1,2,30,40,8,12,0,1,50,45,1\n"
    write(tmp_path, {"annotations/train/It's Us/1_9/s01.txt": body})
    dataset = read(tmp_path)
    people = dataset.manifest.set_index(["frame", "track"])
    first = people.loc[(0, "s00")]
    assert first["image"] == "images/It's Us/1_9/0.jpg" and first["sequence"] == "It's Us/1_9"
    assert first["group"] == "It's Us" and dataset.manifest["frame"].dtype == "Int64"
    assert first["head_x0"] == pytest.approx(np.mean([0] * 6 + [1, 2, 3, 4, 5]))
    assert [first["gaze_x"], first["gaze_y"]] == [0.5, 0]
    outside = people.loc[(3, "s00")]
    assert not outside["in_frame"] and np.isnan(outside["gaze_x"])
    assert people.loc[(0, "s01"), "gaze_y"] == 0.25
    assert dataset.annotations["gaze_x"].isna().sum() == 1 and len(dataset.annotations) == 12
    assert dataset.bodies["detected"].sum() == 1


@given(st.integers(1, 30))
def test_smoothing_is_the_mean_of_eleven_frames(length: int) -> None:
    boxes = np.random.default_rng(length).random((length, 4))
    index = np.clip(np.arange(length)[:, None] + np.arange(-5, 6), 0, length - 1)
    assert np.allclose(smooth(boxes), boxes[index].mean(1))


def test_prepared_json_of_images_and_of_sequences(root: Path) -> None:
    test = [entry("b.jpg", gazex_norm=[0.1, 0.5], gazey_norm=[0.2, 0.4])]
    train = [{"path": "seq", "frames": [entry(), entry("b.jpg", inout=0, gazex_norm=[-1])]}]
    train[0]["frames"][0]["heads"].append({"bbox": [1, 1, 9, 9], "inout": None, "gazex_norm": [],
                                           "gazey_norm": []})  # fmt: skip
    write(root, {"test_preprocessed.json": json.dumps(test)})
    write(root, {"train_preprocessed.json": json.dumps(train)})
    dataset = read(root)
    people = dataset.manifest
    assert people["split"].tolist() == ["train", "train", "train", "test"]
    assert people["in_frame"].tolist() == [pd.NA, True, False, True]
    assert people["gaze_x"].fillna(-1).tolist() == pytest.approx([-1, 0.7, -1, 0.3])
    assert dataset.annotations["gaze_y"].tolist() == [0.2, 0.4]
    assert "same head box, both kept 1" in warned(dataset)


# Splits


def shared_images(images: int) -> pd.DataFrame:
    """Training people, three in each image, as a manifest."""
    count = 3 * images
    people = pd.DataFrame({"image": [f"{row // 3:04d}.jpg" for row in range(count)], "width": 640})
    people[BOX] = np.arange(count)[:, None] % 3 * 50 + np.array([0, 0, 30, 30.5])
    return order_people(people.assign(height=480, split="train", gaze_x=0.5, gaze_y=0.5))[0]


@pytest.mark.slow
@settings(max_examples=30)
@given(st.integers(20, 80), st.integers(0, 9), st.sampled_from([0, 0.2]))
def test_splits_by_person_are_nested(images: int, seed: int, validation: float) -> None:
    people = shared_images(images)
    splits = [split_labels(people, share, validation, seed, "person") for share in (10, 20, 50)]
    for labels, share in zip(splits, (10, 20, 50), strict=True):
        assert labels["gaze_x"].notna().sum() == round(3 * images * share / 100)
    for role in (SHOWN, VALIDATION):
        chosen = [set(labels.loc[labels["role"] == role, "sample_id"]) for labels in splits]
        assert chosen[0] <= chosen[1] <= chosen[2]
    mixed = splits[2].groupby(people["image"])["gaze_x"].agg(lambda gaze: gaze.notna().nunique())
    assert (mixed == 2).any(), "some image has labelled and unlabelled people"


def test_released_split_decides_in_place_of_the_share(tmp_path: Path) -> None:
    people = shared_images(20)
    named = people.iloc[::7]
    rows = [
        gazefollow_row(row.image, x_min=row.head_x0, y_min=row.head_y0, x_max=row.head_x1,
                       y_max=row.head_y1, bodies=(1, 2, 3, 4))
        for row in named.itertuples()
    ]  # fmt: skip
    path = tmp_path / "train_annotations_weak_ratio0.1_use.txt"
    write(tmp_path, {path.name: "\n".join(rows)})
    released = read_released_split(path)
    labels = split_labels(people, 50, 0.2, 0, "person", released)
    assert labels.loc[labels["gaze_x"].notna(), "sample_id"].tolist() == named.index.tolist()
    assert (labels["role"] == VALIDATION).sum() == len(named) // 5
    with pytest.raises(InputError, match=r"9 of its 9 people are not among .* first '0000.jpg'"):
        split_labels(people.assign(image="other.jpg"), 50, 0.2, 0, "person", released)


@pytest.mark.parametrize("share", [5, 10, 20, 50])
def test_an_absent_released_split_is_refused(tmp_path: Path, share: int) -> None:
    name = f"train_annotations_weak_ratio{share / 100}_use.txt"
    with pytest.raises(InputError, match=rf"{name}, the authors' list for {share} % .*null"):
        released_list(str(tmp_path), share)
    with pytest.raises(InputError, match=r"expected it, or split\.released: null"):
        released_list(str(tmp_path / "nowhere"), share)
    write(tmp_path, {name: ""})
    assert released_list(str(tmp_path), share) == tmp_path / name
    assert released_list(None, share) is None, "drawn, as asked"
    assert released_list(str(tmp_path), 100) is released_list(str(tmp_path), "own") is None


# Real annotations


def test_real_test_annotations_give_the_known_answers(tmp_path: Path) -> None:
    """The corrected GazeFollow test annotations, written in the release's format and read again.

    ``GCDR_REAL_DATA`` names the folder with ``gazefollow_test2/test2_annotations.mat``, which cannot be
    shipped. It has relative coordinates only; an image size of 640 x 480 is assumed for the head boxes.
    """
    scipy_io = pytest.importorskip("scipy.io")
    file = Path(os.environ.get("GCDR_REAL_DATA", "?"), "gazefollow_test2/test2_annotations.mat")
    if not file.is_file():
        pytest.skip("GCDR_REAL_DATA does not name a folder with the real test annotations")
    content = scipy_io.loadmat(file, squeeze_me=True)
    lines = []
    for path, eye, points in zip(
        *(content[f"test_{key}"] for key in ("path", "eyes", "gaze")), strict=True
    ):
        x, y = float(eye[0]), float(eye[1])
        box = {
            "x_min": 640 * x - 9,
            "y_min": 480 * y - 9,
            "x_max": 640 * x + 9,
            "y_max": 480 * y + 9,
        }
        lines += [
            gazefollow_row(path, inout=None, eye_x=x, eye_y=y, gaze_x=gx, gaze_y=gy, **box)
            for gx, gy in np.atleast_2d(points).tolist()
        ]
    write(tmp_path, {TEST: "\n".join(lines)})
    problems = Problems()
    rows, _ = read_gazefollow_rows(tmp_path / TEST, "test", problems)
    assert not problems.found and len(rows) == 44191
    groups = rows.groupby("person", sort=False)
    assert len(groups) == 4782
    place = groups.cumcount().to_numpy()
    points = np.full((4782, place.max() + 1, 2), np.nan)
    points[pd.factorize(rows["person"])[0], place] = rows[["gaze_x", "gaze_y"]]
    assert (place.max() + 1, groups.size().min()) == (19, 6)
    for predicted, expected in (
        (np.full((4782, 2), 0.5), (0.2949, 0.3132, 0.2295)),
        (np.nanmean(points, 1), (0.0, 0.0766, 0.0289)),
    ):
        found = point_distances(predicted, points)
        values = [found[name].mean() for name in ("dist_to_mean", "mean_dist", "min_dist")]
        assert values == pytest.approx(expected, abs=5e-5)


def test_own_body_boxes_take_the_place_of_detections(root: Path) -> None:
    head = "image,head_x0,head_y0,head_x1,head_y1"
    body = "body_x0,body_y0,body_x1,body_y1"
    rows = ["a.jpg,1,1,9,9,-3,0,20,40", "a.jpg,11,1,19,9,,,,"]
    write(root, {"heads.csv": "\n".join([f"{head},{body}", *rows])})
    found = read_folder(root, root / "heads.csv")
    assert not found.problems.errors and len(found.manifest) == 2
    assert found.bodies[["sample_id", *BODY]].to_numpy().tolist() == [[0, 0, 0, 20, 40]]
    assert found.bodies["detected"].all()
    write(root, {"heads.csv": f"{head},{body}\na.jpg,1,1,9,9,3,,20,40"})
    (fault,) = read_folder(root, root / "heads.csv").problems.errors
    assert fault.kind == "half a body box" and "line 2" in "\n".join(fault.lines())
