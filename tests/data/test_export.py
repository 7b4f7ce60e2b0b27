"""Exports: what is written is read back as it was, and what a format cannot say is refused."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import supervision
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from gcdr.base.errors import InputError
from gcdr.cli.commands import main
from gcdr.data.export import WRITERS, export_pseudo
from gcdr.data.export_rows import GAZE, ROWS, collect_rows
from gcdr.data.formats import EXPORTED_FORMATS
from gcdr.data.manifest import (
    BOX,
    build_manifest,
    people_digest,
    read_annotated,
    read_people,
    write_table,
)
from gcdr.data.shown import split_identity
from gcdr.data.split import split_labels
from gcdr.data.stores import read_labels, write_labels
from gcdr.datasets.assemble import Dataset
from gcdr.datasets.folder import read_folder
from gcdr.datasets.read import read_dataset

IMAGES = {"a.png": (64, 48), "b/c d.png": (50, 70), "b/ü,\"'.png": (33, 20)}
COMPARED = [name for name in ROWS if name not in ("person", "source", "label")]
reading_files = settings(
    max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with the images that exports name."""
    for name, size in IMAGES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.new("RGB", size).save(tmp_path / name)
    return tmp_path


share = st.integers(0, 10**9).map(lambda number: number / 10**9)


@st.composite
def exported(draw: st.DrawFn, splits: tuple[str, ...], unknown: bool) -> pd.DataFrame:
    """Rows of people, some of whom share a head box; test people have up to three annotators.

    Args:
        draw: given by hypothesis.
        splits: the splits people are in.
        unknown: whether people may lack a label, and look out of the frame on test.
    """
    rows: list[dict[str, Any]] = []
    names = ["image", "width", "height", *BOX]
    for person in range(draw(st.integers(1, 6))):
        image = draw(st.sampled_from(sorted(IMAGES)))
        width, height = IMAGES[image]
        corner = [draw(share) * 1.2 - 0.5 for _ in range(2)]
        sides = [draw(share) * 0.4 + 0.6 for _ in range(2)]
        box = [corner[0] * width + person, corner[1] * height]
        box += [box[0] + sides[0] * width, box[1] + sides[1] * height]
        if rows and draw(st.booleans()):
            image, width, height, *box = (rows[-1][name] for name in names)
        split = draw(st.sampled_from(splits))
        states = [True, False] if split != "test" or unknown else [True]
        inside = draw(st.sampled_from([*states, pd.NA] if unknown else states))
        base = dict(zip(names, [image, width, height, *box], strict=True)) | {"person": person}
        count = draw(st.integers(1, 3)) if inside is True and split == "test" else 1
        for annotator in range(count):
            gaze = draw(st.tuples(share, share)) if inside is True else (np.nan, np.nan)
            said = {"gaze_x": gaze[0], "gaze_y": gaze[1], "in_frame": inside, "label": "ball"}
            rows.append({**base, **said, "split": split, "annotator": annotator, "source": "label"})
    return pd.DataFrame(rows)[ROWS].astype({"in_frame": "boolean"})


def rows_of(dataset: Dataset) -> pd.DataFrame:
    """A data set that was read as rows again."""
    assert not dataset.problems.errors, [p.lines() for p in dataset.problems.errors]
    people = dataset.manifest.set_index("sample_id")
    told = dataset.annotations.join(people.drop(columns=GAZE), on="sample_id")
    alone = people[~people.index.isin(told["sample_id"])].assign(annotator=0).reset_index()
    return pd.concat([told, alone], ignore_index=True)


def assert_same(found: pd.DataFrame, expected: pd.DataFrame, names: list[str] = COMPARED) -> None:
    """Equal but for the order of people and the rounding of pixels to shares and back."""
    order = ["image", *BOX, "split", "annotator", *GAZE, "in_frame"]
    tables = [
        table[names].astype({"in_frame": "boolean"}).sort_values(order, ignore_index=True)
        for table in (found.round({n: 9 for n in BOX}), expected.round({n: 9 for n in BOX}))
    ]
    pd.testing.assert_frame_equal(*tables, check_dtype=False, rtol=0, atol=1e-9)


@pytest.mark.slow
@reading_files
@given(rows=exported(("train", "val", "test"), unknown=True))
def test_csv_comes_back(root: Path, rows: pd.DataFrame) -> None:
    WRITERS["csv"](rows, root / "out.csv")
    assert_same(rows_of(read_folder(root, root / "out.csv")), rows, [*COMPARED, "label"])


