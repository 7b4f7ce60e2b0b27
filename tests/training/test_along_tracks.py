"""Models that follow tracks, from files to files: trained on clips, asked along whole tracks."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_study import CPU, DIFFUSION, GAZE, LABELS, SAMPLING, Study, make_study, pictures_of

from gcdr.base.errors import InputError
from gcdr.base.tensors import read_tensors
from gcdr.data.along_tracks import Tracks
from gcdr.data.cache import Samples
from gcdr.data.manifest import people_digest, read_annotated, read_people, write_table
from gcdr.data.originals import Originals
from gcdr.data.prior_maps import prior_maps
from gcdr.data.split import split_labels
from gcdr.data.stores import read_labels
from gcdr.models.build import load_model
from gcdr.models.inputs import cached_inputs
from gcdr.predictor.predictor import Predictor, load_gaze_model, people_blocks
from gcdr.refine.diffusion import draws
from gcdr.refine.labels import make_labels, refinement_of
from gcdr.refine.maps import refine_maps
from gcdr.refine.options import RefineSettings
from gcdr.training.batches import Clips, batches_of, compose, draw_batch
from gcdr.training.denoising import train_diffusion_model
from gcdr.training.gaze import train_gaze_model
from gcdr.training.recipes import GazeModelSettings
from gcdr.training.targets import Targets, heatmap_targets, labelled_targets

pytestmark = pytest.mark.slow

FILM = 6
VIDEO = replace(
    GAZE,
    model=GazeModelSettings("video-vat", "world"),
    recipe=replace(GAZE.recipe, frames=3),
)
TRACKED = replace(
    DIFFUSION,
    network=replace(DIFFUSION.network, tracks=True),
    recipe=replace(DIFFUSION.recipe, frames=3, batch=6),
)


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """Four films, of which some are labelled; a Video VAT and a denoiser of tracks that learned from them."""
    study = make_study(tmp_path_factory.mktemp("films"), 24, 6, film=FILM)
    annotated = read_annotated(study.manifest)
    write_table(split_labels(annotated, 50, 0, 0, by="sequence"), study.folder / "labels.parquet")
    given = pictures_of(study, study.folder / "labels.parquet")
    train_gaze_model(*given, None, None, None, VIDEO, 0, CPU, study.folder / "vat")
    train_gaze_model(*given, None, study.prior, None, VIDEO, 0, CPU, study.folder / "vat-gc")
    train_diffusion_model(*given, None, TRACKED, 0, CPU, study.folder / "diffusion")
    return study


def by_track(samples: Samples, ids: np.ndarray) -> list[np.ndarray]:
    """Places of the people of each track, in the order of time."""
    tracks, rows = samples.tracks, samples.rows(ids)
    order = tracks.in_time(rows)
    return [order[tracks.track[rows[order]] == one] for one in np.unique(tracks.track[rows])]


@pytest.mark.parametrize("teacher", ["vat", "vat-gc"])
@torch.inference_mode()
def test_people_of_films_are_asked_along_their_tracks(film: Study, teacher: str) -> None:
    samples = Samples.open(film.samples)
    predictor = Predictor(load_gaze_model(film.folder / teacher), CPU)
    for weight in predictor.model.convlstm_scene.parameters():
        weight.mul_(5)  # after a few steps it remembers next to nothing
    ids = samples.sample_id
    maps = None
    if predictor.model.needs.prior:
        maps, _ = prior_maps(film.prior, samples.people, ids, 1, predictor.model.map_size)
    said = predictor.of_people(samples, ids, maps).heatmap
    for places in by_track(samples, ids):
        memory = None
        for place in places:  # frame by frame, each with what its track showed before
            rows = samples.rows(ids[[place]])
            seen = None if maps is None else torch.from_numpy(maps[[place]])[:, None]
            inputs = cached_inputs(samples, rows, predictor.model, CPU, seen)
            output = predictor.model(
                replace(inputs, track=torch.zeros(1, dtype=int), memory=memory)
            )
            memory = output.memory
            apart = (said[place] - output.heatmap[0]).abs().max()
            assert apart <= 1e-5 * said[place].abs().max()  # maps of these weights reach 50
    last = max(by_track(samples, ids), key=len)[-1]
    alone = predictor.of_people(
        samples, ids[[last]], None if maps is None else maps[[last]]
    ).heatmap
    assert (alone[0] - said[last]).abs().max() > 1e-3


@torch.inference_mode()
def test_maps_are_refined_along_tracks(film: Study) -> None:
    samples = Samples.open(film.samples)
    model = load_model(film.folder / "diffusion").eval()
    ids = samples.sample_id
    prior = np.random.default_rng(0).random((len(ids), 32, 32)).astype(np.float32)
    way = refinement_of(RefineSettings(SAMPLING, timestep=250, draws=1), 0)
    (made,) = refine_maps(model, samples, ids, prior, [way], CPU)
    for places in by_track(samples, ids):
        inputs = cached_inputs(samples, samples.rows(ids[places]), model, CPU)
        context = model.context(replace(inputs, track=torch.zeros(len(places), dtype=int)))
        noise = way.noise(ids[places], 32)
        alone = draws(
            lambda noisy, time, context=context: model.predict(noisy, time, context),
            torch.from_numpy(prior[places]), noise, way,
        )[0]  # fmt: skip
        assert torch.allclose(made.heatmap[torch.from_numpy(places)], alone, atol=1e-5)


def test_a_track_is_seen_in_one_view(film: Study) -> None:
    samples = Samples.open(film.samples)
    labels = film.folder / "labels.parquet"
    targets = labelled_targets(labels, samples)
    larger = Originals.open(labels.with_suffix(".originals.h5"), samples.people)
    rows = samples.rows(targets.sample_id)
    ids = targets.sample_id[samples.tracks.in_time(rows)]
    model = load_gaze_model(film.folder / "vat")
    clip = samples.tracks.stretches(samples.rows(ids))
    drawn = [
        draw_batch(samples, larger, targets, ids, priors=None, rng=(0, "test", step), clip=clip)
        for step in range(8)
    ]
    seen = [batches_of(one, model, 3.0, CPU)[0].inputs for one in drawn]
    track = seen[0].track
    assert (track == torch.from_numpy(clip)).all()
    flipped = torch.stack([one.head_box[:, 0] for one in seen])
    own = torch.from_numpy(samples.head_box[samples.rows(ids)])
    for one in track.unique():
        (places,) = torch.where(track == one)
        for step in range(8):
            # One window for all: heads keep their sizes to one another.
            width = seen[step].head_box[places, 2] - flipped[step, places]
            ratio = width / (own[places, 2] - own[places, 0])
            assert torch.allclose(ratio, ratio[:1].expand_as(ratio), atol=1e-4)
    assert (
        len({tuple(one.head_box[0].tolist()) for one in seen}) > 2
    )  # tracks differ from step to step


def test_only_the_memory_and_what_follows_learn(film: Study) -> None:
    given = pictures_of(film, film.folder / "labels.parquet")
    held = replace(VIDEO, recipe=replace(VIDEO.recipe, learned="in_time", ema=None))
    train_gaze_model(*given, None, None, film.folder / "vat", held, 0, CPU, film.folder / "held")
    before, after = (
        read_tensors(film.folder / name / "model.safetensors") for name in ("vat", "held")
    )
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert {name.split(".")[0] for name in changed} == {
        "convlstm_scene", "deconv1", "deconv2", "deconv3", "conv4",
    } & {name.split(".")[0] for name in before}  # fmt: skip
    with pytest.raises(InputError, match="follows no tracks; expected all"):
        wrong = replace(GAZE, recipe=held.recipe)
        train_gaze_model(*given, None, None, None, wrong, 0, CPU, film.folder / "wrong")


def test_a_denoiser_of_tracks_holds_nothing_that_is_random(film: Study, tmp_path: Path) -> None:
    """Its towers would stay as they were drawn: of VAT's weights too, which lack none but compress no map."""
    given = pictures_of(film, film.folder / "labels.parquet")
    network = replace(DIFFUSION.network, tracks=True)
    held = replace(DIFFUSION, network=network, recipe=replace(DIFFUSION.recipe, learned="in_time"))
    with pytest.raises(InputError, match=r"in_time would hold feat_extractor\..* at random values"):
        train_diffusion_model(*given, None, held, 0, CPU, tmp_path / "none")
    whole = replace(held, recipe=DIFFUSION.recipe)
    train_diffusion_model(*given, None, whole, 0, CPU, tmp_path / "whole")
    train_diffusion_model(*given, tmp_path / "whole", held, 1, CPU, tmp_path / "held")


