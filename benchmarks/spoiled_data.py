"""Ways to spoil what :mod:`good_data` makes: each kind is a small function of its path. Add to the tables."""

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from good_files import DIGEST, IDS, PEOPLE
from PIL import Image
from safetensors.torch import save_file
from spoiled import (
    ANY,
    CHECKPOINTS,
    HDF5,
    PEOPLES,
    PICKLES,
    Spoil,
    edited,
    first_lines,
    holding,
    in_text,
    put,
    resaved,
    swapped,
    without,
    write_row,
)

from gcdr.base.files import read_json, write_sealed

# Artefacts of a run

LARGER: dict[str, Spoil] = {
    **HDF5,
    "edited pixels": edited(write_row("pixels", 3)),
    "too few pixels": edited(put("pixels", np.zeros(90, np.uint8)), seal=True),
    "pixels of floats": edited(put("pixels", np.zeros(9000, "f4")), seal=True),
    "pictures that are not there": edited(put("image_of", IDS[:5] + 50), seal=True),
    "pictures before the first": edited(put("image_of", IDS[:5] - 50), seal=True),
    "sizes of another shape": edited(put("shape", np.ones((3, 3), int)), seal=True),
    "sizes of nothing": edited(put("shape", np.zeros((3, 2), int)), seal=True),
    "places before the file": edited(put("offset", np.full(3, -9)), seal=True),
    "places of floats": edited(put("offset", np.full(3, 0.5)), seal=True),
    "no places": edited(lambda file: file.__delitem__("offset"), seal=True),
    "no checksums": edited(lambda file: file.__delitem__("pixels_checksum")),
}
TOKENS: dict[str, Spoil] = {
    **HDF5,
    "edited tokens": edited(write_row("tokens", 3)),
    "exchanged tokens": edited(swapped("tokens")),
    "tokens of floats": edited(put("tokens", np.zeros((6, 2, 3, 2, 2), "f4"))),
    "too few tokens": edited(put("tokens", np.zeros((2, 2, 3, 2, 2), "f2")), seal=True),
    "scenes that are not there": edited(put("scene_index", IDS + 50), seal=True),
    "boxes of another shape": edited(put("head_box", np.zeros((PEOPLE, 3))), seal=True),
    "no settings": edited(lambda file: file.attrs.__setitem__("made_by", "{}"), seal=True),
}
NAMED: dict[str, Spoil] = {
    **without(PEOPLES, "foreign"),
    "no confidence": resaved(lambda table: table.drop(columns="confidence")),
    "names of another vocabulary": resaved(lambda table: table.assign(name="sofa")),
    "names after the last": resaved(lambda table: table.assign(place=99)),
    "names before the first": resaved(lambda table: table.assign(place=-7)),
    "other people": resaved(lambda table: table, DIGEST[::-1]),
}


def of_space(tensors: dict[str, Any] | None = None, **card: Any) -> Callable[[Path], None]:
    """A space of other tensors or with another card, its digest taken out of it."""

    def spoil(path: Path) -> None:
        if tensors is not None:
            save_file(tensors, path)
        beside = path.with_name("card.json")
        held = {**read_json(beside), **card}
        held.pop("weights_sha256")
        write_sealed(beside, held)

    return spoil


SPACE: dict[str, Spoil] = {
    **ANY,
    "no card": lambda path: path.with_name("card.json").unlink(),
    "card that is no JSON": lambda path: path.with_name("card.json").write_text("{"),
    "card of a list": lambda path: path.with_name("card.json").write_text("[]"),
    "no names": of_space(names=[]),
    "names that are a number": of_space(names=3),
    "names of numbers": of_space(names=[1, 2, 3]),
    "names in one text": of_space(names="abc"),
    "a name too many": of_space(names=["a", "b", "c", "d"]),
    "a name twice": of_space(names=["a", "b", "a"]),
    "no embeddings": of_space({"words": torch.ones(3, 8)}),
    "embeddings of one row": of_space({"embeddings": torch.ones(3)}),
    "embeddings of NaN": of_space({"embeddings": torch.full((3, 8), torch.nan)}),
    "embeddings of whole numbers": of_space({"embeddings": torch.ones(3, 8, dtype=torch.int64)}),
    "embeddings of no length": of_space({"embeddings": torch.zeros(3, 8)}),
}