@pytest.mark.slow
@reading_files
@given(rows=exported(("train", "test"), unknown=False))
def test_gazefollow_text_comes_back(root: Path, rows: pd.DataFrame) -> None:
    for path in root.glob("*.txt"):
        path.unlink()
    WRITERS["gazefollow"](rows, root)
    assert_same(rows_of(read_dataset({"kind": "gazefollow", "root": root})), rows)


@pytest.mark.slow
@reading_files
@given(rows=exported(("train", "test"), unknown=True))
def test_gazelle_json_comes_back(root: Path, rows: pd.DataFrame) -> None:
    for path in root.glob("*.json"):
        path.unlink()
    try:
        WRITERS["gazelle"](rows, root)
    except InputError as error:
        assert "nobody's gaze is known" in str(error)
    known = rows[rows["gaze_x"].notna() | rows["in_frame"].eq(False).fillna(False).to_numpy(bool)]
    if known.empty:
        return
    expected = known.copy()
    expected[BOX] = np.clip(known[BOX], 0, known[["width", "height"] * 2].to_numpy())
    assert_same(rows_of(read_dataset({"kind": "gazelle", "root": root})), expected)


@reading_files
@given(rows=exported(("train", "val", "test"), unknown=True))
@pytest.mark.slow
def test_coco_comes_back(root: Path, rows: pd.DataFrame) -> None:
    """The library reads no COCO; this undoes what is written, field by field."""
    WRITERS["coco"](rows, root / "out.json")
    content = json.loads((root / "out.json").read_text())
    assert content["categories"][0]["keypoints"] == ["gaze_target"]
    images = {image["id"]: image for image in content["images"]}
    back = []
    for entry in content["annotations"]:
        image, exact = images[entry["image_id"]], entry["attributes"]
        sizes = {name: image[name] for name in ("width", "height")}
        size = np.array(list(sizes.values()))
        corner, sides = np.reshape(entry["bbox"], (2, 2))
        uncut = np.reshape([exact[name] for name in BOX], (2, 2))
        np.testing.assert_allclose([corner, corner + sides], np.clip(uncut, 0, size), atol=1e-9)
        assert (
            entry["area"] == pytest.approx(sides.prod()) and (corner + sides <= size + 1e-9).all()
        )
        *point, seen = entry["keypoints"]
        assert bool(seen) == (exact["gaze_x"] is not None)
        if seen:
            pixels = size * [exact[name] for name in GAZE]
            assert point == pytest.approx(np.minimum(pixels, size - 1))
        back.append({"image": image["file_name"], **sizes, **exact})
    found = pd.DataFrame(back)[ROWS].astype(dict.fromkeys(GAZE, float))
    assert_same(found, rows, [*COMPARED, "label"])
    assert found[BOX].to_numpy().tolist() == rows[BOX].to_numpy().tolist()  # to the last bit


def test_the_command_line_knows_every_format() -> None:
    assert set(EXPORTED_FORMATS) == WRITERS.keys()


def test_coco_lies_within_the_image(root: Path) -> None:
    """A box is cut at the image, a gaze point on its border is the last pixel; the exact ones stay beside."""
    box = dict(zip(BOX, (-8.0, -4.0, 30.0, 60.0), strict=True))
    WRITERS["coco"](one_row(**box, gaze_x=1.0, gaze_y=0.0), root / "coco.json")
    (found,) = json.loads((root / "coco.json").read_text())["annotations"]
    assert found["bbox"] == [0, 0, 30, 48] and found["area"] == 30 * 48
    assert found["keypoints"] == [63, 0, 2]
    exact = box | {"gaze_x": 1.0, "gaze_y": 0.0}
    assert {name: found["attributes"][name] for name in exact} == exact


def test_what_a_format_cannot_say_is_refused(root: Path) -> None:
    row = {name: 1 for name in ROWS} | {"image": "a.png", "split": "val", "in_frame": True}
    rows = pd.DataFrame([row]).astype({"in_frame": "boolean"})
    with pytest.raises(InputError, match=r"a\.png: split 'val'; GazeFollow's text knows train"):
        WRITERS["gazefollow"](rows, root)
    rows[["split", "in_frame"]] = ["test", False]
    with pytest.raises(InputError, match=r"a\.png: a test person who looks out of the frame"):
        WRITERS["gazefollow"](rows.astype({"in_frame": "boolean"}), root)


