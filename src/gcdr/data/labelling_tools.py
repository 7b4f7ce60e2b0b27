"""Exports that people correct: predictions for Label Studio, and CVAT's XML for images.

Both show the head box and the gaze point as shapes that belong together. Boxes are cut at the image, since
neither tool takes more; the exact numbers stand beside them.
"""

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import pandas as pd

from gcdr.base.errors import InputError
from gcdr.base.files import atomic, write_json
from gcdr.base.texts import has_control, printable
from gcdr.data.export_rows import GAZE, SCORE, statements_of
from gcdr.data.manifest import BOX

HEAD, TARGET, IN_FRAME = "head", "gaze_target", "in_frame"
LOCAL_FILES = "/data/local-files/?d="
"""Where Label Studio serves files below ``LOCAL_FILES_DOCUMENT_ROOT``."""
ANSWERS = {True: "in the frame", False: "out of the frame", None: "cannot tell"}
LABELLING = f"""<View>
  <Image name="image" value="$image" zoom="true" zoomControl="true"/>
  <RectangleLabels name="{HEAD}" toName="image">
    <Label value="{HEAD}" background="#0072B2"/>
  </RectangleLabels>
  <KeyPointLabels name="{TARGET}" toName="image">
    <Label value="{TARGET}" background="#D55E00" model_index="0"/>
  </KeyPointLabels>
  <Choices name="{IN_FRAME}" toName="image" perRegion="true" whenTagName="{HEAD}" choice="single">
    <Choice value="{ANSWERS[True]}"/>
    <Choice value="{ANSWERS[False]}"/>
    <Choice value="{ANSWERS[None]}"/>
  </Choices>
</View>
"""
POINT = 0.8  # width of a point on the screen, in percent of the image


def write_labelstudio(rows: pd.DataFrame, path: Path, prefix: str = LOCAL_FILES) -> None:
    """Label Studio's tasks with predictions, and the labelling configuration beside them (ending ``.xml``).

    A task is an image: ``data.image`` is its address, and ``data.people`` keeps what shapes cannot say of
    each row, with the id of its rectangle. A prediction holds all of the image that is from one source: its
    ``model_version`` is ``label``, ``map`` or ``annotator N``, its ``score`` the mean of its rows' scores. Of
    each row there is a rectangle ``head``, where the gaze is known a keypoint ``gaze_target`` whose parent it
    is and that a relation leads to, and where that is known a choice ``in_frame`` of the rectangle.

    Args:
        rows: what is exported.
        path: the JSON file.
        prefix: what stands before the image's name in its address.

    Raises:
        InputError: ``path`` ends with .xml, so that the configuration would take its place.
    """
    if path.suffix == ".xml":
        raise InputError(f"{path}: found a name that ends with .xml, expected one of a JSON file")
    tasks = []
    for _, people in _by_image(rows):
        first = people[0]
        data = {"image": prefix + quote(first["image"]), "file": first["image"]}
        data |= {k: first[k] for k in ("sequence", "frame") if first.get(k) is not None}
        sources: dict[str, list[dict[str, Any]]] = {}
        for row in people:
            sources.setdefault(_version(row), []).append(row)
        predictions = []
        for version, told in sources.items():
            regions = [region for row in told for region in _regions(row)]
            scores = [row[SCORE] for row in told if row.get(SCORE) is not None]
            score = {"score": float(np.mean(scores))} if scores else {}
            predictions.append({"model_version": version, **score, "result": regions})
        data["people"] = [
            {**row["said"], "region": _region_id(row), **row["exact"]} for row in people
        ]
        tasks.append({"data": data, "predictions": predictions})
    with atomic(path.with_suffix(".xml")) as temporary:
        temporary.write_text(LABELLING)
    write_json(path, tasks)


def write_cvat(rows: pd.DataFrame, path: Path) -> None:
    """``CVAT for images 1.1``: an XML file that CVAT and datumaro read.

    Of each row there is a box ``head`` and, where the gaze is known, points ``gaze_target`` of the same
    ``group_id``. Everything else that is known stands in attributes of both, all of them texts, the head box
    uncut and the gaze point in shares of the image too. What is not known has no attribute. The labels that a
    task of CVAT must have lie beside the file (ending ``.labels.json``), as its "Raw" editor takes them.

    Raises:
        InputError: a text holds a control character, which XML cannot.
    """
    images = list(_by_image(rows))
    root = ET.Element("annotations")
    ET.SubElement(root, "version").text = "1.1"
    task = ET.SubElement(ET.SubElement(root, "meta"), "task")
    names = list(dict.fromkeys(n for _, people in images for row in people for n in _texts(row)))
    spec = _cvat_labels(names)
    for name, text in (("name", path.stem), ("size", str(len(images))), ("mode", "annotation")):
        ET.SubElement(task, name).text = text
    labels = ET.SubElement(task, "labels")
    for one in spec:
        label = ET.SubElement(labels, "label")
        for key in ("name", "type"):
            ET.SubElement(label, key).text = one[key]
        attributes = ET.SubElement(label, "attributes")
        for attribute in one["attributes"]:
            entry = ET.SubElement(attributes, "attribute")
            for key, value in attribute.items():
                ET.SubElement(entry, key).text = "".join(value) if key == "values" else str(value)
    group = 0
    for number, people in images:
        first = people[0]
        size = {"width": str(first["width"]), "height": str(first["height"])}
        named = {"id": str(number), "name": _plain(first["image"])}
        image = ET.SubElement(root, "image", {**named, **size})
        for row in people:
            group += 1
            shared = {"source": "auto", "occluded": "0", "z_order": "0", "group_id": str(group)}
            corners = zip(("xtl", "ytl", "xbr", "ybr"), map(repr, row["box"]), strict=True)
            shapes = [ET.SubElement(image, "box", {"label": HEAD, **dict(corners), **shared})]
            if row["point"] is not None:
                place = ",".join(map(repr, row["point"]))
                points = {"label": TARGET, "points": place, **shared}
                shapes.append(ET.SubElement(image, "points", points))
            for shape in shapes:
                for name, text in _texts(row).items():
                    ET.SubElement(shape, "attribute", name=name).text = text
    ET.indent(root)
    write_json(path.with_suffix(".labels.json"), spec)
    with atomic(path) as temporary:
        ET.ElementTree(root).write(temporary, encoding="utf-8", xml_declaration=True)