def test_a_recipe_says_how_far_gradients_go_back(film: Study) -> None:
    """Of the same clips: cut after one frame the memory's recurrent weights learn otherwise."""
    given = pictures_of(film, film.folder / "labels.parquet")
    found = {}
    for truncate in (None, 1):
        recipe = replace(VIDEO.recipe, truncate=truncate, ema=None)
        assert ("truncate" in recipe.to_json()) == (truncate is not None)
        out = film.folder / f"truncate-{truncate}"
        train_gaze_model(*given, None, None, None, replace(VIDEO, recipe=recipe), 0, CPU, out)
        found[truncate] = read_tensors(out / "model.safetensors")["convlstm_scene.weight_hh_l0"]
    assert not torch.equal(found[None], found[1])


def test_video_pdp_learns_in_time_alone(film: Study, tmp_path: Path) -> None:
    """Windows of five frames: what mixes them learns, and neither towers nor attention."""
    given = pictures_of(film, film.folder / "labels.parquet")
    recipe = replace(VIDEO.recipe, frames=5, learned="in_time", ema=None)
    model = GazeModelSettings("video-pdp", "world-nodepth")
    settings = replace(VIDEO, model=model, recipe=recipe)
    whole = replace(settings, recipe=replace(recipe, learned="all"))
    train_gaze_model(*given, None, None, None, whole, 0, CPU, tmp_path / "one")
    train_gaze_model(*given, None, None, tmp_path / "one", settings, 0, CPU, tmp_path / "two")
    before, after = (read_tensors(tmp_path / name / "model.safetensors") for name in ("one", "two"))
    changed = {name.split(".")[0] for name in before if not torch.equal(before[name], after[name])}
    assert {"temporal_proj_1", "temporal_pos_embed", "inout_patch_pred", "deconv1"} <= changed
    assert not {name for name in changed if "scene" in name or "face" in name or name == "attn"}
    samples = Samples.open(film.samples)
    trained = Predictor(load_gaze_model(tmp_path / "two"), CPU)
    maps = trained.of_people(samples, samples.sample_id, None).heatmap
    assert maps.shape == (30, 32, 32) and maps.isfinite().all()


