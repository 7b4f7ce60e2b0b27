"""The authors' pickles of Grad-CAM maps become a prior store."""

import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from gcdr.base.errors import InputError
from gcdr.data import stores
from gcdr.data.manifest import build_manifest, people_digest, read_people, write_table
from gcdr.data.stores import read_prior
from gcdr.priors import imported
from gcdr.priors.imported import import_gradcams, import_track_gradcams

EYES = [0.1, 0.30000000000000004, 0.7, 0.5]
IMAGES = ["train/00/a.jpg", "train/00/a.jpg", "train/01/b.jpg", "train/01/c.jpg"]
LEFT = [10, 30, 5.5, 70]


def row(image: str, left: float, eye: float, gaze: str = "0.5,0.5") -> str:
    """A row as in the annotation files; the in/out flag and what follows differ between them."""
    corners = (left + 9, left) if eye == EYES[2] else (left, left + 9)  # exchanged, as some are
    return f"{image},7,0,0,1,1,{eye!r},0.2,{gaze},{corners[0]},20,{corners[1]},31,1,meta,name"


def entry(seed: float) -> dict:
    rng = np.random.default_rng(int(seed * 1000))
    maps = {f"{layer}th_layer": rng.random((30, 30)).astype(np.float32) for layer in (9, 10, 11)}
    maps["11th_layer"] = torch.from_numpy(maps["11th_layer"])
    return {"answer": f"ball {seed:g}", "tokens": torch.tensor([8, 2]), **maps}


@pytest.fixture
def files(tmp_path):
    rows = pd.DataFrame(
        {
            "image": IMAGES,
            "width": 100,
            "height": 80,
            "head_x0": LEFT,
            "head_y0": 20,
            "head_x1": [left + 9 for left in LEFT],
            "head_y1": 31,
            "split": "train",
        }
    )
    write_table(build_manifest(rows.sample(frac=1, random_state=0), "test"), tmp_path / "m.parquet")
    lines = [row(*person) for person in zip(IMAGES, LEFT, EYES, strict=True)]
    lines += [row(IMAGES[0], LEFT[0], EYES[0], "0.1,0.9")]  # a second annotator
    (tmp_path / "a.txt").write_text("\ufeff" + "\n".join(lines) + "\n", encoding="utf-8")
    maps = {"a.jpg": {EYES[0]: entry(0.1), 0.3: entry(0.3)}, "b.jpg": {EYES[2]: entry(0.7)}}
    (tmp_path / "maps.pkl").write_bytes(pickle.dumps(maps))
    return tmp_path


def store(files: Path, layers=(11, 12), annotations="a.txt", pickles=("maps.pkl",)):
    paths = [files / name for name in pickles]
    out = files / "prior.h5"
    import_gradcams(files / "m.parquet", paths, [files / annotations], list(layers), out)
    people = read_people(files / "m.parquet")
    return read_prior(out, people_digest(people), people["sample_id"].to_numpy())


def test_maps_find_their_people(files, capsys):
    found = store(files)
    assert found.layers == [11, 12] and found.valid.tolist() == [True, True, True, False]
    assert "3 of 4 people" in capsys.readouterr().err
    for person, seed in enumerate((0.1, 0.3, 0.7)):
        expected = entry(seed)
        np.testing.assert_array_equal(found.heatmap[person, 0], expected["10th_layer"])
        np.testing.assert_array_equal(found.heatmap[person, 1], expected["11th_layer"])
        assert found.columns["answer"][person] == expected["answer"]
    assert not found.heatmap[3].any() and found.columns["answer"][3] == ""


def test_labels_in_the_annotation_files_are_not_read(files):
    store(files)
    first = (files / "prior.h5").read_bytes()
    text = (files / "a.txt").read_text(encoding="utf-8")
    (files / "a.txt").write_text(text.replace("0.5,0.5", "poison,nan").replace(",1,meta", ",0,"))
    store(files)
    assert (files / "prior.h5").read_bytes() == first


def test_several_files_are_joined_and_bad_maps_are_invalid(files):
    more = {"c.jpg": {0.5: {**entry(0.5), "10th_layer": np.full((30, 30), np.nan, np.float32)}}}
    (files / "more.pkl").write_bytes(pickle.dumps(more))
    assert store(files, [11], pickles=("maps.pkl", "more.pkl")).valid.tolist() == [1, 1, 1, 0]
    assert store(files, [12], pickles=("maps.pkl", "more.pkl")).valid.all()


