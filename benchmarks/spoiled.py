"""Ways to spoil a file: each kind is a small function of its path. Add to the tables."""

import fcntl
import io
import json
import shutil
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
from good_files import DIGEST, IDS, PEOPLE, prior
from pyarrow import parquet

from gcdr.base.files import read_json, write_sealed
from gcdr.data.checksums import content_digest, row_checksums
from gcdr.data.parquet import write_table

HUGE = 80 << 30
LARGE = ("heatmap", "scene", "head", "depth", "pixels", "tokens")  # of which no digest is kept
Spoil = Callable[[Path], Any]
FLIPS = 24
SHIPPED = Path(__file__).parents[1] / "assets/world"


# Kinds of any file


def cut(part: float) -> Callable[[Path], None]:
    return lambda path: path.write_bytes(path.read_bytes()[: int(path.stat().st_size * part)])


def holding(content: bytes) -> Callable[[Path], None]:
    return lambda path: path.write_bytes(content)


def absent(path: Path) -> None:
    path.unlink()


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def flip(seed: int) -> Callable[[Path], None]:
    def spoil(path: Path) -> None:
        data = bytearray(path.read_bytes())
        data[np.random.default_rng(seed).integers(len(data))] ^= 1 << seed % 8
        path.write_bytes(data)

    return spoil


