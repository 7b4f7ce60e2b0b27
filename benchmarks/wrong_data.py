r"""Wrong data offered in place of right ones, counted: none may be used without a word.

    python benchmarks/wrong_data.py                # about two minutes of a core
    python benchmarks/wrong_data.py --flips 10     # fewer flipped bits in each file

A *group* yields its members, each with ``refused``, ``the same`` (what is used is what it was, or two
spellings are one picture), or what went wrong. Files that are malformed in other ways:
``benchmarks/malformed.py``.
"""

import argparse
import contextlib
import http.server
import io
import json
import os
import shutil
import sys
import tempfile
import threading
import unicodedata
from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import good_data
import good_files as good
import malformed
import numpy as np
import spoiled
import torch
from good_files import DIGEST, IDS, people
from PIL import Image

from gcdr.base.download import check_digest, download, planned_files
from gcdr.base.errors import InputError
from gcdr.base.files import read_json, write_sealed
from gcdr.config.exchanged import exchanged_files
from gcdr.data.made_by import check_made_by
from gcdr.data.manifest import people_digest
from gcdr.data.parquet import write_table
from gcdr.data.shown import check_split, of_labelled, split_identity
from gcdr.data.split import split_labels
from gcdr.data.stores import read_labels, read_prior, write_labels, write_prior
from gcdr.models.build import load_model
from gcdr.priors.vqa.ofa_vqa import OFAForVQA
from gcdr.refine.choice import read_choice
from gcdr.training.resume import Checkpoint

Member = tuple[str, str]
STORES = (
    "prior store", "merged store", "label store", "picture cache", "larger pictures", "token cache",
)  # fmt: skip
TABLES = ("manifest", "split", "annotations", "bodies", "names of people")
WEIGHTS = ("weights", "names in a text tower's space")
LEADS_OUT = (
    *("soft link", "external link", "raw storage elsewhere"),
    *("view of another file", "view of a file of the system"),
)


def refused(act: Callable[[], Any]) -> str:
    try:
        act()
    except InputError as error:
        return "refused" if "\n" not in str(error) else f"several lines: {str(error)[:200]}"
    except Exception as error:
        return f"{type(error).__name__}: {str(error)[:200]}"
    return "taken without a word"


def spoilt(stage: str, kinds: dict[str, spoiled.Spoil]) -> Iterator[Member]:
    """What a reader of :mod:`malformed` says of its file spoilt in some ways."""
    said = {"line": "refused", "same": "the same"}
    with_kinds = malformed.Stage(malformed.STAGES[stage].make, malformed.STAGES[stage].read, kinds)
    for kind, found in malformed.outcomes(with_kinds):
        yield f"{stage}: {kind}", said.get(found, found)


def flipped_bits(count: int) -> Iterator[Member]:
    for stage in (*STORES, *TABLES, *WEIGHTS):
        yield from spoilt(
            stage, {f"flip {seed}": spoiled.flip(100 + seed) for seed in range(count)}
        )


def flipped_states(count: int) -> Iterator[Member]:
    """A stopped training's state: one that is damaged is said and left aside."""
    with tempfile.TemporaryDirectory() as name:
        kept, layer = Checkpoint(Path(name, "state.pt"), 0), torch.nn.Linear(8, 8)
        kept.write({"layer": layer}, {"step": 3})
        whole = kept.path.read_bytes()
        for seed in range(count):
            kept.path.write_bytes(whole)
            spoiled.flip(seed)(kept.path)
            other = torch.nn.Linear(8, 8)
            with contextlib.redirect_stdout(io.StringIO()):
                read = kept.read({"layer": other})
            right = read == {"step": 3} and torch.equal(other.weight, layer.weight)
            said = "refused" if read is None else "the same" if right else "taken without a word"
            yield f"training state: flip {seed}", said