@pytest.fixture
def study(root: Path) -> Path:
    """A manifest of ten people, a split that hides most labels, pseudo-labels and annotations."""
    people = pd.DataFrame({"image": ["a.png"] * 10, "width": 64, "height": 48, "split": "train"})
    people[BOX] = [[row, 2, row + 9, 12] for row in range(10)]
    people[GAZE], people["in_frame"], people["label"] = 0.25, True, "secret"
    people.loc[8:, "split"] = "test"
    write_table(build_manifest(people, "test"), root / "manifest.parquet")
    annotated = read_annotated(root / "manifest.parquet")
    write_table(split_labels(annotated, 40, 0, 0, "person"), root / "labels.parquet")
    maps = np.zeros((6, 8, 8), np.float32)
    maps[:, 2, 5] = 1
    valid = np.array([True] * 5 + [False])
    digest = people_digest(read_people(root / "manifest.parquet"))
    write_labels(root / "maps.h5", np.arange(6), maps, valid, {}, people=digest, made_by={})
    points = pd.DataFrame(
        {"sample_id": [8, 8, 9], "annotator": [0, 1, 0], "gaze_x": 0.5, "gaze_y": 0.1}
    )
    write_table(points, root / "annotations.parquet")
    return root


def test_people_of_a_pool_are_training_people_outside(study: Path) -> None:
    manifest = pd.read_parquet(study / "manifest.parquet")
    manifest["split"] = ["labelled"] * 4 + ["unlabelled"] * 4 + ["test"] * 2
    write_table(manifest, study / "manifest.parquet")
    rows = collect_rows(study / "manifest.parquet", maps=study / "maps.h5")
    assert set(rows["split"]) == {"train"}
    WRITERS["gazelle"](rows, study)
    assert len(read_dataset({"kind": "gazelle", "root": study}).manifest) == len(rows)


def test_labels_count_before_maps_and_hidden_labels_stay_hidden(study: Path) -> None:
    labels = pd.read_parquet(study / "labels.parquet")
    labelled = set(labels.loc[labels["role"] == "labelled", "sample_id"])
    files = {name: study / f"{name}.parquet" for name in ("labels", "annotations")}
    rows = collect_rows(study / "manifest.parquet", maps=study / "maps.h5", **files)
    count = rows["source"].value_counts().to_dict()
    assert count["label"] == len(labelled) and count["annotator"] == 3
    assert count["map"] == len(set(range(5)) - labelled)
    said = rows[rows["source"] == "map"]
    assert said["in_frame"].isna().all() and (said["score"] == 1).all()
    assert rows.loc[rows["source"] != "map", "score"].isna().all()
    assert (said["gaze_x"] == 5.5 / 8).all() and (said["gaze_y"] == 2.5 / 8).all()
    assert said["label"].isna().all() and (rows["label"] == "secret").sum() == len(labelled)


def test_how_far_off_a_map_may_be_is_exported(study: Path, tmp_path: Path) -> None:
    store = read_labels(study / "maps.h5", people_digest(read_people(study / "manifest.parquet")))
    expected = np.linspace(0.1, 0.3, len(store.sample_id)).astype(np.float32)
    write_labels(
        study / "maps.h5",
        store.sample_id,
        store.heatmap,
        store.valid,
        {"expected_error": expected},
        people=store.attributes["people"],
        made_by={},
    )
    rows = collect_rows(study / "manifest.parquet", maps=study / "maps.h5")
    by_person = dict(zip(store.sample_id, expected.round(6), strict=True))
    assert rows["expected_error"].tolist() == pytest.approx([by_person[i] for i in rows["person"]])
    for name in ("csv", "coco"):
        WRITERS[name](rows, tmp_path / name)
    assert pd.read_csv(tmp_path / "csv")["expected_error"].notna().all()
    first = json.loads((tmp_path / "coco").read_text())["annotations"][0]["attributes"]
    assert first["expected_error"] == pytest.approx(rows["expected_error"].iloc[0], abs=1e-5)