def zeroed(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2] + bytes(len(data) - len(data) // 2))


def locked(path: Path) -> io.BufferedReader:
    file = path.open("rb")
    fcntl.flock(file, fcntl.LOCK_EX)
    return file


def without(kinds: dict[str, Spoil], *words: str) -> dict[str, Spoil]:
    return {kind: spoil for kind, spoil in kinds.items() if not any(word in kind for word in words)}


ANY: dict[str, Spoil] = {
    "absent": absent,
    "a folder in its place": a_folder,
    "empty": holding(b""),
    "text": holding(b"hello\n"),
    "a web page": holding(b"<!DOCTYPE html><html><body>Sign in</body></html>"),
    "noise": holding(np.random.default_rng(3).bytes(5000)),
    "second half zeros": zeroed,
    **{f"cut to {part:.0%}": cut(part) for part in (0.02, 0.3, 0.6, 0.95)},
    **{f"flip {seed}": flip(seed) for seed in range(FLIPS)},
}


# Kinds of HDF5 files


def edited(change: Callable[[h5py.File], Any], seal: bool = False) -> Callable[[Path], None]:
    """A file that other code changed; with ``seal`` so well that its digest is right."""

    def spoil(path: Path) -> None:
        with h5py.File(path, "a") as file:
            change(file)
            if seal:
                if "heatmap" in file and isinstance(file["heatmap"], h5py.Dataset):
                    sums = row_checksums(file["heatmap"][:])
                    del file["heatmap_checksum"]
                    file["heatmap_checksum"] = sums
                columns = {
                    name: data.asstr()[:] if h5py.check_string_dtype(data.dtype) else data[:]
                    for name, data in file.items()
                    if name not in LARGE
                }
                told = {
                    name: value.tolist() if isinstance(value, np.ndarray | np.generic) else value
                    for name, value in file.attrs.items()
                    if name != "content"
                }
                file.attrs["content"] = content_digest(columns, told)

    return spoil


def instead(name: str, make: Callable[[h5py.File], Any]) -> Callable[[h5py.File], None]:
    def change(file: h5py.File) -> None:
        if name in file:
            del file[name]
        make(file)

    return change


def put(name: str, value: Any) -> Callable[[h5py.File], None]:
    return instead(name, lambda file: file.create_dataset(name, data=value))


def attribute(name: str, value: Any) -> Callable[[h5py.File], None]:
    return lambda file: file.attrs.__setitem__(name, value)


def write_row(name: str, value: Any) -> Callable[[h5py.File], None]:
    return lambda file: file[name].__setitem__(0, value)


def swapped(name: str) -> Callable[[h5py.File], None]:
    def change(file: h5py.File) -> None:
        file[name][:2] = file[name][:2][::-1]

    return change


def view_of(other: str) -> Callable[[h5py.File], None]:
    def make(file: h5py.File) -> None:
        layout = h5py.VirtualLayout((PEOPLE, 4), np.float32)
        layout[:] = h5py.VirtualSource(other, "x", (PEOPLE, 4), np.float32)
        file.create_virtual_dataset("extra", layout)

    return make


def raw_of(file: h5py.File) -> None:
    file.create_dataset("extra", (PEOPLE,), np.uint8, external=[("/etc/passwd", 0, PEOPLE)])


HDF5: dict[str, Spoil] = {
    **ANY,
    "locked": locked,
    "soft link": edited(instead("extra", lambda f: f.__setitem__("extra", h5py.SoftLink("/x")))),
    "external link": edited(
        instead("extra", lambda f: f.__setitem__("extra", h5py.ExternalLink("o.h5", "/x")))
    ),
    "a group": edited(lambda file: file.create_group("extra")),
    "raw storage elsewhere": edited(raw_of),
    "view of another file": edited(view_of("other.h5")),
    "view of a file of the system": edited(view_of("/etc/passwd")),
    "claims 80 GB": edited(lambda f: f.create_dataset("extra", (HUGE,), np.uint8)),
    "claims 80 GB in chunks": edited(
        lambda f: f.create_dataset("extra", (HUGE,), np.uint8, chunks=(1 << 20,))
    ),
    "claims 80 GB, compressed": edited(
        lambda f: f.create_dataset("extra", (HUGE,), np.uint8, chunks=(1 << 20,), compression=1)
    ),
    "a chunk of 3 GB": edited(
        lambda f: f.create_dataset(
            "extra", (9,), "f4", chunks=(9,), maxshape=(None,), compression=1
        )
    ),
    "claims 80 GB of text": edited(
        lambda f: f.create_dataset("extra", (HUGE >> 4,), h5py.string_dtype())
    ),
    "references": edited(lambda f: f.create_dataset("extra", (PEOPLE,), h5py.ref_dtype)),
    "compound": edited(lambda f: f.create_dataset("extra", (PEOPLE,), "i4,f4")),
    "thousand arrays": edited(lambda f: [f.__setitem__(f"x{i}", 1) for i in range(1000)]),
    "another array": edited(put("extra", np.zeros(PEOPLE))),
    "another format": edited(attribute("format", "weather")),
    "format of bytes": edited(attribute("format", np.bytes_(b"\xff\xfe"))),
    "earlier version": edited(attribute("version", 1)),
    "later version": edited(attribute("version", 99)),
    "version of text": edited(attribute("version", "two")),
    "no digest": edited(lambda file: file.attrs.__delitem__("content")),
    "no people": edited(lambda file: file.attrs.__delitem__("people"), seal=True),
    "other people": edited(attribute("people", "0" * 64), seal=True),
    "edited people": edited(attribute("people", DIGEST[::-1])),
    "edited settings": edited(attribute("made_by", "{}")),
    "settings that are no JSON": edited(attribute("made_by", "{"), seal=True),
    "edited ids": edited(write_row("sample_id", 7)),
    "ids backwards": edited(put("sample_id", IDS[::-1]), seal=True),
    "ids twice": edited(put("sample_id", IDS // 2), seal=True),
    "foreign ids": edited(put("sample_id", IDS + 1000), seal=True),
    "ids of floats": edited(put("sample_id", IDS / 2), seal=True),
    "no ids": edited(lambda file: file.__delitem__("sample_id")),
    "too few ids": edited(put("sample_id", IDS[:3]), seal=True),
}
MAPS: dict[str, Spoil] = {
    **HDF5,
    "edited map": edited(write_row("heatmap", 0.5)),
    "exchanged maps": edited(swapped("heatmap")),
    "NaN": edited(write_row("heatmap", np.nan), seal=True),
    "infinity": edited(write_row("heatmap", np.inf), seal=True),
    "maps of whole numbers": edited(put("heatmap", np.ones((PEOPLE, 4, 4), int)), seal=True),
    "too few maps": edited(put("heatmap", np.ones((3, 4, 4), np.float32)), seal=True),
    "no maps": edited(lambda file: file.__delitem__("heatmap")),
    "no checksums": edited(lambda file: file.__delitem__("heatmap_checksum")),
    "edited validity": edited(write_row("valid", False)),
    "validity of numbers": edited(put("valid", np.ones(PEOPLE, int)), seal=True),
    "no validity": edited(lambda file: file.__delitem__("valid"), seal=True),
}
PICTURES: dict[str, Spoil] = {
    **HDF5,
    "edited scene": edited(write_row("scene", 3)),
    "edited head": edited(write_row("head", 3)),
    "exchanged heads": edited(swapped("head")),
    "edited box": edited(write_row("head_box", 0.5)),
    "scenes that are not there": edited(put("scene_index", IDS + 50), seal=True),
    "boxes of another shape": edited(put("head_box", np.zeros((PEOPLE, 3))), seal=True),
    "scenes of floats": edited(put("scene", np.zeros((6, 3, 16, 16), "f4"))),
    "too few scenes": edited(put("scene", np.zeros((2, 3, 16, 16), "u1")), seal=True),
}


def exchange(other: Callable[[Path], Path]) -> Callable[[Path], None]:
    """Another good file in the place of a shard."""

    def spoil(path: Path) -> None:
        with tempfile.TemporaryDirectory() as folder:
            shutil.copy(other(Path(folder)), path.parent / "merged/1-of-2.h5")

    return spoil


def in_shard(spoil: Callable[[Path], Any]) -> Callable[[Path], Any]:
    return lambda path: spoil(path.parent / "merged/1-of-2.h5")


MERGED: dict[str, Spoil] = {
    **ANY,
    **{f"shard: {kind}": in_shard(MAPS[kind]) for kind in (*ANY, "locked", "edited map",
       "exchanged maps", "earlier version", "edited ids", "external link", "claims 80 GB",
       "raw storage elsewhere", "no digest")},
    "shard of other settings": exchange(lambda folder: prior(folder, ids=IDS[:6], beam=5)),
    "shard of other ids": exchange(lambda folder: prior(folder, ids=IDS[6:])),
    "shard of fewer people": exchange(lambda folder: prior(folder, ids=IDS[:5])),
    "names a shard elsewhere": edited(attribute("shards", '{"/etc/passwd": ""}'), seal=True),
    "names a shard above": edited(attribute("shards", '{"../x.h5": ""}'), seal=True),
    "names no shard": edited(attribute("shards", "{}"), seal=True),
}  # fmt: skip


# Kinds of tables


def rewritten(change: Callable[[pd.DataFrame], pd.DataFrame]) -> Callable[[Path], None]:
    """A table that pandas read and wrote."""
    return lambda path: change(pd.read_parquet(path)).to_parquet(path, index=False)


def kept_metadata(change: Callable[[Any], Any]) -> Callable[[Path], None]:
    """A table that Arrow read and wrote, which keeps what the file says of itself."""
    return lambda path: parquet.write_table(change(parquet.read_table(path)), path)


def resaved(change: Callable[[pd.DataFrame], pd.DataFrame], digest: str | None = DIGEST) -> Any:
    """A table that this package wrote, of other content."""
    return lambda path: write_table(change(pd.read_parquet(path)), path, digest)


def said(text: bytes) -> Callable[[Path], None]:
    return kept_metadata(lambda table: table.replace_schema_metadata({b"gcdr": text}))


TABLES: dict[str, Spoil] = {
    **ANY,
    "written by pandas": rewritten(lambda table: table),
    "cut by pandas": rewritten(lambda table: table[:-1]),
    "cut by Arrow": kept_metadata(lambda table: table.slice(0, 1)),
    "doubled by Arrow": kept_metadata(
        lambda table: type(table).from_batches(table.to_batches() * 2)
    ),
    "edited by Arrow": kept_metadata(
        lambda table: table.set_column(0, "sample_id", [np.asarray(table[0])[::-1]])
    ),
    "column renamed": kept_metadata(
        lambda table: table.rename_columns(["id", *table.column_names[1:]])
    ),
    "no id": resaved(lambda table: table.drop(columns="sample_id")),
    "no rows' columns": resaved(lambda table: table[["sample_id"]]),
    "says nothing": kept_metadata(lambda table: table.replace_schema_metadata({})),
    "says what is no JSON": said(b"{"),
    "says a list": said(b"[1]"),
    "says of no columns": said(b'{"version": 1, "people": null, "about": {}}'),
    "later version": said(b'{"version": 9}'),
}
PEOPLES: dict[str, Spoil] = {
    **TABLES,
    "other people": resaved(lambda table: table, "0" * 64),
    "foreign ids": resaved(lambda table: table.assign(sample_id=table["sample_id"] + 1000)),
}
SPLIT: dict[str, Spoil] = {
    **{kind: spoil for kind, spoil in PEOPLES.items() if kind != "foreign ids"},
    "ids backwards": resaved(lambda table: table[::-1]),
    "ids twice": resaved(lambda table: table.assign(sample_id=5)),
    "unknown role": resaved(lambda table: table.assign(role="guest")),
}


# Kinds of weights and pickles


def other_card(change: Callable[[dict], Any]) -> Callable[[Path], None]:
    def spoil(path: Path) -> None:
        card = path.with_name("model.json")
        content = read_json(card)
        change(content)
        write_sealed(card, content)

    return spoil


def claims(path: Path) -> None:
    header = json.dumps({"w": {"dtype": "F32", "shape": [HUGE], "data_offsets": [0, 4 * HUGE]}})
    path.write_bytes(len(header).to_bytes(8, "little") + header.encode())


def in_header(old: bytes, new: bytes) -> Callable[[Path], None]:
    """A file of weights in whose table of contents something is replaced, of the same length."""

    def spoil(path: Path) -> None:
        content = path.read_bytes()
        assert old in content and len(old) == len(new)
        path.write_bytes(content.replace(old, new))

    return spoil


NESTED = b")" + b"2\x86" * 60  # a tuple of itself twice, sixty times
SAFETENSORS: dict[str, Spoil] = {
    **ANY,
    "claims 80 GB": claims,
    "header of 80 GB": lambda path: path.write_bytes(HUGE.to_bytes(8, "little") + b"{}"),
    "no card": lambda path: path.with_name("model.json").unlink(),
    "card of another model": other_card(lambda card: card.update(model="oracle")),
    "card of other sizes": other_card(lambda card: card["config"]["towers"].update(stem_width=12)),
    "card of another digest": other_card(lambda card: card.update(weights_sha256="0" * 64)),
    "card that is no JSON": lambda path: path.with_name("model.json").write_text("{"),
    "card of a list": lambda path: path.with_name("model.json").write_text("[]"),
}
PICKLES: dict[str, Spoil] = {
    **{kind: spoil for kind, spoil in ANY.items() if "flip" not in kind and "zeros" not in kind},
    "nested tuples": holding(b"\x80\x02" + NESTED + b"."),
    "nested tuples as a key": holding(b"\x80\x02}" + NESTED + b"K\x01s."),
    "nested tuples in a set": holding(b"\x80\x04\x8f(" + NESTED + b"\x90."),
    "text of 80 GB": holding(b"\x80\x04\x8d" + HUGE.to_bytes(8, "little") + b"x"),
    "a list in itself": holding(b"\x80\x02]q\x00h\x00a."),
    "calls the shell": holding(b"cos\nsystem\n(S'false'\ntR."),
    "calls eval": holding(b"c__builtin__\neval\n(S'1'\ntR."),
    "very deep": holding(b"(" * 200_000 + b"l" * 200_000 + b"."),
}


def zipped(content: bytes) -> Callable[[Path], None]:
    def spoil(path: Path) -> None:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("a/data.pkl", content)
            archive.writestr("a/version", "3\n")

    return spoil


CHECKPOINTS: dict[str, Spoil] = {
    **{kind: spoil for kind, spoil in ANY.items() if "flip" not in kind},
    "calls the shell": zipped(b"cos\nsystem\n(S'false'\ntR."),
    "nested tuples as a key": zipped(b"\x80\x02}" + NESTED + b"K\x01s."),
    "no pickle in it": lambda path: zipfile.ZipFile(path, "w").close(),
}

# Kinds that planning sees, which looks at no number


def in_text(old: str, new: str) -> Callable[[Path], None]:
    """A table in whose text something is replaced, wherever it stands."""

    def spoil(path: Path) -> None:
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    return spoil


def first_lines(count: int) -> Callable[[Path], None]:
    def spoil(path: Path) -> None:
        path.write_text("".join(path.read_text().splitlines(True)[:count]))

    return spoil


HEADERS: dict[str, Spoil] = {
    **without(SAFETENSORS, "card", "zeros"),
    "another model": lambda path: shutil.copy(SHIPPED / "vqa/model.safetensors", path),
    "towers alone": lambda path: shutil.copy(SHIPPED / "backbone/model.safetensors", path),
    "another size": in_header(b"[16,4,5,5]", b"[64,4,5,5]"),
}
ARCHIVES: dict[str, Spoil] = without(CHECKPOINTS, "shell", "key")  # the job refuses those
POINTS: dict[str, Spoil] = {
    **without(ANY, "flip", "half"),
    "no header": in_text("image,sample_id,x,y,score\n", ""),
    "header alone": first_lines(1),
    "no images": in_text("image,", "picture,"),
    "no places": in_text(",x,y", ",a,b"),
    "half a place": in_text(",y,", ",z,"),
    "semicolons": in_text(",", ";"),
    "a person left out": first_lines(PEOPLE),
    "an unknown picture": in_text("0.png", "zero.png"),
    "an unknown person": in_text("5.png,11,", "5.png,99,"),
    "another's picture": in_text("5.png,11,", "0.png,11,"),
    "a score of text": in_text(",1.0\n", ",much\n"),
    "a score below zero": in_text(",1.0\n", ",-1\n"),
    "scores of zero": in_text(",1.0\n", ",0\n"),
    "a row too long": in_text("5.png,11,", "5.png,11,1,"),
}
COLUMNS: dict[str, Spoil] = {
    **without(MAPS, "edited map", "exchanged maps", "NaN", "infinity", "half"),
    "a prior store": lambda path: shutil.copy(prior(path.parent), path),
}
