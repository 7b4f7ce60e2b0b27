"""Labels, pseudo-labels and predictions in the formats that other code reads.

What is exported are the rows of :mod:`gcdr.data.export_rows`. Every format keeps image,
head box and gaze point; what else it can say differs, and what it cannot say is refused or, where
``docs/export.md`` says so, left out.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gcdr.base import csvtext
from gcdr.base.errors import InputError
from gcdr.base.files import atomic, write_json
from gcdr.data.export_rows import FROM_MAP, GAZE, SCORE, collect_rows, statements_of
from gcdr.data.formats import FOLDERS
from gcdr.data.labelling_tools import write_cvat, write_labelstudio
from gcdr.data.manifest import BOX

OUT = -1.0
"""Pixels of the point of somebody who looks out of the frame, in Gaze-LLE's JSON."""

COCO_INFO = {
    "description": "Where people look: the keypoint of a head is its gaze target",
    "url": "",
    "version": "1.0",
    "year": 0,
    "contributor": "",
    "date_created": "",
}
"""What loaders of COCO look for, and what is the same whenever the file is written."""


def write_csv_rows(rows: pd.DataFrame, path: Path) -> None:
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

    As its own preprocessing does, boxes are cut at the image, and who looks out of the frame has the point
    (-1, -1) in pixels: its loader takes a point of everybody. People of whom nothing is known are left out.
    ``inout`` is 1 where a map does not tell; ``in_frame`` beside it is then null, and ``source``,
    ``sequence``, ``frame`` and those of ``FROM_MAP`` stand there where they are known.
    Where everybody of a split is of a sequence, the file is a list of sequences with their frames, as for
    VideoAttentionTarget, else a list of images, as for GazeFollow.

    Raises:
        InputError: a split that the files cannot say, or nobody is left.
    """
    rows = _train_or_test(rows, "Gaze-LLE's JSON")
    rows = rows[rows["gaze_x"].notna() | rows["in_frame"].eq(False).fillna(False).to_numpy(bool)]
    if rows.empty:
        raise InputError(
            f"{path}: nobody's gaze is known, and Gaze-LLE's JSON holds no others; export another format"
        )
    for split, part in rows.groupby("split"):
        clips = (
            part["sequence"] if "sequence" in part else pd.Series(None, part.index, dtype=object)
        )
        if clips.notna().all():
            content = [_clip(clip) for _, clip in part.groupby("sequence", sort=False)]
        else:
            content = _images(part)
        write_json(path / f"{split}_preprocessed.json", content)


def _clip(rows: pd.DataFrame) -> dict[str, Any]:
    """A sequence with its frames in their order; a head's number is its person's in the whole of it."""
    rows = rows.sort_values("frame", kind="stable") if "frame" in rows else rows
    first = rows.iloc[0]
    size = {"width": int(first["width"]), "height": int(first["height"])}
    return {"path": first["image"].rpartition("/")[0], **size, "frames": _images(rows)}


def _images(rows: pd.DataFrame) -> list[dict[str, Any]]:
    rows = rows.reset_index(drop=True)
    said = statements_of(rows)
    tracks = pd.Index(rows["track"].dropna().unique()) if "track" in rows else pd.Index([])
    images = []
    for (image, width, height), people in rows.groupby(["image", "width", "height"], sort=False):
        heads = []
        for number, (_, points) in enumerate(people.groupby("person", sort=False)):
            track = points["track"].iloc[0] if "track" in points else None
            named = {} if track is None or pd.isna(track) else {"track": str(track)}
            number = int(tracks.get_loc(track)) if named else len(tracks) + number
            beside = _beside(said[points.index[0]])
            heads.append({**_head(number, points, width, height), **named, **beside})
        entry = {"path": image, "width": int(width), "height": int(height)}
        images.append({**entry, "num_heads": len(heads), "heads": heads})
    return images


def _head(number: int, points: pd.DataFrame, width: int, height: int) -> dict[str, Any]:
    sides = np.array([width, height] * 2, float)
    box = np.clip(points[BOX].iloc[0].to_numpy(float), 0, sides)
    known = points[points["gaze_x"].notna()]
    outside = np.array([[OUT, OUT]]) / sides[:2]
    gaze = known[GAZE].to_numpy(float) if len(known) else outside
    return {
        "bbox": box.tolist(),
        "bbox_norm": (box / sides).tolist(),
        "inout": int(len(known) > 0),
        "gazex": (gaze[:, 0] * width).tolist(),
        "gazey": (gaze[:, 1] * height).tolist(),
        "gazex_norm": gaze[:, 0].tolist(),
        "gazey_norm": gaze[:, 1].tolist(),
        "head_id": number,
        "num_annot": len(gaze),
    }


def _beside(said: dict[str, Any]) -> dict[str, Any]:
    """What Gaze-LLE's loader passes over: what ``inout`` cannot say, and how far a map is to be trusted."""
    names = ("source", "in_frame", "sequence", "frame", *FROM_MAP)
    return {name: said[name] for name in names if name == "in_frame" or said.get(name) is not None}