# What users bring

TEXT = without(ANY, "flip", "half", "cut")
"""Of a text, half of which may well be a right one."""


def utf16(path: Path) -> None:
    path.write_bytes(path.read_text().encode("utf-16"))


def latin1(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b"t", b"\xe9", 1))


LINES: dict[str, Spoil] = {
    **TEXT,
    "UTF-16": utf16,
    "Latin-1": latin1,
    "a zero byte": lambda path: path.write_bytes(path.read_bytes()[:-1] + b"\0\n"),
}
WORDS: dict[str, Spoil] = {
    **without(LINES, "text", "page", "folder"),
    "a folder in its place": TEXT["a folder in its place"],
    "a name twice": in_text("cup", "ball"),
    "blank lines alone": holding(b"\n \n"),
}
VOCABULARY: dict[str, Spoil] = {
    **without(LINES, "zero"),
    "a list": holding(b'["a", "b"]'),
    "a number": holding(b"3"),
    "no names": holding(b"{}"),
    "another order": holding(b'{"a": 1, "b": 0}'),
    "from 1 on": holding(b'{"a": 1, "b": 2}'),
    "a number of text": holding(b'{"a": "0"}'),
    "a number of truth": holding(b'{"a": false}'),
    "a name twice": holding(b'{"a": 0, "a": 1}'),
    "half a character": holding(b'{"\\ud800": 0}'),
    "very deep": holding(b"[" * 200_000),
}
HEADED: dict[str, Spoil] = {
    **LINES,
    "header alone": first_lines(1),
    "no header": lambda path: path.write_text("".join(path.read_text().splitlines(True)[1:])),
    "an open quote": lambda path: path.write_text(path.read_text().replace("\n", '\n"', 1)),
    "a row too long": lambda path: path.write_text(path.read_text()[:-1] + ",1,2\n"),
    "a row too short": lambda path: path.write_text(path.read_text().rpartition(",")[0] + "\n"),
    "semicolons": in_text(",", ";"),
}
LABELLED: dict[str, Spoil] = {
    **without(HEADED, "header alone", "absent"),
    "a column renamed": in_text("gaze_pseudo_label", "label"),
    "another name's number": in_text("t-shirt,2", "t-shirt,1"),
    "a number of text": in_text("t-shirt,2", "t-shirt,two"),
    "an unknown name": in_text("t-shirt,2", "sofa,2"),
    "an unknown person": in_text(",7,", ",8,"),
    "an unknown picture": in_text("train/a.png", "train/b.png"),
}
ACCEPTED: dict[str, Spoil] = {
    **without(HEADED, "header alone", "absent"),
    "a column renamed": in_text("eyes_closed", "eyes_shut"),
    "names that the vocabulary has not": in_text("t-shirt-cup", "sofa-chair"),
    "another name's number": in_text("t-shirt,2", "t-shirt,1"),
    "a flag of text": in_text(".png,0,", ".png,maybe,"),
    "an unknown picture": in_text("test2/c.png", "test2/d.png"),
}
OBJECTS: dict[str, Spoil] = {
    **HEADED,
    "a column renamed": in_text("pair_id", "pair"),
    "synonyms that are code": in_text("['mug']", "print(1)"),
    "synonyms of numbers": in_text("['mug']", "[1]"),
    "very deep synonyms": in_text("['mug']", "[" * 3000),
    "a box of text": in_text(",30,10,", ",left,10,"),
    "a box of nothing": in_text(",4,5,24,25", ",,5,24,25"),
    "a box backwards": in_text(",4,5,24,25", ",24,25,4,5"),
    "a box of infinity": in_text(",4,5,24,25", ",4,5,inf,25"),
    "a box far away": in_text(",4,5,24,25", ",4000,5000,4024,5025"),
    "an unknown picture": in_text("a.png", "b.png"),
    "a picture above": in_text("a.png", "../a.png"),
}
CHILDREN: dict[str, Spoil] = {
    **HEADED,
    "a column renamed": in_text("gaze_class", "class"),
    "an unknown class": in_text("inside_visible", "asleep"),
    "a frame of text": in_text("v_101-102,1,", "v_101-102,one,"),
    "a frame after the last": in_text("v_101-102,1,", "v_101-102,999,"),
    "a box without a height": in_text(",20,20,", ",20,0,"),
    "a box of NaN": in_text(",20,20,", ",nan,20,"),
    "a person twice": in_text("v_101-102,2,", "v_101-102,1,"),
    "an unknown picture": lambda path: (path.parents[2] / "images/v_101-102/v_102.jpg").unlink(),
}


