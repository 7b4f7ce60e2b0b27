"""Labels, pseudo-labels and predictions in the formats that other code reads.

What is exported is a table of rows, one an annotation: the columns of ``ROWS``. Every format keeps image,
head box and gaze point; what else it can say differs, and what it cannot say is refused or, where
``docs/export.md`` says so, left out. What a label split hides is never read here.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from gcdr.base import csvtext
from gcdr.base.errors import InputError
from gcdr.base.files import atomic, write_json
from gcdr.data.heatmaps import peak_points
from gcdr.data.manifest import (
    BOX,
    CONTEXT,
    LABEL_SOURCE,
    people_digest,
    read_annotation_table,
    read_people,
)
from gcdr.data.shown import read_shown
from gcdr.data.split import UNLABELLED
from gcdr.data.stores import read_labels

GAZE = ["gaze_x", "gaze_y"]
ROWS = [
    "person",
    "image",
    "width",
    "height",
    *BOX,
    *GAZE,
    "in_frame",
    "label",
    "split",
    "annotator",
    "source",
]


def collect_rows(
    manifest: Path,
    labels: Path | None = None,
    maps: Path | None = None,
    annotations: Path | None = None,
    decode: str = "centre",
) -> pd.DataFrame:
    """People of a data set with what is known or said about where they look.

    Args:
        manifest: the manifest; its own labels are not read.
        labels: what a label split shows.
        maps: label store of pseudo-labels or predictions; a person's point is the map's peak. Where a
            person has a label too, the label counts.
        annotations: the annotators' points of test people.
        decode: how a point is read off a map, see :func:`gcdr.data.heatmaps.peak_points`.

    Returns:
        the columns of ``ROWS`` by ``person``, which is the ``sample_id``, and annotator; ``source`` is
        ``label``, ``map`` or ``annotator``, and ``in_frame`` is nullable. Behind them those of
        ``gcdr.data.manifest.CONTEXT`` that the manifest has, and ``label_source`` where the labels have it:
        a map's point is ``predicted``, an annotator's ``given``.

    Raises:
        InputError: nothing to export is given or in it, or a store is of other people or holds
            several maps of each.
    """
    people = read_people(manifest)
    digest = people_digest(people)
    parts = []
    if labels is not None:
        shown = read_shown(labels, digest)
        shown = shown[shown["role"] != UNLABELLED].assign(source="label")
        kept = ["sample_id", *GAZE, "in_frame", "label", "source", LABEL_SOURCE]
        parts.append(shown[[name for name in kept if name in shown]])
    if annotations is not None:
        points = read_annotation_table(annotations, digest)
        parts.append(points.assign(in_frame=points["gaze_x"].notna(), source="annotator"))
    if maps is not None:
        store = read_labels(maps, digest)
        if store.heatmap.ndim > 3:
            raise InputError(
                f"{maps}: found {store.heatmap.shape[1]} maps of each person, expected one; export those "
                "whose draws are averaged (a recipe that ends in k and their number)"
            )
        points = peak_points(torch.from_numpy(store.heatmap), decode).numpy()
        said = pd.DataFrame({"sample_id": store.sample_id, "in_frame": True, "source": "map"})
        said[GAZE] = points
        known = np.concatenate([np.zeros(0, int), *(part["sample_id"] for part in parts)])
        parts.append(said[store.valid & ~said["sample_id"].isin(known)])
    rows = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
    if rows.empty:
        raise InputError(
            f"{manifest}: nothing to export; give labels, maps or annotations of its people"
        )
    rows = rows.merge(people, on="sample_id", how="inner", validate="many_to_one")
    more = [name for name in (*CONTEXT, LABEL_SOURCE) if name in rows]
    if LABEL_SOURCE in more:
        said = rows["source"].map({"map": "predicted", "annotator": "given"})
        rows[LABEL_SOURCE] = rows[LABEL_SOURCE].where(rows[LABEL_SOURCE].notna(), said)
    rows = rows.rename(columns={"sample_id": "person"}).reindex(columns=[*ROWS, *more])
    rows["annotator"] = rows["annotator"].fillna(0).astype(int)
    rows["in_frame"] = rows["in_frame"].astype("boolean")
    rows["split"] = rows["split"].replace({"labelled": "train", "unlabelled": "train"})  # of a pool
    return rows.sort_values(["person", "annotator"], ignore_index=True)


def write_csv(rows: pd.DataFrame, path: Path) -> None:
    """The CSV of one's own folder (``kind: folder``); it can hold everything."""
    table = rows.drop(columns=["width", "height"])
    table["in_frame"] = rows["in_frame"].map({True: "true", False: "false"})
    csvtext.write_csv(table, path)


