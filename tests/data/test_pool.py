"""Pools of data sets: who is in them, what comes along, and that hidden labels never do."""

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
from tiny_study import Study, make_study, run_study

from gcdr.base.errors import InputError
from gcdr.config.pools import pool_name
from gcdr.data.cache import open_image, write_samples
from gcdr.data.manifest import (
    BOX,
    LABELS,
    people_digest,
    read_annotated,
    read_annotations,
    read_people,
    write_table,
)
from gcdr.data.pool import (
    link_images,
    pool_annotations,
    pool_people,
    pool_priors,
    pool_rows,
    pool_samples,
)
from gcdr.data.split import LABELLED, UNLABELLED, split_labels
from gcdr.data.stores import read_prior

pytestmark = pytest.mark.slow

Worlds = dict[str, Study]


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> Worlds:
    """Two worlds that were drawn differently."""
    make: Callable[[str], Path] = tmp_path_factory.mktemp
    return {name: make_study(make(name), 24, 6, seed) for name, seed in (("a", 3), ("b", 4))}


def manifests(worlds: Worlds) -> dict[str, Path]:
    return {name: study.manifest for name, study in worlds.items()}


def pooled(worlds: Worlds, folder: Path, manifest: pd.DataFrame, members: pd.DataFrame) -> Study:
    """The files of a pool, as the workflow makes them."""
    folder.mkdir()
    study = Study(
        folder,
        folder / "manifest.parquet",
        folder / "annotations.parquet",
        folder / "samples.h5",
        folder / "prior.h5",
    )
    write_table(manifest, study.manifest)
    write_table(pool_annotations(members, "b", worlds["b"].annotations), study.annotations)
    link_images(
        {name: world.folder / "images" for name, world in worlds.items()}, folder / "images"
    )
    people = read_people(study.manifest)
    caches = {name: world.samples for name, world in worlds.items()}
    pool_samples(members, people, caches, 56, study.samples)
    stores = {name: (world.manifest, world.prior) for name, world in worlds.items()}
    pool_priors(members, people_digest(people), stores, study.prior)
    return study


def test_everything_of_a_person_comes_along(worlds: Worlds, tmp_path: Path) -> None:
    manifest, members = pool_people(manifests(worlds), ["a"], ["b"], "b")
    study = pooled(worlds, tmp_path / "pool", manifest, members)
    people = read_people(study.manifest)
    store = read_prior(study.prior, people_digest(people), people["sample_id"].to_numpy())
    tests = people.loc[people["split"] == "test", "sample_id"].to_numpy()
    points = read_annotations(study.annotations, tests)
    for name, world in worlds.items():
        own = members[members["source"] == name]
        ids = own["member_id"].to_numpy()
        original = read_people(world.manifest).iloc[ids]
        found = people.iloc[own["sample_id"]]
        assert (found[BOX].to_numpy() == original[BOX].to_numpy()).all()
        assert (name + "/" + original["image"]).tolist() == found["image"].tolist()
        expected = read_prior(world.prior, people_digest(read_people(world.manifest)), ids)
        assert (store.heatmap[own["sample_id"]] == expected.heatmap).all()
        assert (store.columns["answer"][own["sample_id"]] == expected.columns["answer"]).all()
        open_image(study.folder / "images" / found["image"].iloc[0])
    chosen = members.set_index("sample_id").loc[tests, "member_id"].to_numpy()
    assert (points == read_annotations(worlds["b"].annotations, chosen)).all()
    scores = {n: pd.DataFrame({"sample_id": range(40), "score": range(40)}) for n in worlds}
    rows = pool_rows(members, scores)
    assert (rows["score"].to_numpy() == members["member_id"].to_numpy()).all()