def flipped_texts(count: int) -> Iterator[Member]:
    """Texts that say or decide numbers: choices, metrics, cards and the vocabulary of a VQA model."""

    def members(what: str, path: Path, read: Callable[[], Any]) -> Iterator[Member]:
        whole, right = path.read_bytes(), read()
        for seed in range(count):
            path.write_bytes(whole)
            spoiled.flip(seed)(path)
            found: list[Any] = []
            said = refused(lambda found=found: found.append(read()))
            yield f"{what}: flip {seed}", said if not found else _same(found[0], right)
        path.write_bytes(whole)

    with tempfile.TemporaryDirectory() as name:
        choice, metrics = Path(name, "choice.json"), Path(name, "metrics.json")
        write_sealed(choice, {"format": 1, "chosen": {"timestep": 250, "steps": 2}, "rows": []})
        yield from members("choice of a timestep", choice, lambda: read_choice(choice))
        write_sealed(metrics, {"format": 1, "metrics": {"auc": {"value": 0.921, "low": 0.91}}})
        yield from members("metrics", metrics, lambda: read_json(metrics))
        weights = good.weights(Path(name))
        card = weights.with_name("model.json")
        yield from members("card of a model", card, lambda: load_model(weights.parent).config)
        vqa = Path(shutil.copytree(spoiled.SHIPPED / "vqa", Path(name, "vqa")))
        for file in ("config.json", "card.json", "vocab.json", "merges.txt"):
            yield from members(f"VQA model's {file}", vqa / file, lambda: _vqa(vqa))


def _same(found: Any, right: Any) -> str:
    """A name may be spoilt that nobody asks for, that of the digest itself for one."""
    if isinstance(found, dict) and isinstance(right, dict):
        found = {key: value for key, value in found.items() if key in right}
    return "the same" if found == right else "taken without a word"


def _vqa(folder: Path) -> tuple[Any, ...]:
    found = OFAForVQA.load(folder, torch.device("cpu"))
    return found.model.config, found.tokenizer.vocabulary, found.tokenizer.merges


def files_that_lead_out() -> Iterator[Member]:
    for stage in (*STORES, "store as a prior, before a job"):
        kinds = spoiled.HDF5
        if stage == "merged store":
            kinds = {kind: spoiled.in_shard(spoiled.HDF5[kind]) for kind in LEADS_OUT}
        yield from spoilt(stage, {kind: kinds[kind] for kind in LEADS_OUT})


def other_people() -> Iterator[Member]:
    """The same ids and as many rows, but one head is a pixel further right."""
    rows = people()
    rows.loc[3, "head_x1"] += 1
    other = people_digest(rows)
    assert other != DIGEST
    for stage in (*STORES, "split", "annotations", "bodies", "names of people"):
        with tempfile.TemporaryDirectory() as name:
            path = malformed.STAGES[stage].make(Path(name))
            before = malformed.DIGEST
            malformed.DIGEST = other  # the manifest's, by which each of them reads
            yield stage, refused(partial(malformed.STAGES[stage].read, path))
            malformed.DIGEST = before


def maps_that_are_none() -> Iterator[Member]:
    for name, value in {"NaN": np.nan, "infinity": np.inf, "minus infinity": -np.inf}.items():
        maps, valid = np.full((12, 2, 4, 4), value, np.float32), np.ones(12, bool)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "maps.h5")
            how = {"layers": [1, 2], "people": DIGEST, "made_by": {}}
            write = partial(write_prior, path, IDS, maps, valid, {"answer": [""] * 12}, **how)
            said = refused(write).replace(
                "ValueError: the map of sample_id 0 is valid and not finite", "refused"
            )
            yield (
                f"written to a prior store: {name}",
                said,
            )  # whoever writes marks such maps invalid before
    yield from spoilt("prior store", {kind: spoiled.MAPS[kind] for kind in ("NaN", "infinity")})
    yield from spoilt("label store", {kind: spoiled.MAPS[kind] for kind in ("NaN", "infinity")})