def _cvat_labels(names: list[str]) -> list[dict[str, Any]]:
    """The two labels, each with attributes of these names."""
    text = {"mutable": False, "input_type": "text", "default_value": "", "values": [""]}
    attributes = [{"name": name, **text} for name in names]
    kinds = {HEAD: "rectangle", TARGET: "points"}
    return [{"name": k, "type": kind, "attributes": attributes} for k, kind in kinds.items()]


def _by_image(rows: pd.DataFrame) -> Iterator[tuple[int, list[dict[str, Any]]]]:
    """Number of each image and its rows: what is kept beside, and box and point in pixels within it."""
    rows = rows.reset_index(drop=True)
    said = statements_of(rows)
    size = rows[["width", "height"]].to_numpy(float)
    box = np.clip(rows[BOX].to_numpy(float), 0, np.tile(size, 2))
    gaze = rows[GAZE].to_numpy(float)
    point = np.clip(gaze, 0, 1) * size
    for number, (image, part) in enumerate(rows.groupby("image", sort=False)):
        people = []
        for at in part.index:
            known = bool(np.isfinite(gaze[at]).all())
            exact = {name: float(rows[name].iat[at]) for name in BOX}
            exact |= dict(zip(GAZE, gaze[at].tolist(), strict=True)) if known else {}
            entry = {"image": image, "width": int(size[at, 0]), "height": int(size[at, 1])}
            entry |= {"box": box[at].tolist(), "point": point[at].tolist() if known else None}
            people.append({**said[at], **entry, "said": said[at], "exact": exact})
        yield number, people


def _version(row: dict[str, Any]) -> str:
    annotator = row["source"] == "annotator"
    return f"annotator {row['annotator']}" if annotator else str(row["source"])


def _region_id(row: dict[str, Any]) -> str:
    return f"{HEAD}-{row['person']}-{row['annotator']}"


def _regions(row: dict[str, Any]) -> list[dict[str, Any]]:
    """Label Studio's regions of a row, in percent of the image."""
    width, height = row["width"], row["height"]
    percent = 100 / np.array([width, height])
    corner, end = np.reshape(row["box"], (2, 2)) * percent
    sides = np.minimum(end - corner, 100 - corner).tolist()
    place = dict(zip(("x", "y", "width", "height"), [*corner.tolist(), *sides], strict=True))
    common = {"to_name": "image", "original_width": width, "original_height": height}
    common |= {"image_rotation": 0}
    common |= {"score": row[SCORE]} if row.get(SCORE) is not None else {}
    head, target = _region_id(row), f"{TARGET}-{row['person']}-{row['annotator']}"
    named = [f"person {row['person']}"]
    named += [f"{k} {row[k]}" for k in ("track", "frame") if row.get(k) is not None]

    def region(name: str, kind: str, value: dict[str, Any], **more: Any) -> dict[str, Any]:
        labelled = {**value, "rotation": 0} if kind == "rectanglelabels" else value
        return {"from_name": name, "type": kind, **common, **more, "value": labelled}

    box = {**place, "rectanglelabels": [HEAD]}
    regions = [region(HEAD, "rectanglelabels", box, id=head, meta={"text": [", ".join(named)]})]
    if row[IN_FRAME] is not None:
        choice = {**place, "choices": [ANSWERS[bool(row[IN_FRAME])]]}
        regions.append(region(IN_FRAME, "choices", choice, id=head))
    if row["point"] is not None:
        x, y = np.minimum(np.array(row["point"]) * percent, 100).tolist()
        value = {"x": x, "y": y, "width": POINT, "keypointlabels": [TARGET]}
        regions.append(region(TARGET, "keypointlabels", value, id=target, parentID=head))
        regions.append({"type": "relation", "direction": "right", "from_id": head, "to_id": target})
    return regions


def _texts(row: dict[str, Any]) -> dict[str, str]:
    """A row's attributes in XML: truth values in small letters, numbers in full."""
    known = {k: v for k, v in {**row["said"], **row["exact"]}.items() if v is not None}
    return {
        k: str(v).lower() if isinstance(v, bool) else _plain(v) if isinstance(v, str) else repr(v)
        for k, v in known.items()
    }


def _plain(text: str) -> str:
    if has_control(text):
        raise InputError(
            f"found {printable(text)!r}, a text with a control character, which XML cannot hold; "
            "expected another format"
        )
    return text