def write_coco(rows: pd.DataFrame, path: Path) -> None:
    """COCO's JSON with one category ``head`` whose single keypoint is the gaze target, in pixels.

    The visibility is 2 where the target is inside the image and known, else 0. Boxes are cut at the image and
    keypoints lie within its pixels, x in 0..width - 1 and y in 0..height - 1, as COCO's are. What COCO has no
    field for stands in ``attributes`` of the annotation: the head box uncut (columns of ``BOX``) and the gaze
    point as shares of the image (``GAZE``, null where unknown), ``person``, ``in_frame``, ``label``,
    ``split``, ``annotator``, ``source``, and where the data have them ``sequence``, ``track``, ``frame``,
    ``group``, ``label_source`` and those of ``FROM_MAP``. What is from a map has its ``score`` beside them,
    where results of COCO are asked for it.
    """
    names = rows.drop_duplicates("image").reset_index(drop=True)
    images = [
        {"id": number, "file_name": row.image, "width": int(row.width), "height": int(row.height)}
        for number, row in enumerate(names.itertuples(), start=1)
    ]
    number_of = {image["file_name"]: image["id"] for image in images}
    scores = rows[SCORE] if SCORE in rows else pd.Series(np.nan, rows.index)
    extra = [
        {name: value for name, value in said.items() if name != SCORE}
        for said in statements_of(rows)
    ]
    annotations = []
    entries = zip(rows.itertuples(), extra, scores.tolist(), strict=True)
    for number, (row, attributes, score) in enumerate(entries, start=1):
        exact = {name: float(getattr(row, name)) for name in BOX}
        size = np.array([row.width, row.height])
        corners = np.clip(np.reshape(list(exact.values()), (2, 2)), 0, size)
        sides = (corners[1] - corners[0]).tolist()
        known = bool(np.isfinite(row.gaze_x))
        gaze = [float(getattr(row, name)) for name in GAZE]
        point: list[float] = [0, 0, 0]
        if known:
            point = [*np.clip(size * np.array(gaze), 0, size - 1).tolist(), 2]
        annotations.append(
            {
                "id": number,
                "image_id": number_of[row.image],
                "category_id": 1,
                "bbox": [*corners[0].tolist(), *sides],
                "area": sides[0] * sides[1],
                "iscrowd": 0,
                "segmentation": [],
                "keypoints": point,
                "num_keypoints": int(known),
                "attributes": {
                    **attributes,
                    **exact,
                    **dict(zip(GAZE, gaze if known else [None, None], strict=True)),
                },
                **({"score": score} if np.isfinite(score) else {}),
            }
        )
    head = {"id": 1, "name": "head", "supercategory": "person"}
    categories = [{**head, "keypoints": ["gaze_target"], "skeleton": []}]
    content = {"info": COCO_INFO, "licenses": [], "images": images, "annotations": annotations}
    write_json(path, {**content, "categories": categories})


WRITERS: dict[str, Callable[..., None]] = {
    "csv": write_csv_rows,
    "gazefollow": write_gazefollow,
    "gazelle": write_gazelle,
    "coco": write_coco,
    "labelstudio": write_labelstudio,
    "cvat": write_cvat,
}


def export_pseudo(
    format: str, out: Path, manifest: Path, maps: Path, annotations: Path, labels: Path | None
) -> None:
    """Pseudo-labels as data to train on, with the labels that are known, as a folder in one of the formats.

    A pseudo-label is of the split ``train``, whatever its person is in the table: it is never measured on.

    Args:
        format: one of :data:`gcdr.data.formats.EXPORTED_FORMATS`.
        out: folder: ``labels.csv``, ``.xml`` or ``.json`` in it, and for ``FOLDERS`` their own files.
        manifest, maps, annotations, labels: see :func:`gcdr.data.export_rows.collect_rows`.

    Raises:
        InputError: as :func:`gcdr.data.export_rows.collect_rows`, or the format cannot say it.
    """
    rows = collect_rows(manifest, labels, maps, annotations)
    rows["split"] = rows["split"].mask(rows["source"].eq("map"), "train")
    ending = {"csv": "csv", "cvat": "xml"}.get(format, "json")
    with atomic(out) as temporary:
        if format not in FOLDERS:
            temporary.mkdir()
        WRITERS[format](rows, temporary if format in FOLDERS else temporary / f"labels.{ending}")


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
