"""A prior's files are looked at when the configuration is read: their kind, their columns, whom they lack."""

import copy
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest
from PIL import Image
from small_data import entry, gazefollow_row, track_row, write

from gcdr.base.errors import InputError
from gcdr.config.asked import used_datasets
from gcdr.config.checked import check_values, lay_over, read_config
from gcdr.config.generated import read_schema
from gcdr.config.prior_checks import unread_people_problems
from gcdr.data.manifest import BOX, people_digest, read_people, write_table
from gcdr.data.stores import write_labels, write_prior
from gcdr.datasets.folder import people_of_table, read_folder
from gcdr.datasets.read import read_dataset
from gcdr.priors.points import points_prior
from gcdr.priors.points_settings import ShapeSettings
from gcdr.priors.stored_maps import maps_prior

ROOT = Path(__file__).parents[2]
CONFIG = read_config([ROOT / "config.yaml", ROOT / "configs/smoke.yaml"])
SCHEMA = read_schema(ROOT / "workflow/schemas/config.schema.yaml")
PEOPLE = "b.png,1,1,9,9\na.png,12,2,20,9\na.png,1,1,9,9\n"
HEADER = f"image,{','.join(BOX)}"
EVERYBODY = "image,head_x0,head_y0,head_x1,head_y1,x,y\n" + "".join(
    f"{row},5,5\n" for row in PEOPLE.splitlines()
)
OF_ONE = "".join(EVERYBODY.splitlines(True)[:2])
BOXES = "image,box_x0,box_y0,box_x1,box_y1\nb.png,1,1,9,9\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a data set of two pictures and three people, none of whom any job has read."""
    (tmp_path / "assets").symlink_to(ROOT / "assets")
    (tmp_path / "own").mkdir()
    for name in ("a.png", "b.png"):
        Image.new("RGB", (24, 16)).save(tmp_path / "own" / name)
    (tmp_path / "own.csv").write_text(f"{HEADER}\n{PEOPLE}")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def said(prior: dict[str, Any], own: dict[str, Any] | None = None) -> list[str]:
    """What is said of a configuration whose studies use a prior, without what does not concern it."""
    config = copy.deepcopy(CONFIG)
    own = own or {"kind": "folder", "images": "own", "table": "own.csv"}
    changes = {
        "prior": "p",
        "priors": {"p": prior},
        "datasets": {"own": own},
        "studies": {"own": {"dataset": "own", "seed": 0, "teacher": "own", "share": None}},
        "report": {"studies": []},
        "galleries": ["own"],
    }
    lay_over(config, changes)
    try:
        check_values(config, SCHEMA)
    except InputError as error:
        if found := [line.strip() for line in str(error).splitlines() if "priors." in line]:
            return found
    return unread_people_problems(config, used_datasets(config), [])


def store(path: Path, *, valid: int = 3) -> None:
    """A label store of the people as the manifest has them."""
    people = read_folder(Path("own"), Path("own.csv")).manifest
    maps = np.zeros((3, 4, 4))
    maps[:, 1, 1] = 1
    ids = people["sample_id"].to_numpy()
    write_labels(
        path, ids, maps, np.arange(3) < valid, {}, people=people_digest(people), made_by={}
    )


def manifest(people: str = PEOPLE) -> Path:
    """The manifest, as a job has written it."""
    made = Path("results/data/own/manifest.parquet")
    made.parent.mkdir(parents=True, exist_ok=True)
    Path("own.csv").write_text(f"{HEADER}\n{people}")
    write_table(read_folder(Path("own"), Path("own.csv")).manifest, made)
    return made


def prior_store(path: Path) -> None:
    one = np.arange(1)
    maps = np.ones((1, 1, 4, 4), np.float32)
    write_prior(path, one, maps, one == 0, {}, layers=[1], people="", made_by={})


def without_maps(path: Path) -> None:
    store(path)
    with h5py.File(path, "r+") as file:
        del file["heatmap"]


