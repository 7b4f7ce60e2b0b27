"""What a choice sees of labels is what is seen of those that are made with it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tiny_study import CPU, DIFFUSION, LABELS, MAPS, REFINE, Study, make_study, pictures_of

from gcdr.data.manifest import people_digest, read_annotated, read_people, write_table
from gcdr.data.prior_maps import prior_maps
from gcdr.data.split import split_labels
from gcdr.data.stores import read_labels
from gcdr.data.tokens import open_cache
from gcdr.evaluation.judged import judged_labels
from gcdr.refine.labels import load_denoiser, make_labels
from gcdr.refine.options import ChoiceSettings, RefineSettings
from gcdr.refine.reliability import Judged
from gcdr.training.denoising import train_diffusion_model
from gcdr.variants import AUTO

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return make_study(tmp_path_factory.mktemp("study"), train=16)


@pytest.fixture(scope="module")
def model(study: Study) -> Path:
    labels, folder = study.folder / "labels.parquet", study.folder / "diffusion"
    write_table(split_labels(read_annotated(study.manifest), 50, 0.2, 0), labels)
    train_diffusion_model(*pictures_of(study, labels), None, DIFFUSION, 0, CPU, folder)
    return folder


def judged(study: Study, model: Path, ids: np.ndarray, refine: RefineSettings) -> Judged:
    digest = people_digest(read_people(study.manifest))
    cache = open_cache(study.samples, digest)
    maps, _ = prior_maps(study.prior, digest, ids, MAPS.layer, MAPS.size)
    gaze = np.random.default_rng(0).random((len(ids), 2))
    averaged = replace(refine, timestep=AUTO, steps=None, redraw="mean")
    settings = ChoiceSettings(MAPS, averaged, (250,), (2,))
    made = judged_labels(load_denoiser(model), cache, ids, gaze, maps, settings, 0, CPU)
    return Judged(*(values[0] for values in made))


@pytest.mark.parametrize("redraw", ["mean", "sampled"])
@pytest.mark.parametrize("stretch", [True, False])
def test_entropy_is_that_of_the_labels(
    study: Study, model: Path, tmp_path: Path, stretch: bool, redraw: str
) -> None:
    """Else a line of it, learned from the ones, says nonsense of the others."""
    refine = replace(REFINE, stretch=stretch, draws=2, redraw=redraw)
    files = ("all", study.samples, study.prior, model, replace(LABELS, refine=refine), 0, CPU)
    made_of = tmp_path / "labels.h5"
    make_labels("gcdr", study.manifest, study.folder / "labels.parquet", *files, made_of)
    store = read_labels(made_of, people_digest(read_people(study.manifest)))
    seen = judged(study, model, store.sample_id, refine)
    assert np.ptp(seen.entropy) > 0
    assert store.columns["entropy"] == pytest.approx(seen.entropy, abs=1e-6)
    assert store.columns["prior_distance"] == pytest.approx(seen.prior_distance, abs=1e-6)


def test_a_stretched_label_errs_as_the_map_does(study: Study, model: Path) -> None:
    """So what is chosen does not hang on it, though entropy does."""
    ids = read_people(study.manifest)["sample_id"].to_numpy()
    stretched, as_high = (
        judged(study, model, ids, replace(REFINE, stretch=how)) for how in (True, False)
    )
    assert (stretched.error == as_high.error).all()
    assert (stretched.entropy != as_high.entropy).all()
