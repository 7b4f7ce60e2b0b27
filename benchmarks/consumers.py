r"""Exports and checkpoints as the other side's programs take them, counted.

    python benchmarks/consumers.py

An export's member is a format and an odd row (:data:`ROWS`), given to the real code of its reader where
that can be installed beside our pins (pycocotools, supervision), else held to what its reader demands, and to
ours. A checkpoint's is an entry under which tensors stand and what stands before their names. Refused in one
line is right where docs/export.md says that the format cannot say it.
"""

import contextlib
import csv
import io
import itertools
import json
import sys
import tempfile
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import supervision
import torch
from PIL import Image
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from gcdr.base.errors import InputError
from gcdr.base.outlines import STATE_ENTRIES, tensor_shapes
from gcdr.data.export import WRITERS
from gcdr.data.manifest import BOX
from gcdr.datasets.read import read_dataset
from gcdr.models.checkpoints import read_state

SIZE = (64, 48)
PLAIN: dict[str, Any] = {
    "image": "a.png", "person": 0, "width": 64, "height": 48, "head_x0": 4.0, "head_y0": 5.0,
    "head_x1": 24.0, "head_y1": 25.0, "gaze_x": 0.5, "gaze_y": 0.5, "in_frame": True, "label": "cup",
    "split": "train", "annotator": 0, "source": "label", "score": np.nan,
}  # fmt: skip
NOWHERE = {"gaze_x": np.nan, "gaze_y": np.nan}
ROWS: dict[str, dict[str, Any]] = {
    "plain": {},
    "a box that leaves the picture": {"head_x0": -9.5, "head_y0": -3.0, "head_x1": 99.0},
    "a box below a pixel": {"head_x0": 4.2, "head_x1": 4.7, "head_y0": 5.1, "head_y1": 5.6},
    "looks out": NOWHERE | {"in_frame": False},
    "nobody knows where": NOWHERE | {"in_frame": pd.NA},
    "from a map": {"source": "map", "in_frame": pd.NA, "score": 0.75},
    "on the last border": {"gaze_x": 1.0, "gaze_y": 1.0},
    "on the first border": {"gaze_x": 0.0, "gaze_y": 0.0},
    "of test": {"split": "test"},
    "of test, looks out": NOWHERE | {"in_frame": False, "split": "test"},
    "of val": {"split": "val"},
    "a second annotator": {"split": "test", "annotator": 1},
    "a name of blanks and quotes": {"image": "b/ü ,\"'&.png"},
    "a name that is a formula": {"image": "=1+1.png"},
    "a noun that is a formula": {"label": "@SUM(A1)"},
    "a noun of two languages": {"label": "<b>cup</b> & 杯\u202e"},
    "no noun": {"label": None},
    "of a film": {"image": "images/Show/1_2/3.png", "sequence": "Show/1_2", "group": "Show",
                  "track": "s00", "frame": 3},
}  # fmt: skip
Reader = Callable[[Path, pd.DataFrame], None]


def cut(rows: pd.DataFrame) -> np.ndarray:
    return np.clip(rows[list(BOX)].to_numpy(float), 0, [*SIZE, *SIZE])


def demand(fits: object, what: str) -> None:
    if not fits:
        raise ValueError(what)


def coco(path: Path, rows: pd.DataFrame) -> None:
    held = COCO(str(path))
    held.info()
    found = held.loadAnns(held.getAnnIds())
    kept = ("image_id", "category_id", "bbox")
    same = [{name: one[name] for name in kept} | {"score": 0.5} for one in found]
    scored = COCOeval(held, held.loadRes(same), "bbox")
    scored.evaluate(), scored.accumulate(), scored.summarize()
    demand(abs(scored.stats[0] - 1) < 1e-6, "COCOeval does not find the heads again")
    for one in found:
        x, y, seen = one["keypoints"]
        demand(0 <= x <= SIZE[0] - 1 and 0 <= y <= SIZE[1] - 1, f"a keypoint at {x}, {y}")
        demand(seen or x == y == 0, "a keypoint that is not seen, and somewhere")
    data = supervision.DetectionDataset.from_coco(str(path.parent), str(path))
    boxes = np.concatenate([one.xyxy for _, _, one in data])
    demand(np.allclose(boxes, cut(rows), atol=1e-3), f"supervision found {boxes.tolist()}")