@pytest.mark.parametrize("says", ["entropy", "expected_error"])
def test_a_score_says_how_far_a_map_is_to_be_trusted(study: Path, says: str) -> None:
    """By the expected error where labelled people could say it, else by the entropy, whatever the peak is."""
    values = np.array([0.0, 0.25, 0.5, 1.0, 1.5], np.float32)
    columns = {"expected_error": values} if says == "expected_error" else {}
    maps = np.zeros((5, 8, 8), np.float32)
    for number, cells in enumerate((64, 32, 16, 8, 1)):
        maps[number].flat[:cells] = 1
    digest = people_digest(read_people(study / "manifest.parquet"))
    content = np.arange(5), maps, np.ones(5, bool), columns
    write_labels(study / "said.h5", *content, people=digest, made_by={})
    rows = collect_rows(study / "manifest.parquet", maps=study / "said.h5")
    by_error, by_entropy = [1, 0.75, 0.5, 0, 0], [0, 1 / 6, 2 / 6, 3 / 6, 1]
    expected = by_error if says == "expected_error" else by_entropy
    assert rows["score"].tolist() == pytest.approx(expected, abs=1e-6)
    assert set(rows["score_from"]) == {says}


def test_who_is_said_to_look_out_of_the_frame_has_no_point(study: Path) -> None:
    """By the in/out logits of a model that has them; every format then says it as it says it of labels."""
    store = read_labels(study / "maps.h5", people_digest(read_people(study / "manifest.parquet")))
    logit = np.array([2.0, -1.0, 0.5, -3.0, 1.0, 0.0])
    content = store.sample_id, store.heatmap, store.valid, {"in_frame": logit}
    write_labels(study / "told.h5", *content, people=store.attributes["people"], made_by={})
    rows = collect_rows(study / "manifest.parquet", maps=study / "told.h5")
    assert rows["in_frame"].tolist() == [True, False, True, False, True]
    assert rows["gaze_x"].notna().tolist() == rows["in_frame"].tolist()
    shares = 1 / (1 + np.exp(-logit[:5]))
    assert rows["in_frame_probability"].tolist() == pytest.approx(shares, abs=1e-6)
    WRITERS["csv"](rows, study / "out.csv")
    assert_same(rows_of(read_folder(study, study / "out.csv")), rows)
    WRITERS["gazefollow"](rows, study)
    assert_same(rows_of(read_dataset({"kind": "gazefollow", "root": study})), rows)
    WRITERS["gazelle"](rows, study)
    (entry,) = json.loads((study / "train_preprocessed.json").read_text())
    assert [head["inout"] for head in entry["heads"]] == [1, 0, 1, 0, 1]


def test_gazelle_json_keeps_beside_what_its_loader_passes_over(root: Path) -> None:
    clip = {"sequence": "Show/1", "track": "s00", "frame": 7}
    said = {"source": "map", "in_frame": pd.NA, "score": 0.25, "score_from": "entropy"}
    rows = pd.concat([one_row(**clip, **said), one_row(person=1)], ignore_index=True)
    WRITERS["gazelle"](rows, root)
    (entry,) = json.loads((root / "train_preprocessed.json").read_text())
    first, second = entry["heads"]
    assert (clip | said | {"in_frame": None, "inout": 1}).items() <= first.items()
    assert second["in_frame"] is True and not {"score", "frame", "sequence"} & second.keys()


def test_command_writes_what_the_readers_take(study: Path, capsys: pytest.CaptureFixture) -> None:
    manifest, out = str(study / "manifest.parquet"), str(study / "out.csv")
    ask = ["export", manifest, "--maps", str(study / "maps.h5"), "--format", "csv", "--out", out]
    assert main(ask) == 0 and "5 rows (5 from a map)" in capsys.readouterr().out
    assert len(read_folder(study, Path(out)).manifest) == 5
    assert main(["export", manifest, "--format", "csv", "--out", out]) == 2
    assert "nothing to export" in capsys.readouterr().err
    ask[5:] = ["labelstudio", "--out", str(study / "tasks.json")]
    assert main([*ask, "--prefix", "https://host/"]) == 0 and (study / "tasks.xml").is_file()
    (task,) = json.loads((study / "tasks.json").read_text())
    assert task["data"]["image"] == "https://host/a.png" and len(task["data"]["people"]) == 5
    capsys.readouterr()
    ask[5] = "cvat"
    assert main([*ask, "--prefix", "https://host/"]) == 2
    assert "--prefix: is for the format labelstudio, found cvat" in capsys.readouterr().err


