"""Small good data sets and what comes with them: tables, names, depth, films, results of others."""

import json
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from good_files import DIGEST, IDS, people
from PIL import Image

from gcdr.base.errors import InputError
from gcdr.base.files import write_json
from gcdr.data.depth_maps import save_depth
from gcdr.data.label_space import LabelSpace, write_label_space
from gcdr.data.originals import write_originals
from gcdr.data.parquet import write_table
from gcdr.data.split import split_labels
from gcdr.data.tokens import new_tokens
from gcdr.datasets.assemble import Dataset
from gcdr.datasets.gazehoi import COLUMNS
from gcdr.datasets.read import read_dataset
from gcdr.verification.submission import submission
from gcdr.video.writing import written_video

NAMES = ("ball", "cup", "t-shirt")
SIZE = (64, 48)


def picture(path: Path, size: tuple[int, int] = SIZE) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(5).integers(0, 255, (*size[::-1], 3), np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def read_source(source: Mapping[str, Any]) -> Dataset:
    """A data set as the configuration names it, or its errors in one line."""
    found = read_dataset(source)
    if errors := found.problems.errors:
        raise InputError("; ".join(problem.lines()[0] for problem in errors))
    return found


# Artefacts of a run


def originals(folder: Path) -> Path:
    for name in people()["image"].unique():
        picture(folder / name, (32, 24))
    labels = split_labels(people(), 50, 0, 0, "person")
    write_originals(people(), labels, folder, 8, folder / "originals.h5")
    return folder / "originals.h5"


def tokens(folder: Path) -> Path:
    path = folder / "tokens.h5"
    pictures = [folder / name for name in people()["image"].unique()]
    for name in pictures:
        picture(name, (32, 24))
    with new_tokens(people(), (3, 2, 2), "0" * 64, path, "made") as array:
        for index, name in enumerate(pictures):
            array.put(index, np.full((1, 2, 3, 2, 2), index, np.float16), [name], {})
    return path


def named_people(folder: Path) -> Path:
    place = IDS % 3
    table = pd.DataFrame({"sample_id": IDS, "name": np.array(NAMES)[place], "place": place})
    table = table.assign(confidence=0.5)
    write_table(table, folder / "names.parquet", DIGEST)
    return folder / "names.parquet"


def label_space(folder: Path) -> Path:
    embeddings = torch.nn.functional.normalize(torch.randn(3, 8), dim=1).numpy()
    write_label_space(folder / "text", LabelSpace(NAMES, embeddings, "world"))
    return folder / "text/embeddings.safetensors"


# What users bring


def vocabulary(folder: Path) -> Path:
    (folder / "vocab2id.json").write_text(json.dumps({name: n for n, name in enumerate(NAMES)}))
    return folder / "vocab2id.json"


def words(folder: Path) -> Path:
    (folder / "words.txt").write_text("\n".join(NAMES) + "\n")
    return folder / "words.txt"


def depth(folder: Path) -> Path:
    made_of = picture(folder / "1.jpg")
    save_depth(folder / "depth/1.png", np.arange(64 * 48.0).reshape(48, 64), made_of)
    return folder / "depth/1.png"


def result_file(folder: Path) -> Path:
    numbers = {"published": 0.9, "measured": 0.9, "low": 0.8, "high": 1, "agrees": True, "own": 0.9}
    about = {"claim": "c", "title": "C", "dataset": "d", "people": 9, "of": 9}
    result = {**about, "metrics": {"auc": numbers}}
    write_json(folder / "submission.json", submission(result, {}, "cpu", 1.0))
    return folder / "submission.json"


def named_gazefollow(folder: Path) -> Path:
    """GazeFollow with names; the file of pseudo-labels is returned."""
    line = "{},{},0,0,1,1,.5,.2,.5,.5,10,10,50,40,{}s,m\n"
    files = {
        "val_annotations_new.txt": line.format("train/a.png", 7, "1,"),
        "test_annotations_release.txt": line.format("test2/c.png", 0, ""),
        "gaze-labels-val.csv": "path,id,split,gaze_pseudo_label,label_id\ntrain/a.png,7,val,t-shirt,2\n",
        "gaze-labels-test.csv": "path,eyes_closed,outside_frame,uncertain,gaze_gt_labels,gaze_gt_label,"
        "label_id,test_label_id\ntest2/c.png,0,0,1,t-shirt-cup,t-shirt,2,0\n",
    }
    for name, text in files.items():
        (folder / name).write_text(text)
    vocabulary(folder)
    picture(folder / "train/a.png"), picture(folder / "test2/c.png")
    return folder / "gaze-labels-val.csv"


def named_test(folder: Path) -> Path:
    """The same; the file of accepted names is returned."""
    return named_gazefollow(folder).with_name("gaze-labels-test.csv")


def gazehoi(folder: Path) -> Path:
    picture(folder / "images/a.png")
    row = [
        "a.png",
        "p1",
        "cup",
        "\"['mug']\"",
        *["30", "10", "50", "30", "40", "20", "4", "5", "24", "25"],
    ]
    rows = [",".join(COLUMNS), ",".join(row), ",".join(["a.png", "p2", *row[2:]])]
    (folder / "gazehoi-train.csv").write_text("\n".join(rows) + "\n")
    return folder / "gazehoi-train.csv"


def childplay(folder: Path) -> Path:
    for number in (101, 102):
        picture(folder / f"images/v_101-102/v_{number}.jpg")
    head = "clip,frame,person_id,bbox_x,bbox_y,bbox_width,bbox_height,gaze_class,gaze_x,gaze_y,is_child"
    rows = [head, *(f"v_101-102,{n},p1,4,5,20,20,inside_visible,32,24,1" for n in (1, 2))]
    path = folder / "annotations/train/v_101-102.csv"
    path.parent.mkdir(parents=True)
    path.write_text("\n".join(rows) + "\n")
    return path


def gooreal(folder: Path) -> Path:
    picture(folder / "8/cam1/1.jpg")
    ann = {"bboxes": np.array([[160.0, 120, 320, 240]]), "labels": np.array([25])}
    point = {"gaze_cx": 384, "gaze_cy": 336, "hx": 200, "hy": 156, "gaze_item": 17}
    entry = {"filename": "8\\cam1\\1.jpg", "ann": ann, **point}
    (folder / "testrealhumans.pickle").write_bytes(pickle.dumps([entry]))
    return folder / "testrealhumans.pickle"


def video(folder: Path) -> Path:
    with written_video(folder / "walk.mp4", 10) as writer:
        for number in range(12):
            writer.add(Image.new("RGB", SIZE, (20 * number, 90, 60)), number / 10)
    return folder / "walk.mp4"


def tracks(folder: Path) -> Path:
    """A table of heads in a video, which lies beside it."""
    video(folder)
    rows = [f"{n},4,5,24,25,one" for n in range(3)]
    head = "frame,head_x0,head_y0,head_x1,head_y1,track"
    (folder / "tracks.csv").write_text("\n".join([head, *rows]) + "\n")
    return folder / "tracks.csv"