def gazelle(path: Path, rows: pd.DataFrame) -> None:
    """Its ``GazeDataset``: a crop by whole numbers, a point and an in/out of everybody."""
    for file in path.glob("*_preprocessed.json"):
        entries = json.loads(file.read_text())
        for image in itertools.chain(*(entry.get("frames", [entry]) for entry in entries)):
            with Image.open(path / image["path"]) as picture:
                for head in image["heads"]:
                    x0, y0, x1, y1 = map(int, head["bbox"])
                    demand(0 <= x0 <= x1 <= SIZE[0] and 0 <= y0 <= y1 <= SIZE[1], "a box outside")
                    picture.crop(head["bbox"]).load()
                    demand(head["inout"] in (0, 1), f"an inout of {head['inout']}")
                    point = head["gazex_norm"][0], head["gazey_norm"][0]
                    demand(head["inout"] == 0 or 0 <= min(point) <= max(point) <= 1, f"{point}")
                    demand(len(head["gazex"]) == head["num_annot"] == len(head["gazey"]), "points")
    read_back("gazelle", path, rows)


def gazefollow(path: Path, rows: pd.DataFrame) -> None:
    """VAT's loader: columns by their number, test people of one ``eye_x`` as one."""
    for split, columns in (("train", 17), ("test", 16)):
        file = path / f"{split}_annotations_release.txt"
        if file.exists():
            table = pd.read_csv(file, sep=",", names=range(columns), index_col=False)
            demand(table[[2, 3, 4, 5, 6, 7, 8, 9]].notna().all(axis=None), "a gap among numbers")
            demand(
                (table[[12, 13]].to_numpy() > table[[10, 11]].to_numpy()).all(), "a box backwards"
            )
            demand(split == "test" or set(table[14]) <= {0, 1}, "an inout of neither 0 nor 1")
    read_back("gazefollow", path, rows)


def read_back(kind: str, path: Path, rows: pd.DataFrame) -> None:
    source = {"kind": kind, "root": path}
    if kind == "folder":
        source = {"kind": kind, "images": str(path.parent), "table": str(path)}
    found = read_dataset(source)
    demand(not found.problems.errors, str([one.lines() for one in found.problems.errors])[:200])
    demand(found.manifest["image"].tolist() == rows["image"].unique().tolist(), "another picture")


def table(path: Path, rows: pd.DataFrame) -> None:
    """A spreadsheet: no cell of text is computed."""
    with path.open(newline="", encoding="utf-8-sig") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    texts = [cell for cell in cells if cell[:1] in ("=", "+", "-", "@", "\t")]
    for cell in texts:
        with contextlib.suppress(ValueError):
            float(cell)
            continue
        raise ValueError(f"a cell that is computed: {cell}")
    read_back("folder", path, rows)


def labelstudio(path: Path, rows: pd.DataFrame) -> None:
    """Its import: known names, shapes in per cent within the picture, relations between what is there."""
    names = {tag.get("name") for tag in ET.parse(path.with_suffix(".xml")).getroot()}
    for task in json.loads(path.read_text()):
        demand(" " not in task["data"]["image"], "an address with a blank")
        for prediction in task["predictions"]:
            regions = prediction["result"]
            ids = {region.get("id") for region in regions}
            for region in regions:
                if region["type"] == "relation":
                    demand({region["from_id"], region["to_id"]} <= ids, "a relation to nothing")
                    continue
                demand({region["from_name"], region["to_name"]} <= names, "an unknown name")
                value = region["value"]
                wide = 0 if "keypointlabels" in value else 1  # whose width is that of its dot
                far = [
                    value.get(at, 0) + wide * value.get(by, 0)
                    for at, by in (("x", "width"), ("y", "height"))
                ]
                near = min(value.get("x", 0), value.get("y", 0))
                demand(near >= 0 and max(far) <= 100 + 1e-9, "a shape outside")