def test_a_student_learns_from_labels_refined_along_tracks(film: Study, tmp_path: Path) -> None:
    labels, pseudo = film.folder / "labels.parquet", tmp_path / "gcdr.h5"
    make_labels(
        "gcdr", film.manifest, labels, "unlabelled", film.samples, film.prior,
        film.folder / "diffusion", LABELS, 0, CPU, pseudo,
    )  # fmt: skip
    store = read_labels(pseudo, people_digest(read_people(film.manifest)))
    assert store.valid.all()
    given = pictures_of(film, labels)
    train_gaze_model(*given, pseudo, None, film.folder / "vat", VIDEO, 0, CPU, tmp_path / "student")
    model = load_gaze_model(tmp_path / "student")
    samples = Samples.open(film.samples)
    blocks = list(people_blocks(model, samples, samples.sample_id, CPU, progress=False))
    assert all(inputs.track is not None for _, inputs in blocks)


def test_clips_of_one_track_stay_apart_in_a_batch() -> None:
    """Two that come one after the other in a batch, and in time, are no longer clip."""
    track = Tracks(np.zeros(12, np.int64), np.arange(12))
    clips = Clips(lambda ids: [ids[part] for part in track.clips(ids, 4)], 4)
    labelled = Targets(np.arange(12), np.zeros((12, 2), np.float32))
    people = compose(labelled, None, 12, None, 0, clips)
    for step in range(4):
        ids, clip = people.ids(step), people.clip(step)
        assert (
            sorted(ids.tolist()) == list(range(12)) and clip.tolist() == [0] * 4 + [1] * 4 + [2] * 4
        )
        assert all((ids[clip == one] // 4 == ids[clip == one][0] // 4).all() for one in range(3))
    others = heatmap_targets(np.arange(12, 16), None)
    mixed = compose(labelled, others, 8, 4, 0, Clips(lambda ids: np.split(ids, len(ids) // 4), 4))
    assert mixed.clip(0).tolist() == [0] * 4 + [1] * 4 and (mixed.ids(0)[4:] >= 12).all()
