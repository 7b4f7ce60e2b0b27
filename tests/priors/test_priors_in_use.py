"""What reads prior stores works on those from elsewhere: labels, Table S7, the gallery, pools."""

import numpy as np
import pandas as pd
import pytest
import torch
from tiny_study import CPU, MAPS, Study, make_study

from gcdr.base.errors import InputError
from gcdr.data.heatmaps import gaussians, peak_points
from gcdr.data.manifest import BODY, people_digest, read_annotated, read_people, write_table
from gcdr.data.pool import pool_priors
from gcdr.data.prior_maps import prior_maps
from gcdr.data.split import split_labels
from gcdr.data.stores import read_labels, read_prior
from gcdr.priors.graded import graded_points
from gcdr.priors.points import points_prior
from gcdr.priors.points_settings import ShapeSettings
from gcdr.priors.stored_maps import maps_prior
from gcdr.refine.labels import make_labels
from gcdr.refine.options import LabelSettings
from gcdr.report.gallery import GalleryFiles, write_gallery
from gcdr.report.table_s7 import score_overlays, table_s7_markdown
from gcdr.settings.reporting import GallerySettings

PERFECT = {"error": 0, "biased": 0, "missing": 0, "seed": 0, "reads_hidden_labels": True}


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> Study:
    """A drawn study whose prior comes from a table of the true points; one looks out of the frame."""
    made = make_study(tmp_path_factory.mktemp("study"))
    made.prior.unlink()
    people = pd.read_parquet(made.manifest)
    people.loc[people.index[-1], ["gaze_x", "gaze_y", "in_frame", "label"]] = [
        None,
        None,
        False,
        None,
    ]
    write_table(people, made.manifest)
    graded_points(made.manifest, made.folder / "points.csv", **PERFECT)
    how = ShapeSettings(size=32, complete=False)
    points_prior(made.manifest, made.folder / "points.csv", made.prior, how)
    return made


def graded(study: Study, folder, **change) -> pd.DataFrame:
    graded_points(study.manifest, folder / "graded.csv", **{**PERFECT, **change})
    return pd.read_csv(folder / "graded.csv", keep_default_na=False).set_index("sample_id")


def labels_of(study: Study, gaussian: bool, out) -> None:
    settings = LabelSettings(MAPS, gaussian=gaussian)
    who = (study.manifest, None, "all", study.samples, study.prior, None)
    make_labels("argmax" if gaussian else "raw", *who, settings, 0, CPU, out)


def test_maps_are_those_of_the_points(study):
    people = read_annotated(study.manifest)
    ids, inside = people["sample_id"].to_numpy(), people["in_frame"].to_numpy(bool)
    maps, valid = prior_maps(study.prior, people_digest(people), ids, 1, 32)
    assert (valid == inside).all() and not maps[~valid].any()
    peaks = peak_points(torch.from_numpy(maps)).numpy()[inside]
    gaze = people[["gaze_x", "gaze_y"]].to_numpy()[inside]
    assert np.abs(peaks - gaze).max() <= 0.5 / 32 + 0.01


def test_they_become_pseudo_labels(study, tmp_path):
    people = read_people(study.manifest)
    ids, digest = people["sample_id"].to_numpy(), people_digest(people)
    maps, valid = prior_maps(study.prior, digest, ids, 1, 32)
    for gaussian in (False, True):
        labels_of(study, gaussian, tmp_path / "labels.h5")
        found = read_labels(tmp_path / "labels.h5", digest)
        assert (found.valid == valid).all()
        expected = torch.from_numpy(maps)
        if gaussian:
            expected = gaussians(peak_points(expected), 32, MAPS.sigma)
        np.testing.assert_allclose(found.heatmap[valid], expected.numpy()[valid], atol=1e-3)


def test_unlabelled_people_get_theirs(study, tmp_path):
    labels = tmp_path / "labels.parquet"
    write_table(split_labels(read_annotated(study.manifest), 40, 0.2, 0), labels)
    who = (study.manifest, labels, "unlabelled", study.samples, study.prior, None)
    make_labels("raw", *who, LabelSettings(MAPS), 0, CPU, tmp_path / "raw.h5")
    found = read_labels(tmp_path / "raw.h5", people_digest(read_people(study.manifest)))
    table = pd.read_parquet(labels)
    assert set(found.sample_id) == set(table.loc[table["role"] == "unlabelled", "sample_id"])


def test_labels_become_the_prior_again(study, tmp_path):
    people = read_people(study.manifest)
    ids, digest = people["sample_id"].to_numpy(), people_digest(people)
    labels_of(study, False, tmp_path / "raw.h5")
    maps_prior(study.manifest, tmp_path / "raw.h5", tmp_path / "prior.h5", complete=False)
    first = prior_maps(study.prior, digest, ids, 1, 32)
    second = prior_maps(tmp_path / "prior.h5", digest, ids, 1, 32)
    np.testing.assert_allclose(first[0], second[0], atol=1e-3)
    assert (first[1] == second[1]).all()


def test_table_s7_has_a_row_of_them(study):
    files = (study.samples, study.manifest, study.annotations)
    table = score_overlays([study.prior], ["points"], *files, 32)
    assert table["overlay"].tolist() == ["none"] and table["invalid"].item() == 0
    assert "| None | 1 of 1 |" in table_s7_markdown(table)