def write_gazefollow(rows: pd.DataFrame, path: Path) -> None:
    """GazeFollow's text files, ``{train,test}_annotations_release.txt`` in the folder ``path``.

    ``eye_x`` and ``eye_y`` are the centre of the head box, ``eye_x`` moved by a millionth where two test
    people of an image would share it, because readers tell people apart by it. Body boxes are -1.

    Raises:
        InputError: a split, or a test person out of the frame, that the files cannot say.
    """
    rows = _train_or_test(rows, "GazeFollow's text")
    outside = rows["in_frame"].eq(False).fillna(False).to_numpy(bool)
    rows = rows[rows["gaze_x"].notna() | outside]
    lost = rows[(rows["split"] == "test") & rows["in_frame"].eq(False)]
    if len(lost):
        raise InputError(
            f"{lost['image'].iloc[0]}: a test person who looks out of the frame; GazeFollow's text has "
            f"no way to say so ({len(lost)} such row(s)); export another format"
        )
    size = rows[["width", "height"] * 2].to_numpy(float)
    eye = (rows[BOX].to_numpy(float) / size).reshape(-1, 2, 2).mean(1)
    people = rows[["person", "image"]].assign(eye=eye[:, 0].round(6)).drop_duplicates("person")
    moved = people.groupby(["image", "eye"]).cumcount().set_axis(people["person"])
    again = rows["person"].map(moved)
    table = pd.DataFrame({"path": rows["image"].to_numpy(), "idx": np.arange(len(rows))})
    table[["body_x", "body_y", "body_w", "body_h"]] = -1
    table["eye_x"], table["eye_y"] = eye[:, 0].round(6) + 1e-6 * again.to_numpy(), eye[:, 1]
    table[GAZE] = rows[GAZE].fillna(-1).to_numpy()
    table[BOX] = rows[BOX].to_numpy()
    table["inout"] = rows["in_frame"].ne(False).fillna(True).to_numpy(int)
    table["meta"], table["name"] = rows["source"].to_numpy(), rows["image"].map(_last).to_numpy()
    for split, part in table.groupby(rows["split"].to_numpy()):
        part = part.drop(columns="inout") if split == "test" else part
        with atomic(path / f"{split}_annotations_release.txt") as temporary:
            part.to_csv(temporary, index=False, header=False)


def write_gazelle(rows: pd.DataFrame, path: Path) -> None:
    """The JSON of Gaze-LLE's preprocessing, ``{train,test}_preprocessed.json`` in the folder ``path``.

    Raises:
        InputError: a split that the files cannot say.
    """
    rows = _train_or_test(rows, "Gaze-LLE's JSON")
    for split, part in rows.groupby("split"):
        images = []
        for (image, width, height), people in part.groupby(
            ["image", "width", "height"], sort=False
        ):
            heads = [
                _head(number, head, width, height)
                for number, (_, head) in enumerate(people.groupby("person", sort=False))
            ]
            entry = {"path": image, "width": int(width), "height": int(height)}
            images.append({**entry, "num_heads": len(heads), "heads": heads})
        write_json(path / f"{split}_preprocessed.json", images)


def _head(number: int, points: pd.DataFrame, width: int, height: int) -> dict[str, Any]:
    box = points[BOX].iloc[0].tolist()
    known = points[points["gaze_x"].notna()]
    inside = points["in_frame"].iloc[0]
    return {
        "bbox": box,
        "bbox_norm": [value / side for value, side in zip(box, (width, height) * 2, strict=True)],
        "inout": None if pd.isna(inside) else int(inside),
        "gazex": (known["gaze_x"] * width).tolist(),
        "gazey": (known["gaze_y"] * height).tolist(),
        "gazex_norm": known["gaze_x"].tolist(),
        "gazey_norm": known["gaze_y"].tolist(),
        "head_id": number,
        "num_annot": len(known),
    }


def write_coco(rows: pd.DataFrame, path: Path) -> None:
    """COCO's JSON with one category ``head`` whose single keypoint is the gaze target, in pixels.

    The visibility is 2 where the target is inside the image and known, else 0. What COCO has no field for
    stands in ``attributes`` of the annotation: ``person``, ``in_frame``, ``label``, ``split``,
    ``annotator``, ``source``.
    """
    names = rows.drop_duplicates("image").reset_index(drop=True)
    images = [
        {"id": number, "file_name": row.image, "width": int(row.width), "height": int(row.height)}
        for number, row in enumerate(names.itertuples(), start=1)
    ]
    number_of = {image["file_name"]: image["id"] for image in images}
    extra = ["person", "in_frame", "label", "split", "annotator", "source"]
    extra = json.loads(rows[extra].to_json(orient="records"))
    annotations = []
    for number, (row, attributes) in enumerate(zip(rows.itertuples(), extra, strict=True), start=1):
        box = [float(getattr(row, name)) for name in BOX]
        sides = [box[2] - box[0], box[3] - box[1]]
        known = bool(np.isfinite(row.gaze_x))
        point = [row.gaze_x * row.width, row.gaze_y * row.height, 2] if known else [0, 0, 0]
        annotations.append(
            {
                "id": number,
                "image_id": number_of[row.image],
                "category_id": 1,
                "bbox": [*box[:2], *sides],
                "area": sides[0] * sides[1],
                "iscrowd": 0,
                "keypoints": point,
                "num_keypoints": int(known),
                "attributes": attributes,
            }
        )
    head = {"id": 1, "name": "head", "supercategory": "person"}
    categories = [{**head, "keypoints": ["gaze_target"], "skeleton": []}]
    write_json(path, {"images": images, "annotations": annotations, "categories": categories})


FORMATS: dict[str, Callable[[pd.DataFrame, Path], None]] = {
    "csv": write_csv,
    "gazefollow": write_gazefollow,
    "gazelle": write_gazelle,
    "coco": write_coco,
}


def _train_or_test(rows: pd.DataFrame, what: str) -> pd.DataFrame:
    odd = rows[~rows["split"].isin(["train", "test"])]
    if len(odd):
        raise InputError(
            f"{odd['image'].iloc[0]}: split {odd['split'].iloc[0]!r}; {what} knows train and test only "
            f"({len(odd)} such row(s)); export another format"
        )
    return rows


def _last(name: str) -> str:
    return name.rsplit("/", 1)[-1]
