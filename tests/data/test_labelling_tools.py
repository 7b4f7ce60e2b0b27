"""Exports that people correct: what is written is undone field by field, and its readers' demands are met."""

import json
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gcdr.base.errors import InputError
from gcdr.data.export import WRITERS
from gcdr.data.export_rows import GAZE, ROWS
from gcdr.data.labelling_tools import ANSWERS, LOCAL_FILES
from gcdr.data.manifest import BOX

SIZES = {"a.png": (64, 48), "b/c d.png": (50, 70), "b/ü,\"'&<.png": (33, 20)}
MORE = ["sequence", "track", "frame", "score", "score_from", "in_frame_probability"]
writing_files = settings(
    max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
share = st.integers(0, 10**9).map(lambda number: number / 10**9)


@st.composite
def told(draw: st.DrawFn) -> pd.DataFrame:
    """Rows of people, some outside the image in part, out of the frame, unknown, or by several annotators."""
    rows: list[dict[str, Any]] = []
    for person in range(draw(st.integers(1, 5))):
        image = draw(st.sampled_from(sorted(SIZES)))
        width, height = SIZES[image]
        x, y, w, h = (draw(share) for _ in range(4))
        box = [(x - 0.3) * width, (y - 0.3) * height]
        box += [box[0] + (w + 0.4) * width, box[1] + (h + 0.4) * height]
        source = draw(st.sampled_from(["label", "map", "annotator"]))
        inside = draw(st.sampled_from([True, False, pd.NA]))
        clip = draw(st.booleans())
        of_map = {
            "score": draw(share),
            "score_from": "entropy",
            "in_frame_probability": draw(share),
        }
        of_clip = {"sequence": "Show/1", "track": "s00", "frame": draw(st.integers(0, 99))}
        for annotator in range(draw(st.integers(1, 3)) if source == "annotator" else 1):
            known = inside is not False and draw(st.booleans())
            gaze = [draw(share), draw(share)] if known else [np.nan, np.nan]
            row = {"person": person, "image": image, "width": width, "height": height}
            row |= dict(zip([*BOX, *GAZE], [*box, *gaze], strict=True))
            row |= {"in_frame": inside, "label": draw(st.sampled_from(["cup & <ball>", None]))}
            row |= {"split": "train", "annotator": annotator, "source": source}
            rows.append({**row, **(of_map if source == "map" else {}), **(of_clip if clip else {})})
    table = pd.DataFrame(rows).reindex(columns=[*ROWS, *MORE])
    return table.astype({"in_frame": "boolean", "frame": "Int64"})


def expected(row: pd.Series) -> dict[str, Any]:
    """What is known of a row, by name."""
    names = ["person", "in_frame", "label", "split", "annotator", "source", *MORE, *BOX, *GAZE]
    return {name: row[name] for name in names if not pd.isna(row[name])}


def cut(row: pd.Series) -> np.ndarray:
    """The head box within the image, in pixels."""
    return np.clip(row[BOX].to_numpy(float), 0, [row["width"], row["height"]] * 2)


@pytest.mark.slow
@writing_files
@given(rows=told())
def test_predictions_for_label_studio_come_back(tmp_path: Path, rows: pd.DataFrame) -> None:
    WRITERS["labelstudio"](rows, tmp_path / "tasks.json")
    tasks = json.loads((tmp_path / "tasks.json").read_text())
    assert [task["data"]["file"] for task in tasks] == list(rows["image"].unique())
    seen = {}
    for task in tasks:
        data = task["data"]
        assert data["image"].startswith(LOCAL_FILES) and " " not in data["image"]
        assert unquote(data["image"].removeprefix(LOCAL_FILES)) == data["file"]
        told_of = {entry["region"]: entry for entry in data["people"]}
        versions = [prediction["model_version"] for prediction in task["predictions"]]
        assert len(set(versions)) == len(versions)
        for prediction in task["predictions"]:
            regions = prediction["result"]
            heads = {r["id"]: r for r in regions if r.get("from_name") == "head"}
            scores = [told_of[head]["score"] for head in heads]
            if scores[0] is not None:
                assert prediction["score"] == pytest.approx(np.mean(scores))
            else:
                assert "score" not in prediction
            for head in heads:
                of_head = {r["from_name"]: r for r in regions if r.get("id") == head}
                targets = [r for r in regions if r.get("parentID") == head]
                seen[head] = (data["file"], told_of[head], of_head, targets, prediction)
    assert len(seen) == len(rows)
    for _, row in rows.iterrows():
        head = f"head-{row['person']}-{row['annotator']}"
        file, kept, of_head, targets, prediction = seen[head]
        known = {name: value for name, value in kept.items() if value is not None}
        assert known == {**expected(row), "region": head} and file == row["image"]
        numbered = f"annotator {row['annotator']}"
        source = row["source"]
        assert prediction["model_version"] == (numbered if source == "annotator" else source)
        percent = np.array([row["width"], row["height"]]) / 100
        value = of_head["head"]["value"]
        corner = np.array([value["x"], value["y"]])
        sides = np.array([value["width"], value["height"]])
        assert corner.min() >= 0 and (corner + sides).max() <= 100 + 1e-9
        found = np.concatenate([corner * percent, (corner + sides) * percent])
        np.testing.assert_allclose(found, cut(row), atol=1e-9)
        size = {"original_width": row["width"], "original_height": row["height"]}
        assert size.items() <= of_head["head"].items()
        assert ("in_frame" in of_head) == (not pd.isna(row["in_frame"]))
        if "in_frame" in of_head:
            assert of_head["in_frame"]["value"]["choices"] == [ANSWERS[bool(row["in_frame"])]]
        assert len(targets) == np.isfinite(row["gaze_x"])
        for target in targets:
            point = [target["value"]["x"], target["value"]["y"]]
            assert point == pytest.approx([100 * row["gaze_x"], 100 * row["gaze_y"]])
            link = {"type": "relation", "from_id": head, "to_id": target["id"]}
            assert any(link.items() <= region.items() for region in prediction["result"])


def test_the_labelling_configuration_has_what_the_predictions_name(tmp_path: Path) -> None:
    """What Label Studio checks of an import: names, kinds, values; a keypoint's order for its exports."""
    rows = pd.DataFrame([{**dict.fromkeys(ROWS, 1), "image": "a.png", "in_frame": True}])
    WRITERS["labelstudio"](rows.astype({"in_frame": "boolean"}), tmp_path / "tasks.json", "s3://b/")
    root = ET.parse(tmp_path / "tasks.xml").getroot()
    controls = {tag.get("name"): tag for tag in root if tag.get("toName")}
    (task,) = json.loads((tmp_path / "tasks.json").read_text())
    assert task["data"]["image"] == "s3://b/a.png"
    assert root.find("Image").get("value") == "$image"  # type: ignore[union-attr]
    for region in task["predictions"][0]["result"]:
        if region["type"] == "relation":
            continue
        control = controls[region["from_name"]]
        assert control.tag.lower() == region["type"] and control.get("toName") == region["to_name"]
        values = {tag.get("value") for tag in control}
        assert set(region["value"][region["type"]]) <= values
    assert controls["gaze_target"][0].get("model_index") == "0"
    with pytest.raises(InputError, match=r"tasks\.xml: found a name that ends with \.xml"):
        WRITERS["labelstudio"](rows, tmp_path / "tasks.xml")


@pytest.mark.slow
@writing_files
@given(rows=told())
def test_cvat_comes_back(tmp_path: Path, rows: pd.DataFrame) -> None:
    WRITERS["cvat"](rows, tmp_path / "annotations.xml")
    root = ET.parse(tmp_path / "annotations.xml").getroot()
    assert root.tag == "annotations" and root.findtext("version") == "1.1"
    declared = {
        label.findtext("name"): {entry.findtext("name") for entry in label.iter("attribute")}
        for label in root.iter("label")
    }
    assert declared.keys() == {"head", "gaze_target"} and root.find("meta/task") is not None
    spec = json.loads((tmp_path / "annotations.labels.json").read_text())
    assert [label["type"] for label in spec] == ["rectangle", "points"]
    assert declared == {
        label["name"]: {entry["name"] for entry in label["attributes"]} for label in spec
    }
    seen: dict[tuple[str, str], tuple[str, list[ET.Element]]] = {}
    for image in root.iter("image"):
        groups: dict[str | None, list[ET.Element]] = {}
        for shape in image:
            groups.setdefault(shape.get("group_id"), []).append(shape)
        for shapes in groups.values():
            said = {entry.get("name"): entry.text or "" for entry in shapes[0]}
            seen[said["person"], said["annotator"]] = (image.get("name", ""), shapes)
    assert len(seen) == len(rows)
    for _, row in rows.iterrows():
        name, shapes = seen[str(row["person"]), str(row["annotator"])]
        assert name == row["image"]
        assert [shape.tag for shape in shapes] == ["box", "points"][: len(shapes)]
        box = [float(shapes[0].get(side, "")) for side in ("xtl", "ytl", "xbr", "ybr")]
        assert box == cut(row).tolist()
        assert len(shapes) == 1 + np.isfinite(row["gaze_x"])
        for shape in shapes:
            said = {entry.get("name"): entry.text or "" for entry in shape}
            assert said.keys() <= declared[shape.get("label")]
            known = expected(row)
            assert said.keys() == known.keys()
            for key, value in known.items():
                if isinstance(value, str):
                    assert said[key] == value
                elif key == "in_frame":
                    assert said[key] == str(bool(value)).lower()
                else:
                    assert float(said[key]) == value  # to the last bit
        if len(shapes) == 2:
            point = [float(side) for side in shapes[1].get("points", "").split(",")]
            assert point == [row["gaze_x"] * row["width"], row["gaze_y"] * row["height"]]


def test_a_text_that_xml_cannot_hold_is_refused(tmp_path: Path) -> None:
    row = {**dict.fromkeys(ROWS, 1), "image": "a.png", "in_frame": True, "label": "a\x0bb"}
    rows = pd.DataFrame([row]).astype({"in_frame": "boolean"})
    with pytest.raises(InputError, match=r"found 'a\\\\x0bb', a text with a control character"):
        WRITERS["cvat"](rows, tmp_path / "annotations.xml")
    assert not list(tmp_path.iterdir())