@pytest.mark.slow
def test_the_gallery_shows_them(study, tmp_path):
    people = read_people(study.manifest)
    bodies = people[["sample_id"]].assign(**dict.fromkeys(BODY, np.nan), detected=False)
    write_table(bodies, tmp_path / "bodies.parquet")
    labels_of(study, True, tmp_path / "labels.h5")
    labels, out = tmp_path / "labels.h5", tmp_path / "gallery.html"
    files = GalleryFiles(
        study.manifest, study.annotations, tmp_path / "bodies.parquet", study.prior, labels, labels
    )
    settings = GallerySettings(str(study.folder / "images"), 1, "drawn")
    write_gallery(files, settings, tmp_path / "gallery", out)
    noun = read_annotated(study.manifest)["label"].dropna().iloc[0]
    assert f"Answer: {noun}" in out.read_text()


def test_pools_take_them(study, tmp_path):
    """Tables of different names and units, drawn in the same way, go together."""
    people = read_people(study.manifest)
    ids = people["sample_id"].to_numpy()
    scale = people.set_index("sample_id")[["width", "height"]]
    table = graded(study, tmp_path)
    table[["x", "y"]] /= scale.loc[table.index].to_numpy()
    table.to_csv(tmp_path / "shares.csv")
    how = ShapeSettings(size=32, units="normalised", complete=False)
    points_prior(study.manifest, tmp_path / "shares.csv", tmp_path / "other.h5", how)
    members = pd.DataFrame(
        {
            "sample_id": np.arange(2 * len(ids)),
            "source": np.repeat(["one", "two"], len(ids)),
            "member_id": np.tile(ids, 2),
        }
    )
    priors = {"one": study.prior, "two": tmp_path / "other.h5"}
    stores = {name: (study.manifest, path) for name, path in priors.items()}
    pool_priors(members, "pool", stores, tmp_path / "pool.h5")
    found = read_prior(tmp_path / "pool.h5", "pool", members["sample_id"].to_numpy())
    np.testing.assert_allclose(found.heatmap[: len(ids)], found.heatmap[len(ids) :], atol=1e-5)
    assert set(found.columns["source"]) == {"points.csv", "shares.csv", ""}


def test_graded_points_err_as_they_are_told(study, tmp_path):
    people = read_annotated(study.manifest).set_index("sample_id")
    size = people[["width", "height"]].to_numpy()
    people[["x", "y"]] = people[["gaze_x", "gaze_y"]] * size
    exact, coarse = graded(study, tmp_path), graded(study, tmp_path, error=0.1)
    assert set(exact.index) == set(people.index[people["in_frame"].astype(bool)])
    truth = people.loc[exact.index, ["x", "y"]].to_numpy()
    assert np.abs(exact[["x", "y"]].to_numpy() - truth).max() <= 0.01
    assert len(exact) == len(people) - 1
    off = (coarse[["x", "y"]].to_numpy() - truth) / size[0]
    assert 0.05 < off.std() < 0.15
    finer = graded(study, tmp_path, error=0.05)[["x", "y"]].to_numpy() - truth
    drawn = coarse[["x", "y"]].to_numpy()
    inside = ((drawn > 0) & (drawn < size[0])).all(1)
    np.testing.assert_allclose(finer[inside], off[inside] * size[0] / 2, atol=0.02)


def test_graded_points_go_astray_or_lack(study, tmp_path):
    exact, wrong = graded(study, tmp_path), graded(study, tmp_path, biased=1)
    assert len(wrong) == len(read_people(study.manifest))  # also who looks out of the frame
    both = wrong.loc[exact.index]
    points = both[["x", "y"]].to_numpy()
    off = np.hypot(*((points - exact[["x", "y"]].to_numpy()) / (96, 72)).T)
    alone = ~wrong["image"].duplicated(keep=False).loc[exact.index]
    assert (off[~alone] >= 0.0999).all() and (points[alone] == (48, 36)).all()
    few, fewer = graded(study, tmp_path, missing=0.2), graded(study, tmp_path, missing=0.6)
    assert set(fewer.index) < set(few.index) < set(exact.index)


def test_graded_points_of_a_person_depend_on_nobody_else(study, tmp_path):
    how = {"error": 0.1, "missing": 0.3}
    whole = graded(study, tmp_path, **how)
    people = pd.read_parquet(study.manifest)
    part = Study(*[tmp_path / "part.parquet"] * 5)
    write_table(people[people["split"] == "train"].iloc[::-1], part.manifest)
    found = graded(part, tmp_path, **how)
    pd.testing.assert_frame_equal(found.sort_index(), whole.loc[sorted(found.index)])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"reads_hidden_labels": False}, "it reads the labels that the split hides"),
        ({"biased": 1.1}, r"found biased = 1.1, expected a share in 0\.\.1"),
        ({"error": float("nan")}, "found error = nan"),
        ({"missing": 1}, "nobody is left with missing = 1"),
    ],
)
def test_graded_points_are_refused(study, tmp_path, change, said):
    with pytest.raises(InputError, match=said):
        graded(study, tmp_path, **change)


@pytest.mark.parametrize("change", [{"image": "test2/1.jpg"}, {"label": "bicycle"}])
def test_real_data_is_refused(study, tmp_path, change):
    people = pd.read_parquet(study.manifest)
    real = Study(*[tmp_path / "real.parquet"] * 5)
    people.loc[3, list(change)] = list(change.values())
    write_table(people, real.manifest)
    with pytest.raises(InputError, match="not of a drawn world"):
        graded(real, tmp_path)