def cvat(path: Path, rows: pd.DataFrame) -> None:
    """Its import: labels and attributes that the task has, boxes within the picture."""
    labels = json.loads(path.with_suffix(".labels.json").read_text())
    known = {one["name"]: {part["name"] for part in one["attributes"]} for one in labels}
    boxes = 0
    for image in ET.parse(path).getroot().iter("image"):
        for shape in (*image.iter("box"), *image.iter("points")):
            told = {part.get("name") for part in shape.iter("attribute")}
            demand(told <= known[str(shape.get("label"))], f"unknown attributes {told}")
        for box in image.iter("box"):
            boxes += 1
            x0, y0, x1, y1 = (float(str(box.get(name))) for name in ("xtl", "ytl", "xbr", "ybr"))
            demand(0 <= x0 <= x1 <= SIZE[0] and 0 <= y0 <= y1 <= SIZE[1], "a box outside")
    demand(boxes == len(rows), f"{boxes} boxes")


READERS: dict[str, tuple[Reader, str]] = {
    "csv": (table, "out.csv"), "gazefollow": (gazefollow, ""), "gazelle": (gazelle, ""),
    "coco": (coco, "out.json"), "labelstudio": (labelstudio, "out.json"), "cvat": (cvat, "out.xml"),
}  # fmt: skip
CANNOT = {
    "gazefollow": ("of test, looks out", "of val", "nobody knows where"),
    "gazelle": ("of val", "nobody knows where"),
}
"""What a format cannot say (docs/export.md), and refuses."""


def exported(form: str, name: str) -> str:
    """Empty, or what is wrong with a row in a format."""
    rows = pd.DataFrame([PLAIN | ROWS[name]]).astype({"in_frame": "boolean"})
    read, place = READERS[form]
    with tempfile.TemporaryDirectory() as folder:
        picture = Path(folder, rows["image"][0])
        picture.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", SIZE).save(picture)
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                WRITERS[form](rows, Path(folder, place))
                if name in CANNOT.get(form, ()):
                    return "written, though it cannot be said"
                read(Path(folder, place), rows)
        except InputError as error:
            right = name in CANNOT.get(form, ()) and "\n" not in str(error)
            return "" if right else f"refused: {error}"
        except Exception as error:
            return f"{type(error).__name__}: {str(error)[:200]}"
    return ""


def checkpoints() -> Iterator[tuple[str, str]]:
    """What training frameworks put around a model's tensors."""
    state = {"conv.weight": torch.arange(12.0).reshape(3, 4), "bn.running_mean": torch.ones(3)}
    before = (
        "",
        "module.",
        "_orig_mod.",
        "module.module.",
        "_orig_mod.module.",
        "module._orig_mod.",
    )
    others = ({}, {"epoch": 3, "loss": 0.5}, {"optimizer": {"state": {}, "param_groups": []}})
    for entry, prefix, other in itertools.product((None, *STATE_ENTRIES), before, others):
        if entry is None and other:
            continue
        named = {prefix + name: value for name, value in state.items()}
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "model.pt")
            torch.save(named if entry is None else {entry: named, **other}, path)
            try:
                found, _ = read_state(path)
                same = found.keys() == state.keys() and all(
                    torch.equal(found[name], state[name]) for name in state
                )
                planned = {
                    name: tuple(shape) for name, shape in (tensor_shapes(path) or {}).items()
                }
                same &= planned == {name: tuple(value.shape) for name, value in state.items()}
                said = "" if same else "other tensors"
            except Exception as error:
                said = f"{type(error).__name__}: {str(error)[:200]}"
        yield f"{entry or 'at the top'}, {prefix or 'bare'}, beside {sorted(other)}", said


def main() -> None:
    found = {
        "exports": [(f"{form}: {name}", exported(form, name)) for form in READERS for name in ROWS],
        "checkpoints": list(checkpoints()),
    }
    for group, said in found.items():
        bad = [f"  {name}: {what}" for name, what in said if what]
        print(f"{group}: {len(said)}, {len(bad)} wrong", *bad, sep="\n")
    count = sum(map(len, found.values()))
    wrong = sum(bool(what) for said in found.values() for _, what in said)
    print(f"{count} members, {wrong} wrong")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