def pickled(change: Callable[[dict], Any]) -> Callable[[Path], None]:
    def spoil(path: Path) -> None:
        content = pickle.loads(path.read_bytes())  # written here
        path.write_bytes(pickle.dumps(change(content[0])))

    return spoil


GOODS: dict[str, Spoil] = {
    **PICKLES,
    "a table": pickled(lambda entry: entry),
    "an empty list": pickled(lambda entry: []),
    "a list of numbers": pickled(lambda entry: [1, 2]),
    "a name of bytes": pickled(lambda entry: [entry | {"filename": b"a"}]),
    "a name above": pickled(lambda entry: [entry | {"filename": "..\\..\\1.jpg"}]),
    "no boxes": pickled(lambda entry: [entry | {"ann": {"bboxes": np.zeros((0, 4))}}]),
    "boxes of three": pickled(lambda entry: [entry | {"ann": {"bboxes": np.zeros((1, 3))}}]),
    "a box of NaN": pickled(lambda entry: [entry | {"ann": {"bboxes": np.full((1, 4), np.nan)}}]),
    "a point of text": pickled(lambda entry: [entry | {"gaze_cx": "left"}]),
    "a point of NaN": pickled(lambda entry: [entry | {"gaze_cx": np.nan}]),
}
RESULTS: dict[str, Spoil] = {
    **without(LINES, "zero", "Latin"),
    "a list": holding(b"[]"),
    "no result": in_text('"result"', '"results"'),
    "another format": in_text("gcdr-submission", "submission"),
    "a later version": in_text('"version": 1', '"version": 2'),
    "a number of text": in_text('"measured": 0.9', '"measured": "0.9"'),
    "a number of NaN": in_text('"measured": 0.9', '"measured": NaN'),
    "nobody": in_text('"people": 9', '"people": 0'),
    "very deep": holding(b"[" * 200_000),
}


def saved(mode: str, size: tuple[int, int] = (64, 48), **how: Any) -> Callable[[Path], None]:
    return lambda path: Image.linear_gradient("L").resize(size).convert(mode).save(path, **how)


DEPTH: dict[str, Spoil] = {
    **ANY,
    "of 8 bits": saved("L"),
    "of colours": saved("RGB"),
    "of another size": saved("I;16", (32, 24)),
    "a JPEG": saved("L", format="JPEG"),
    "the same everywhere": lambda path: Image.new("I;16", (64, 48), 7).save(path),
    "of another picture": lambda path: path.parents[1].joinpath("1.jpg").write_bytes(b"other"),
}
FILMS: dict[str, Spoil] = {
    **without(ANY, "flip", "half", "cut"),
    "cut to 2%": ANY["cut to 2%"],
    "cut to 30%": ANY["cut to 30%"],
    "an archive": CHECKPOINTS["no pickle in it"],
}
TRACKS: dict[str, Spoil] = {
    **HEADED,
    "a column renamed": in_text("head_x0", "x"),
    "boxes backwards": in_text("24,25", "2,3"),
    "frames between frames": lambda path: path.write_text(
        path.read_text()
        .replace("\n0,", "\n0.5,")
        .replace("\n1,", "\n1.5,")
        .replace("\n2,", "\n.1,")
    ),
    "frames before the first": lambda path: path.write_text(
        path.read_text().replace("\n0,", "\n-1,").replace("\n1,", "\n-2,").replace("\n2,", "\n-3,")
    ),
    "boxes of NaN": in_text(",4,5,", ",nan,5,"),
    "tracks without a name": in_text(",one", ","),
}
