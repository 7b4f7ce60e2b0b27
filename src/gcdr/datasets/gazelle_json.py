"""The JSON that Gaze-LLE's preprocessing writes: GazeFollow, or frames of VideoAttentionTarget."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gcdr.base.errors import InputError
from gcdr.base.files import read_json
from gcdr.base.problems import Places, Problems
from gcdr.data.manifest import BOX
from gcdr.datasets.assemble import Dataset, Rules, assemble, frame_numbers
from gcdr.datasets.text import plain_name


def read_gazelle_json(root: Path, files: Sequence[Path]) -> Dataset:
    """Read ``train_preprocessed.json``, ``test_preprocessed.json`` or both, and the images in ``root``.

    Boxes are in pixels and already within the image; gaze points are ``gazex_norm``, ``gazey_norm``,
    lists with an entry an annotator, empty where there is none. Frames of sequences are taken as
    single images; their ``sequence`` is the folder that they lie in, SHOW/CLIP without ``images/``, and
    SHOW their ``group``; which head is whose through a clip is told by files that this package wrote, as
    ``track``.
    """
    problems, parts, places = Problems(), [], []
    for path in files:
        split = path.name.split("_")[0]
        rows, where = _file(path, split, problems)
        parts.append(rows)
        places.append(where)
    rows = pd.concat(parts, ignore_index=True)
    rows["group"] = rows["sequence"].astype(object).str.extract("(.+)/", expand=False)
    rows["frame"] = frame_numbers(rows["image"]).where(rows["sequence"].notna())
    return assemble("gazelle", rows, Places.join(places), root, problems, Rules(repair=True))


def _file(path: Path, split: str, problems: Problems) -> tuple[pd.DataFrame, Places]:
    """Rows of one file; an entry is an image, counted from 1 through all sequences."""
    heads, where = _heads(path, problems)
    places = Places((str(path),), np.zeros(len(heads), int), where, "entry")
    checks = (
        ("bbox", heads["bbox"].map(lambda value: _numbers(value, 4)), "four numbers of pixels"),
        ("inout", heads["inout"].isin([0, 1]) | heads["inout"].isna(), "0, 1 or null"),
        ("gazex_norm", heads["gazex_norm"].map(_numbers), "a list of numbers"),
        ("gazey_norm", heads["gazey_norm"].map(_numbers), "a list of numbers"),
    )
    right = np.ones(len(heads), bool)
    for column, fits, expected in checks:
        wrong = ~fits.to_numpy(bool)
        problems.rows("wrong value", f"heads[].{column}", expected, wrong, places, heads[column])
        right &= ~wrong
    length = heads["gazex_norm"].map(_length)
    unequal = right & (length != heads["gazey_norm"].map(_length)).to_numpy(bool)
    expected = "as many as in heads[].gazex_norm"
    problems.rows(
        "wrong value", "heads[].gazey_norm", expected, unequal, places, heads["gazey_norm"]
    )
    if "head_id" in heads:
        same = heads["head_id"].notna() & heads.assign(entry=where).astype(
            {"head_id": str}
        ).duplicated(["entry", "head_id"])
        expected = "another for each head of an image"
        problems.rows("duplicate id", "heads[].head_id", expected, same, places, heads["head_id"])
    right &= ~unequal
    heads, places = heads[right].reset_index(drop=True), places.take(right)
    for name in ("gazex_norm", "gazey_norm"):
        heads[name] = heads[name].map(lambda value: value or [np.nan])
    heads["person"] = heads.index.astype(str) + f" {split}"
    source = np.repeat(np.arange(len(heads)), heads["gazex_norm"].map(len).astype(int))
    rows = heads.loc[source, ["image", "person", "sequence"]].reset_index(drop=True)
    if "track" in heads:
        named = heads["track"].map(lambda value: value if isinstance(value, str) else None)
        rows["track"] = named.loc[source].reset_index(drop=True)
    rows[BOX] = np.array(heads["bbox"].to_list(), float).reshape(-1, 4)[source]
    for ours, theirs in (("gaze_x", "gazex_norm"), ("gaze_y", "gazey_norm")):
        rows[ours] = np.concatenate([np.zeros(0), *heads[theirs]]).astype(float)
    rows["split"], rows["label"] = split, None
    inout = heads["inout"].map({0: False, 1: True}).astype("boolean")
    rows["in_frame"] = inout.iloc[source].reset_index(drop=True)
    return rows, places.take(source)


def _heads(path: Path, problems: Problems) -> tuple[pd.DataFrame, np.ndarray]:
    """One row a head, with its image; and (N,) the entry it is in."""
    columns = ["image", "sequence", "bbox", "inout", "gazex_norm", "gazey_norm"]
    content: Any = []
    try:
        content = read_json(path)
    except InputError as error:
        problems.file(path, str(error).removeprefix(f"{path}: "), "a list of images with heads")
    except OSError as error:
        problems.file(path, str(error.strerror).lower(), "a list of images with heads")
    pairs = [pair for entry in _list(content, path, problems) for pair in _frames(entry)]
    entries = [entry for entry, _ in pairs]
    number = np.arange(1, len(entries) + 1)
    places = Places((str(path),), np.zeros(len(entries), int), number, "entry")
    right = np.array([_is_entry(entry) for entry in entries], bool)
    expected = 'an object with "path" (text) and "heads" (a list of objects)'
    found = [_brief(entry) for entry in entries]
    problems.rows("not an image with heads", "entry", expected, ~right, places, found)
    valid = [entry for entry, fits in zip(entries, right, strict=True) if fits]
    heads = [
        {"inout": 1, **head, "image": plain_name(entry["path"]), "sequence": clip}
        for (entry, clip), fits in zip(pairs, right, strict=True)
        if fits
        for head in entry["heads"]
    ]
    counts = [len(entry["heads"]) for entry in valid]
    table = pd.DataFrame(heads, dtype=object)
    return table.reindex(columns=table.columns.union(columns)), np.repeat(number[right], counts)


def _list(content: Any, path: Path, problems: Problems) -> list[Any]:
    if isinstance(content, list):
        return content
    problems.file(path, f"a {type(content).__name__} at the top", "a list of images with heads")
    return []


def _frames(entry: Any) -> list[tuple[Any, str | None]]:
    """The frames of a sequence, each with the sequence's name; an image is its own, and in none."""
    frames = entry.get("frames") if isinstance(entry, dict) else None
    if not isinstance(frames, list):
        return [(entry, None)]
    return [(frame, _clip(frame) or _text(entry) or None) for frame in frames]


def _clip(frame: Any) -> str | None:
    """The folder that a frame lies in, without the ``images/`` of all of them."""
    return _text(frame).rpartition("/")[0].removeprefix("images/") or None


def _text(entry: Any) -> str:
    """The ``path`` of an entry; empty where it is none."""
    path = entry.get("path") if isinstance(entry, dict) else None
    return plain_name(path) if isinstance(path, str) else ""


def _is_entry(entry: Any) -> bool:
    return (
        isinstance(entry, dict)
        and isinstance(entry.get("path"), str)
        and isinstance(entry.get("heads"), list)
        and all(isinstance(head, dict) for head in entry["heads"])
    )


def _brief(entry: Any) -> Any:
    return sorted(entry) if isinstance(entry, dict) else entry


def _numbers(value: Any, count: int | None = None) -> bool:
    """Whether a value is a list of finite numbers."""
    return (
        isinstance(value, list)
        and count in (None, len(value))
        and all(type(entry) in (int, float) and abs(entry) < 1e12 for entry in value)
    )


def _length(value: Any) -> int:
    return len(value) if isinstance(value, list) else 0