def test_maps_of_another_split_are_not_put_beside_labels(study: Path) -> None:
    labels, maps = study / "labels.parquet", study / "of-split.h5"
    digest = people_digest(read_people(study / "manifest.parquet"))
    for split, fits in ((split_identity(labels), True), ({"digest": "of another"}, False)):
        content = np.arange(2), np.ones((2, 8, 8)), np.ones(2, bool), {}
        write_labels(maps, *content, people=digest, made_by={"split": split})
        assert len(collect_rows(study / "manifest.parquet", maps=maps)) == 2
        if fits:
            collect_rows(study / "manifest.parquet", labels, maps)
            continue
        with pytest.raises(InputError, match=r"of-split\.h5: made under another label split"):
            collect_rows(study / "manifest.parquet", labels, maps)


def test_several_maps_of_a_person_are_refused(study: Path) -> None:
    maps, digest = np.ones((2, 4, 8, 8)), people_digest(read_people(study / "manifest.parquet"))
    store = study / "sampled.h5"
    write_labels(store, np.arange(2), maps, np.ones(2, bool), {}, people=digest, made_by={})
    with pytest.raises(InputError, match=r"sampled\.h5: found 4 maps of each person, expected one"):
        collect_rows(study / "manifest.parquet", maps=store)


def one_row(**changed: Any) -> pd.DataFrame:
    row = {
        "person": 0,
        "image": "a.png",
        "width": 64,
        "height": 48,
        "split": "train",
        "source": "label",
    }
    row |= dict(zip(BOX, (10.0, -12.0, 70.0, 25.0), strict=True))
    row |= {"gaze_x": 0.5, "gaze_y": 0.5, "in_frame": True, "label": "cup", "annotator": 0}
    return pd.DataFrame([row | changed]).astype({"in_frame": "boolean"})


def heads_of(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [head for entry in entries for head in entry["heads"]]


def test_gazelle_json_is_what_its_loader_takes(root: Path) -> None:
    """Its loader crops about integers of the box and takes a point and an in/out of everybody."""
    out = {"person": 1, "in_frame": False, "gaze_x": np.nan, "gaze_y": np.nan}
    unknown = {"person": 2, "in_frame": pd.NA, "gaze_x": np.nan, "gaze_y": np.nan}
    mapped = {"person": 3, "in_frame": pd.NA, "source": "map"}
    rows = [one_row(), one_row(**out), one_row(**unknown), one_row(**mapped)]
    WRITERS["gazelle"](pd.concat(rows, ignore_index=True), root)
    (entry,) = json.loads((root / "train_preprocessed.json").read_text())
    assert entry["num_heads"] == 3 and [head["inout"] for head in entry["heads"]] == [1, 0, 1]
    for head in entry["heads"]:
        assert head["bbox"] == [10, 0, 64, 25] and head["bbox_norm"] == [10 / 64, 0, 1, 25 / 48]
        assert len(head["gazex"]) == len(head["gazey_norm"]) == head["num_annot"] == 1
    assert entry["heads"][1]["gazex"] == [-1] and entry["heads"][1]["gazey_norm"] == [-1 / 48]
    for form in ("gazelle", "gazefollow"):
        with pytest.raises(InputError, match="nobody's gaze is known"):
            WRITERS[form](one_row(**unknown), root)


def test_frames_are_exported_as_sequences_with_their_tracks(root: Path) -> None:
    names = {"sequence": "Show/1_2", "group": "Show"}
    rows = []
    for number, (frame, track) in enumerate([(2, "s01"), (2, "s00"), (1, "s00"), (3, "s01")]):
        image = f"images/Show/1_2/{frame}.png"
        (root / image).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (64, 48)).save(root / image)
        rows.append(one_row(person=number, image=image, frame=frame, track=track, **names))
    WRITERS["gazelle"](pd.concat(rows, ignore_index=True), root)
    (clip,) = json.loads((root / "train_preprocessed.json").read_text())
    assert clip["path"] == "images/Show/1_2" and (clip["width"], clip["height"]) == (64, 48)
    assert [frame["path"][-5:] for frame in clip["frames"]] == ["1.png", "2.png", "3.png"]
    numbers = {(head["track"], head["head_id"]) for head in heads_of(clip["frames"])}
    assert len(numbers) == 2
    people = read_dataset({"kind": "gazelle", "root": root}).manifest
    found = {
        tuple(row) for row in people[["image", "track", "sequence", "frame", "group"]].to_numpy()
    }
    columns = ["image", "track", "sequence", "frame", "group"]
    assert found == {tuple(row) for row in pd.concat(rows)[columns].to_numpy()}