@pytest.mark.parametrize(
    ("kind", "content", "what"),
    [
        ("points", "", "an empty file"),
        ("points", "\x00\x01PNG", "zero byte"),
        ("points", "hello\nthere\n", "expected the header image,"),
        ("points", "image,x\na.png,1\n", "columns x in line 1, but not the others"),
        ("points", "image,head_x0,x,y\na.png,1,1,1\n", "columns head_x0 in line 1"),
        ("points", "image,label\na.png,cat\n", "neither x, y nor box_x0"),
        ("points", "image;x;y\na.png;1;1\n", "a semicolon between columns"),
        ("points", "image,x,y\n", "no row below the header"),
        ("boxes", "image,box_x0,box_y0\na.png,1,1\n", "but not the others"),
        ("points", "image,x,y\nc.png,1,1\n", "c.png"),
        ("points", "image,x,y\na.png,1,1\n", "expected a column sample_id or a head box"),
        ("points", "image,x,y,score\nb.png,1,1,0\n", "found a map for none of the 3 people"),
    ],
)
def test_a_wrong_table_is_one_line(folder: Path, kind: str, content: str, what: str) -> None:
    Path("p.csv").write_text(content)
    lines = said({"kind": kind, "tables": {"own": "p.csv"}})
    assert len(lines) == 1 and lines[0].startswith("priors.p.tables.own: p.csv"), lines
    assert what in lines[0]


@pytest.mark.parametrize(
    ("make", "what"),
    [
        (lambda path: path.write_text(""), "an empty file"),
        (lambda path: path.write_text(EVERYBODY), "not an HDF5 file"),
        (prior_store, "expected a gcdr label store"),
        (without_maps, "found no array 'heatmap'"),
        (lambda path: store(path, valid=0), "found a map for none of the 3 people"),
        (lambda path: path.mkdir(), "a folder, expected a file"),
    ],
)
def test_a_wrong_store_is_one_line(folder: Path, make: Callable[[Path], Any], what: str) -> None:
    manifest()
    make(Path("p.h5"))
    lines = said({"kind": "maps", "stores": {"own": "p.h5"}})
    assert len(lines) == 1 and lines[0].startswith("priors.p.stores.own: "), lines
    assert what in lines[0]


def test_authors_files_of_another_kind_are_named(folder: Path) -> None:
    Path("m.pkl").write_text("<html>")
    Path("a.txt").write_text("train/1.jpg,1,2\n")
    files = {"pickles": ["m.pkl"], "annotations": ["a.txt"]}
    lines = said({"kind": "pickles", "imported": {"own": files}})
    assert [line.partition(":")[0] for line in lines] == [
        "priors.p.imported.own.pickles", "priors.p.imported.own.annotations"
    ]  # fmt: skip
    assert "a web page" in lines[0] and "3 columns in line 1" in lines[1]


@pytest.mark.parametrize("read", [False, True])
def test_a_table_that_lacks_people_is_refused_unless_it_may(folder: Path, read: bool) -> None:
    if read:
        manifest()
    Path("p.csv").write_text(OF_ONE)
    prior = {"kind": "points", "tables": {"own": "p.csv"}}
    assert said({**prior, "complete": False}) == []
    assert said(prior) == [
        "priors.p.tables.own: p.csv: found no map for 2 of 3 people: sample_id 0 (a.png), sample_id 1 "
        "(a.png); expected one of everybody, or complete: false for a prior that rightly has none of some"
    ]
    Path("p.csv").write_text(EVERYBODY)
    assert said(prior) == []
    Path("p.csv").write_text("image,sample_id,x,y\na.png,0,1,1\na.png,1,1,1\nb.png,2,1,1\n")
    assert said(prior) == []


FILES_OF_KINDS: dict[str, dict[str, str | bytes]] = {
    "gazefollow": {
        "train_annotations_release.txt": f"{gazefollow_row('x/a.jpg')}\n{gazefollow_row('x/b.jpg')}\n",
        "test_annotations_release.txt": gazefollow_row("x/c.jpg", inout=None) + "\n",
    },
    "gazelle": {"train_preprocessed.json": json.dumps([entry(f"x/{name}.jpg") for name in "abc"])},
    "videoattentiontarget": {
        f"annotations/{split}/Show/{clip}/s00.txt": f"{track_row('1.jpg')}\n{track_row('2.jpg')}"
        for split, clip in (("train", "1_2"), ("test", "8_9"))
    },
}  # fmt: skip