def test_pictures_are_those_that_decoding_gives(worlds: Worlds, tmp_path: Path) -> None:
    manifest, members = pool_people(manifests(worlds), ["a"], ["a", "b"], "b")
    study = pooled(worlds, tmp_path / "pool", manifest, members)
    decoded = tmp_path / "decoded.h5"
    write_samples(read_people(study.manifest), study.folder / "images", 56, decoded, failures=0)
    with h5py.File(study.samples) as ours, h5py.File(decoded) as theirs:
        assert ours.attrs["people"] == theirs.attrs["people"] and ours.keys() == theirs.keys()
        for name in theirs:
            assert (ours[name][:] == theirs[name][:]).all() and ours[name].dtype == theirs[
                name
            ].dtype


@pytest.mark.parametrize(
    ("labelled", "unlabelled", "share", "expected"),
    [
        (["a"], ["b"], 40, {"a": {LABELLED}, "b": {UNLABELLED}}),
        (["a"], ["a", "b"], 40, {"a": {LABELLED, UNLABELLED}, "b": {UNLABELLED}}),
        (["a"], ["b"], 100, {"a": {LABELLED}, "b": {UNLABELLED}}),
        (["a", "b"], [], 100, {"a": {LABELLED}, "b": {LABELLED}}),
    ],
)
def test_who_is_labelled(
    worlds: Worlds, labelled: list, unlabelled: list, share: int, expected: dict
) -> None:
    manifest, members = pool_people(manifests(worlds), labelled, unlabelled, "b")
    labels = split_labels(manifest, share, 0, 0)
    source = members["source"].iloc[labels["sample_id"]].to_numpy()
    assert {name: set(labels.loc[source == name, "role"]) for name in worlds} == expected
    assert labels.loc[labels["role"] == UNLABELLED, LABELS].isna().all(axis=None)


@pytest.mark.slow
def test_poison_in_any_hidden_label_changes_no_bit(worlds: Worlds, tmp_path: Path) -> None:
    manifest, members = pool_people(manifests(worlds), ["a"], ["a", "b"], "b")
    study = pooled(worlds, tmp_path / "pool", manifest, members)
    clean = run_study(study, study.manifest, tmp_path / "clean")
    labels = split_labels(manifest, 40, 0.2, 0)
    shown = members[
        members["sample_id"].isin(labels.loc[labels["role"] != UNLABELLED, "sample_id"])
    ]
    assert set(shown["source"]) == {"a"}
    poisoned = {}
    for name, world in worlds.items():
        table = read_annotated(world.manifest)
        hidden = ~table["sample_id"].isin(shown.loc[shown["source"] == name, "member_id"])
        table.loc[hidden, ["gaze_x", "gaze_y"]] = np.arange(2 * hidden.sum()).reshape(-1, 2)
        table.loc[hidden, "in_frame"] = ~table.loc[hidden, "in_frame"].astype(bool)
        table.loc[hidden, "label"] = "poison"
        poisoned[name] = tmp_path / f"{name}.parquet"
        write_table(table, poisoned[name])
    again, _ = pool_people(poisoned, ["a"], ["a", "b"], "b")
    write_table(again, tmp_path / "again.parquet")
    assert run_study(study, tmp_path / "again.parquet", tmp_path / "out") == clean


def test_the_pool_does_not_hold_labels_of_unlabelled_sources(worlds: Worlds) -> None:
    manifest, members = pool_people(manifests(worlds), ["a"], ["b"], "b")
    assert manifest.loc[members["source"] == "b", LABELS].isna().all(axis=None)


def test_a_source_must_have_whom_it_is_named_for(worlds: Worlds, tmp_path: Path) -> None:
    table = read_annotated(worlds["a"].manifest)
    for split, used in (("train", (["a"], ["b"], "b")), ("test", (["b"], ["b"], "a"))):
        write_table(table[table["split"] != split], tmp_path / "a.parquet")
        paths = {"a": tmp_path / "a.parquet", "b": worlds["b"].manifest}
        with pytest.raises(
            InputError, match=rf"a\.parquet: no (training|{split}) people; expected"
        ):
            pool_people(paths, *used)


def test_name_says_what_is_in_it() -> None:
    assert pool_name({"labelled": ["a"], "unlabelled": ["b", "c"], "test": "b"}) == "a--b.c--b"