def test_coco_is_read_by_supervision(root: Path) -> None:
    """Boxes, classes and pictures as its ``DetectionDataset`` finds them, whatever the names hold."""
    people = [one_row(person=number, image=name) for number, name in enumerate(IMAGES)]
    WRITERS["coco"](pd.concat(people), root / "coco.json")
    dataset = supervision.DetectionDataset.from_coco(str(root), str(root / "coco.json"))
    assert dataset.classes == ["head"] and len(dataset) == len(IMAGES)
    for path, image, detections in dataset:
        name = Path(path).relative_to(root).as_posix()
        assert image.shape[:2] == IMAGES[name][::-1]
        row = people[list(IMAGES).index(name)].iloc[0]
        cut = np.clip(row[BOX].to_numpy(float), 0, [64, 48] * 2)
        assert detections.xyxy.tolist() == [pytest.approx(cut)]


def test_coco_is_what_its_api_takes(root: Path) -> None:
    """``info`` walks through "info", ``loadRes`` copies it and "licenses", ``COCOeval`` reads "score"."""
    more = {"track": "s00", "sequence": "a/b", "frame": 3, "source": "map", "score": 0.75}
    rows = pd.concat([one_row(**more), one_row(person=1, **more | {"score": np.nan})])
    WRITERS["coco"](rows, root / "coco.json")
    content = json.loads((root / "coco.json").read_text())
    assert all(isinstance(name, str) for name in content["info"]) and content["licenses"] == []
    first, second = content["annotations"]
    assert first["score"] == 0.75 and "score" not in second and first["segmentation"] == []
    assert first["attributes"]["track"] == "s00" and first["attributes"]["frame"] == 3
    before = (root / "coco.json").read_bytes()
    WRITERS["coco"](rows, root / "coco.json")
    assert (root / "coco.json").read_bytes() == before
    annotated = COCO(str(root / "coco.json"))
    annotated.info()
    kept = ("image_id", "category_id", "bbox")
    same = [
        {name: one[name] for name in kept} | {"score": 0.5}
        for one in annotated.loadAnns(annotated.getAnnIds())
    ]
    scored = COCOeval(annotated, annotated.loadRes(same), "bbox")
    scored.evaluate()
    scored.accumulate()
    scored.summarize()
    assert len(same) == 2 and scored.stats[0] == pytest.approx(1)  # every head box is found


def test_no_cell_of_a_csv_is_a_formula(root: Path) -> None:
    rows = one_row(image="=1+1.png", label="@SUM(A1)", source="-x")
    Image.new("RGB", (64, 48)).save(root / "=1+1.png")
    WRITERS["csv"](rows, root / "out.csv")
    cells = (root / "out.csv").read_text().splitlines()[1].split(",")
    assert "'=1+1.png" in cells and "'@SUM(A1)" in cells and "'-x" in cells
    people = read_folder(root, root / "out.csv").manifest
    assert people[["image", "label"]].to_numpy().tolist() == [["=1+1.png", "@SUM(A1)"]]


@pytest.mark.slow
def test_pseudo_labels_are_for_training_and_known_labels_stay(study: Path, tmp_path: Path) -> None:
    files = {"maps": study / "maps.h5", "annotations": study / "annotations.parquet"}
    for form in EXPORTED_FORMATS:
        export_pseudo(form, tmp_path / form, study / "manifest.parquet", labels=None, **files)
    made = {path.relative_to(tmp_path).as_posix() for path in tmp_path.glob("*/labels.*")}
    assert made == {
        *(
            "csv/labels.csv",
            "coco/labels.json",
            "labelstudio/labels.json",
            "labelstudio/labels.xml",
        ),
        *("cvat/labels.xml", "cvat/labels.labels.json"),
    }
    table = pd.read_csv(tmp_path / "csv/labels.csv")
    assert set(table.loc[table["source"] == "map", "split"]) == {"train"}
    assert set(table.loc[table["source"] == "annotator", "split"]) == {"test"}
    for place in ("gazelle/train_preprocessed.json", "gazefollow/train_annotations_release.txt"):
        assert (tmp_path / place).is_file()