@pytest.mark.parametrize("kind", FILES_OF_KINDS)
def test_a_prior_that_lacks_people_of_files_that_no_job_has_read(folder: Path, kind: str) -> None:
    write(folder / "root", FILES_OF_KINDS[kind])
    write(folder / "root", {f"x/{name}.jpg": "picture" for name in "abc"})
    clips = ("1_2/1", "1_2/2", "8_9/1", "8_9/2")
    write(folder / "root", {f"images/Show/{frame}.jpg": "picture" for frame in clips})
    own = {"kind": kind, "root": "root"}
    people = read_dataset(own).manifest
    assert len(people) > 2
    given = people[["image", *BOX]].assign(x=9, y=9)
    given.iloc[1:].to_csv("p.csv", index=False)
    prior = {"kind": "points", "tables": {"own": "p.csv"}}
    (line,) = said(prior, own)
    assert f"found no map for 1 of {len(people)} people: sample_id 0" in line
    given.to_csv("p.csv", index=False)
    assert said(prior, own) == []
    (folder / "root" / people["image"][0]).unlink()  # its own job says so
    given.iloc[1:].to_csv("p.csv", index=False)
    assert said(prior, own) == []


@pytest.mark.slow
def test_a_store_that_lacks_people_is_refused_unless_it_may(folder: Path) -> None:
    store(Path("p.h5"), valid=2)
    prior = {"kind": "maps", "stores": {"own": "p.h5"}}
    expected = "found no map for 1 of 3 people: sample_id 2 (b.png)"
    for _ in range(2):  # of people that no job has read, and of read ones
        (line,) = said(prior)
        assert expected in line
        assert said({**prior, "complete": False}) == []
        made = manifest()
    with pytest.raises(InputError, match=expected.replace("(", r"\(").replace(")", r"\)")):
        maps_prior(made, Path("p.h5"), Path("out.h5"))
    assert not Path("out.h5").exists()
    maps_prior(made, Path("p.h5"), Path("out.h5"), complete=False)
    manifest(PEOPLE + "b.png,2,2,8,8\n")
    assert "made for other people" in said(prior)[0]


@pytest.mark.slow
def test_people_are_asked_for_where_they_are_known(folder: Path) -> None:
    """Neither of a manifest that will be made again, nor once the store is made."""
    made = manifest()
    os.utime("own.csv", (4e9, 4e9))  # changed since
    Path("own.csv").write_text(f"{HEADER}\nb.png,1,1,9,9\n")
    os.utime("own.csv", (4e9, 4e9))
    Path("p.csv").write_text(OF_ONE)
    prior = {"kind": "points", "tables": {"own": "p.csv"}}
    assert said(prior) == []
    Path("own/b.png").unlink()  # the reader will say so
    Path("p.csv").write_text("image,x,y\nc.png,1,1\n")
    assert said(prior) == []
    Image.new("RGB", (24, 16)).save("own/b.png")
    made = manifest()
    Path("p.csv").write_text(OF_ONE)
    points_prior(made, Path("p.csv"), made.parent / "priors/p.h5", ShapeSettings(complete=False))
    assert said(prior) == []
    os.utime("p.csv", (4e9, 4e9))
    assert "found no map for 2 of 3 people" in said(prior)[0]


def test_people_of_a_table_are_those_of_the_manifest(folder: Path) -> None:
    rows = "a.png,1,1,9,9,t1,0\na.png,1,1,9,9,t2,1\nb.png,3,1,9,9,,0\nb.png,1,1,9,9,t1,0\n"
    Path("own.csv").write_text(f"{HEADER},track,person\n{rows}")
    people = people_of_table(Path("own"), Path("own.csv"))
    whole = read_folder(Path("own"), Path("own.csv")).manifest
    pd.testing.assert_frame_equal(people[list(people)[:6]], whole[list(people)[:6]])
    assert people["track"].tolist() == whole["track"].tolist()
    assert "width" not in people and len(read_people(manifest()))
