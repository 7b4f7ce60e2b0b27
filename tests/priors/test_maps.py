"""Heatmaps of another model of this package become a prior store."""

import numpy as np
import pytest
from priors_data import write_manifest

from gcdr.base.errors import InputError
from gcdr.data.manifest import people_digest, read_people
from gcdr.data.stores import Store, read_prior, write_labels
from gcdr.priors import stored_maps as maps
from gcdr.priors.stored_maps import maps_prior

IDS = np.array([0, 2, 3])


def drawn(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).random(shape).astype(np.float16)


def prior(folder, heatmap, valid=(True, True, True), people=None) -> Store:
    """The prior store that comes of a label store of the people ``IDS``."""
    manifest = write_manifest(folder)
    digest = people_digest(read_people(manifest))
    write_labels(
        folder / "vat.h5", IDS, heatmap, np.array(valid), {}, people=people or digest, made_by={}
    )
    maps_prior(manifest, folder / "vat.h5", folder / "prior.h5", complete=False)
    return read_prior(folder / "prior.h5", digest, np.arange(5))


def test_maps_keep_their_people(tmp_path, capsys):
    heatmap = drawn(3, 8, 8)
    heatmap[1] = np.nan  # what is invalid may hold anything
    found = prior(tmp_path, heatmap, (True, False, True))
    assert found.valid.tolist() == [True, False, False, True, False] and found.layers == [1]
    np.testing.assert_array_equal(found.heatmap[[0, 3], 0], heatmap[[0, 2]])
    assert not found.heatmap[~found.valid].any()
    none, bad = "not in vat.h5", "no valid map in vat.h5"
    assert found.columns["problem"].tolist() == ["", none, bad, "", none]
    assert "maps of 2 of 5 people" in capsys.readouterr().out


def test_several_draws_are_averaged(tmp_path):
    heatmap = drawn(3, 2, 8, 8)
    np.testing.assert_allclose(
        prior(tmp_path, heatmap).heatmap[IDS, 0], heatmap.astype(float).mean(1), atol=1e-6
    )


def test_maps_come_in_blocks(tmp_path, monkeypatch):
    heatmap = drawn(3, 8, 8)
    whole = prior(tmp_path, heatmap)
    monkeypatch.setattr(maps, "BLOCK", 2)
    parts = prior(tmp_path, heatmap)
    np.testing.assert_array_equal(whole.heatmap, parts.heatmap)
    assert (whole.columns["problem"] == parts.columns["problem"]).all()


@pytest.mark.parametrize(
    ("heatmap", "change", "said"),
    [
        (drawn(3, 8, 8), {"people": "others"}, "made for other people than the manifest's"),
        (drawn(3, 8, 8), {"valid": (False,) * 3}, "a map for none of the 5 people"),
        (np.full((3, 8, 8), 0.5), {}, "a map for none of the 5 people"),
        (drawn(3, 8, 6), {}, "found maps of 8 x 6 cells, expected square ones"),
    ],
)
def test_odd_stores_are_named(tmp_path, heatmap, change, said):
    with pytest.raises(InputError, match=said) as caught:
        prior(tmp_path, heatmap, **change)
    assert "vat.h5" in str(caught.value) and not (tmp_path / "prior.h5").exists()


def test_a_prior_is_no_label_store(tmp_path):
    prior(tmp_path, drawn(3, 8, 8))
    with pytest.raises(InputError, match="expected a gcdr label store"):
        maps_prior(tmp_path / "manifest.parquet", tmp_path / "prior.h5", tmp_path / "other.h5")