def other_settings() -> Iterator[Member]:
    """Stores and models of another prior, seed, share or split than their place stands for."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        maps = read_labels(good.labels(folder), DIGEST, IDS).attributes["made_by"]
        prior = read_prior(good.prior(folder), DIGEST, IDS, 1).attributes["made_by"]
        yield "prior by other settings", refused(lambda: check_made_by("p", prior, {"beam": 5}))
        yield "maps of another seed", refused(lambda: check_made_by("m", maps, {"seed": 1}))
        yield "maps of another prior", refused(lambda: check_made_by("m", maps, {"prior": "other"}))
        identity = split_identity(good.split(folder))
        for key in ("seed", "share", "labelled", "digest"):
            other = {**identity, key: "0" * 64 if isinstance(identity[key], str) else 77}
            yield (
                f"made under a split of another {key}",
                refused(partial(check_split, "m", other, identity, "labels.parquet")),
            )
    yield from spoilt("merged store", {"s": spoiled.MERGED["shard of other settings"]})
    yield from spoilt("merged store", {"p": spoiled.MERGED["shard of other ids"]})


def older_files() -> Iterator[Member]:
    """A split or a manifest exchanged for another one with an older date, beside what was made from it."""
    config = {
        "studies": {"s": {"dataset": "d", "seed": 0}}, "datasets": {"d": {"kind": "folder"}},
        "report": {"studies": ["s"]}, "galleries": [],
    }  # fmt: skip
    for made in ("teacher", "metrics", "pseudo-labels", "bodies", "prior store", "picture cache"):
        with tempfile.TemporaryDirectory() as name:
            results = Path(name)
            data, folder = results / "data/d", results / "s/labels50-seed0"
            data.mkdir(parents=True), (data / "priors").mkdir(), folder.mkdir(parents=True)
            split, manifest = good.split(folder), good.manifest(data)
            write_table(people(), manifest, DIGEST)
            identity = split_identity(split)
            if made == "teacher":
                card = folder / "teachers/vat/model.json"
                card.parent.mkdir(parents=True)
                card.write_text(json.dumps({"split": of_labelled(identity)}))
            elif made == "metrics":
                (folder / "metrics").mkdir()
                (folder / "metrics/vat.json").write_text(json.dumps({"split": identity["digest"]}))
            elif made == "pseudo-labels":
                (folder / "pseudo").mkdir()
                maps = np.ones((12, 4, 4)), np.ones(12, bool), {}
                write_labels(
                    folder / "pseudo/v.h5", IDS, *maps, people=DIGEST, made_by={"split": identity}
                )
            else:
                make = {"bodies": good.bodies, "prior store": good.prior}.get(made, good.cache)
                make(data / "priors" if made == "prior store" else data)
                if made == "picture cache":
                    (data / "samples.h5").rename(data / "samples-16.h5")
            if made in ("teacher", "metrics", "pseudo-labels"):
                table = split_labels(people(), 50, 0, 9, "person")
                write_table(table, split, DIGEST, share=50, seed=9)
                exchanged = split
            else:
                rows = people().assign(head_x1=30.0)
                write_table(rows, manifest, people_digest(rows))
                exchanged = manifest
            for path in (split, manifest):
                os.utime(path, ns=(10**18, 10**18))
            lines = [line for line in exchanged_files(config, results) if str(exchanged) in line]
            yield f"{exchanged.name} under {made}", "refused" if lines else "nothing is said"


def spellings() -> Iterator[Member]:
    """A picture under two names in one table."""
    nfd = unicodedata.normalize("NFD", "é.png")
    names = [
        "./a.png", ".//a.png", "b/../a.png", "b/./../a.png", "A.png", "a.PNG", "a.png/", " a.png",
        "b\\..\\a.png", "/a.png", "../{root}/a.png", "{whole}/a.png", "file:a.png", "a.png\u200b",
    ]  # fmt: skip
    for first, second in [
        *(("a.png", name) for name in names),
        ("b/c.png", "b//c.png"),
        ("é.png", nfd),
    ]:
        with tempfile.TemporaryDirectory() as name:
            root = Path(name)
            (root / "b").mkdir()
            for picture in ("a.png", "b/c.png", "é.png"):
                Image.new("RGB", (64, 48)).save(root / picture)
            second = second.format(root=root.name, whole=root)
            rows = [f"{image},4,5,24,25,0.5,0.5" for image in (first, second)]
            header = "image,head_x0,head_y0,head_x1,head_y1,gaze_x,gaze_y"
            (root / "t.csv").write_text("\n".join([header, *rows]).replace(",24,25", ",24,26", 1))

            def read(root: Path = root) -> int:
                source = {"kind": "folder", "images": str(root), "table": str(root / "t.csv")}
                found = good_data.read_source(source)
                return found.manifest["image"].nunique()

            said = refused(read)
            yield (
                f"{first} and {second!r}",
                ("the same" if said.startswith("taken") and read() == 1 else said),
            )


class Handler(http.server.BaseHTTPRequestHandler):
    content, moved = b"", ""

    def do_GET(self) -> None:
        self.send_response(302 if self.moved else 200)
        if self.moved:
            self.send_header("Location", self.moved)
        self.send_header("Content-Length", str(len(self.content)))
        self.end_headers()
        self.wfile.write(self.content)

    def log_message(self, *_: Any) -> None:
        pass


def downloads() -> Iterator[Member]:
    pages = {
        "nothing": b"", "a page": b"<!DOCTYPE html><html>sign in</html>", "JSON": b'{"error": "gone"}',
        "a page in UTF-16": "<html>".encode("utf-16"), "XML": b"<?xml version='1.0'?><Error/>",
        "a pointer": b"version https://git-lfs.github.com/spec/v1\noid sha256:ab\n", "text": b"Not found",
    }  # fmt: skip
    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        here = f"http://127.0.0.1:{server.server_port}/"
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            fetch = partial(download, pause=0)
            for number, (what, Handler.content) in enumerate(pages.items()):
                for ending in ("pt", "safetensors"):
                    out = folder / f"{number}.{ending}"
                    yield f"{what} as .{ending}", refused(partial(fetch, here + out.name, out))
            Handler.content = good.checkpoint(folder).read_bytes()
            out = folder / "right.pt"
            wrong = f"{here}right.pt#sha256={'0' * 64}"
            yield "another digest than the published one", refused(partial(fetch, wrong, out))
            fetch(here + "right.pt", out)
            spoiled.flip(1)(out)
            yield "changed after it came", refused(partial(check_digest, out))
            for place in ("file:///etc/passwd", "ftp://127.0.0.1/x"):
                Handler.moved = place
                yield f"moved to {place}", refused(partial(fetch, f"{here}m.pt", folder / "m.pt"))
        server.shutdown()
    for address in ("file:///etc/passwd", "ftp://a.example/x", "/etc/passwd", "data:,x", "http://"):
        yield f"from {address}", refused(partial(download, address, folder / "x"))
    for model, file in [("..", "x"), (".", "x"), ("", "x"), ("a/b", "x"), ("m", ".."), ("m", "a/")]:
        models = {model: {"from": "http://a.example", "files": [file]}}
        place = {"folder": "w", "models": models}
        yield f"model {model!r}, file {file!r}", refused(partial(planned_files, place))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--flips", type=int, default=40, help="flipped bits tried in each file")
    flips = parser.parse_args().flips
    groups: dict[str, Iterator[Member]] = {
        "other people under the same ids": other_people(),
        "a flipped bit": chain(
            flipped_bits(flips), flipped_states(10 * flips), flipped_texts(flips)
        ),
        "maps without numbers": maps_that_are_none(),
        "HDF5 that leads out of the file": files_that_lead_out(),
        "other settings": other_settings(),
        "exchanged for an older file": older_files(),
        "a picture under two names": spellings(),
        "downloads": downloads(),
    }
    members, wrong = 0, 0
    for group, found in groups.items():
        said = list(found)
        bad = [f"  {name}: {what}" for name, what in said if what not in ("refused", "the same")]
        print(f"{group}: {len(said)}, {len(bad)} wrong", *bad, sep="\n", flush=True)
        members, wrong = members + len(said), wrong + len(bad)
    print(f"{members} members of {len(groups)} groups, {wrong} wrong")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