def test_maps_are_held_once_beside_the_pickles(files, monkeypatch):
    collect, write, made = imported._maps, stores.write_prior_blocks, []
    monkeypatch.setattr(imported, "_maps", lambda *given: made.append(collect(*given)) or made[0])

    def watched(path, blocks, **more):
        (block,) = blocks
        assert block["heatmap"] is made[0]
        write(path, [block], **more)

    monkeypatch.setattr(stores, "write_prior_blocks", watched)
    assert store(files).valid.any()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"a.jpg": [1, 2]}, "expected a dictionary from image names"),
        ({"z.jpg": {0.1: entry(0.1)}}, "none of the 4 people.*z.jpg"),
        (
            {"a.jpg": {0.1: {"10th_layer": np.ones((30, 30))}}},
            r"maps.pkl, .a.jpg. at 0.1: no map of decoder layer 12; there are \[11\]",
        ),
        ({"a.jpg": {0.1: {**entry(0.1), "10th_layer": np.ones(900)}}}, r"shape \(900,\)"),
        ({"a.jpg": {0.1: {**entry(0.1), "11th_layer": np.ones((7, 7))}}}, r"shape \(7, 7\)"),
        ({"a.jpg": {0.1: Path("x")}}, "found pathlib"),
    ],
)
def test_odd_pickles_are_named(files, content, said):
    (files / "maps.pkl").write_bytes(pickle.dumps(content))
    with pytest.raises(InputError, match=said) as caught:
        store(files)
    assert "maps.pkl" in str(caught.value)


@pytest.mark.parametrize("text", ["", "a,b,c\n", "x.jpg" + ",word" * 16 + "\n"])
def test_odd_annotations_are_named(files, text):
    (files / "a.txt").write_text(text)
    with pytest.raises(InputError, match=r"a\.txt: not a GazeFollow annotation file"):
        store(files)
    with pytest.raises(InputError, match=r"none\.txt: no such file"):
        store(files, annotations="none.txt")


def test_tracks_have_a_pickle_each(tmp_path: Path) -> None:
    frames = [f"images/Show/1_9/{number:08}.jpg" for number in (1, 2, 3)]
    rows = pd.DataFrame({"image": [*frames, *frames], "width": 100, "height": 80, "split": "test"})
    for place, column in enumerate(("head_x0", "head_y0", "head_x1", "head_y1")):
        rows[column] = [5 + 20 * (place > 1)] * 3 + [40 + 20 * (place > 1)] * 3
    rows["sequence"], rows["track"] = "Show/1_9", ["s00"] * 3 + ["s01"] * 3
    write_table(build_manifest(rows, "test"), tmp_path / "m.parquet")
    old, new = tmp_path / "old/Show/1_9", tmp_path / "new/Show/1_9"
    for folder, track, seeds in ((old, "s00", (1, 2)), (new, "s00", (5, 6)), (old, "s01", (3, 4))):
        folder.mkdir(parents=True, exist_ok=True)
        content = {f"{number:08}": entry(seed) for number, seed in enumerate(seeds, start=1)}
        (folder / f"{track}.pkl").write_bytes(pickle.dumps(content))
    out = tmp_path / "prior.h5"
    folders = [tmp_path / "old", tmp_path / "new"]
    import_track_gradcams(tmp_path / "m.parquet", folders, (11,), out)
    people = read_people(tmp_path / "m.parquet")
    made = read_prior(out, people_digest(people), people["sample_id"].to_numpy())
    who = zip(people["track"], people["image"], strict=True)
    answer = dict(zip(who, made.columns["answer"], strict=True))
    assert answer == {
        ("s00", frames[0]): "ball 5", ("s00", frames[1]): "ball 6", ("s00", frames[2]): "",
        ("s01", frames[0]): "ball 3", ("s01", frames[1]): "ball 4", ("s01", frames[2]): "",
    }  # fmt: skip
    assert (made.valid == (made.columns["answer"] != "")).all()
    with pytest.raises(
        InputError,
        match=r"none of the 6 people has an entry; expected files such as Show/1_9/s00.pkl",
    ):
        import_track_gradcams(tmp_path / "m.parquet", [tmp_path / "nowhere"], (11,), out)
