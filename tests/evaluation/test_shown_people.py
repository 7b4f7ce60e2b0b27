"""Whom figures show, and what the diffusion model makes of them step by step."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_study import CPU, DIFFUSION, LABELS, REFINE, make_study, pictures_of

from gcdr.base.errors import InputError
from gcdr.base.seeds import numpy_rng
from gcdr.data.manifest import people_digest, read_annotated, read_people, write_table
from gcdr.data.prior_maps import prior_maps
from gcdr.data.shown import split_identity
from gcdr.data.split import split_labels
from gcdr.data.tokens import open_cache
from gcdr.evaluation.shown_people import RIGHT, WRONG, by_raw_map, evenly, nearer_with_less_auc
from gcdr.evaluation.stages import evaluate_prior
from gcdr.evaluation.stepwise import STEPS, read_step_maps, ways, write_step_maps
from gcdr.refine.labels import load_denoiser, refinement_of
from gcdr.refine.maps import pseudo_labels, refine_maps
from gcdr.training.denoising import train_diffusion_model


@given(st.integers(0, 40), st.integers(1, 9))
def test_people_stand_at_equal_steps(people: int, count: int) -> None:
    taken = evenly(np.arange(people), count)
    assert len(taken) == min(people, count) and (np.diff(taken) > 0).all()
    if len(taken) > 1:
        assert np.ptp(np.diff(taken)) <= 1 and taken[0] <= people - 1 - taken[-1] + 1


def test_right_and_wrong_raw_maps_are_found_by_their_distance() -> None:
    distance = numpy_rng(0, "shown").random(200)
    scores = pd.DataFrame({"sample_id": np.arange(200) * 3, "dist_to_mean": distance})
    valid = numpy_rng(1, "shown").random(200) < 0.8
    chosen = by_raw_map(scores, valid, 3)
    assert {kind: len(ids) for kind, ids in chosen.items()} == {"right": 3, "wrong": 3}
    assert (distance[chosen["right"] // 3] < RIGHT).all()
    assert (distance[chosen["wrong"] // 3] > WRONG).all()
    assert valid[np.concatenate([*chosen.values()]) // 3].all()
    nobody = by_raw_map(scores, np.zeros(200, bool), 3)
    assert not len(nobody["right"]) and not len(nobody["wrong"])


def test_nearer_maps_with_less_auc_are_found() -> None:
    columns = ["sample_id", "pred_x", "pred_y", "dist_to_mean", "auc"]
    broad = pd.DataFrame(
        [
            (1, 0.5, 0.5, 0.20, 0.95),
            (2, 0.5, 0.5, 0.20, 0.99),
            (3, 0.5, 0.5, 0.02, 0.99),  # the broad one is nearer
            (4, 0.5, 0.5, 0.20, 0.50),  # the sharp one has the larger AUC
            (5, 0.5, 0.5, 0.40, 0.95),
            (6, 0.5, 0.5, 0.40, 0.95),
        ],
        columns=columns,
    )
    sharp = broad.assign(auc=0.9, dist_to_mean=0.05)
    sharp.loc[4:, ["pred_x", "dist_to_mean"]] = [[0.52, 0.39], [0.60, 0.39]]  # 5: one wrong place
    chosen = nearer_with_less_auc(sharp, broad, 4)
    assert {kind: ids.tolist() for kind, ids in chosen.items()} == {"nearer": [2, 1], "same": [5]}
    assert nearer_with_less_auc(sharp, broad, 1)["nearer"].tolist() == [2]


def test_ways_are_those_of_the_figures() -> None:
    five = [(start, 2) for start in (100, 200, 300, 400)]
    assert ways(replace(REFINE, timestep=250)) == [
        *five,
        *((start, steps) for start in (250, None) for steps in STEPS),
    ]
    found = ways(replace(REFINE, timestep=4, steps=3))  # five steps do not fit into four timesteps
    assert {steps for start, steps in found if start is None} == {3, 2}


@pytest.mark.slow
def test_the_last_step_is_the_pseudo_label(tmp_path: Path) -> None:
    study = make_study(tmp_path, test=30)
    labels, teacher = tmp_path / "labels.parquet", tmp_path / "diffusion"
    write_table(split_labels(read_annotated(study.manifest), 40, 0.2, 0), labels)
    train_diffusion_model(*pictures_of(study, labels), None, DIFFUSION, 0, CPU, teacher)
    tested = study.samples, study.manifest, study.annotations, LABELS.maps
    evaluate_prior(study.prior, *tested, {}, tmp_path / "raw.json")
    out, scores = tmp_path / "steps.h5", tmp_path / "raw.parquet"
    given = (teacher, study.samples, study.manifest, labels, study.prior, scores)
    write_step_maps(*given, LABELS, 0, CPU, out)
    digest = people_digest(read_people(study.manifest))
    people = pd.read_parquet(scores)
    chosen = by_raw_map(people, np.ones(len(people), bool), 3)
    ids = np.sort(np.concatenate([*chosen.values()]))
    way, made = read_step_maps(out, digest, ids, split_identity(labels)["digest"])
    assert way == (250, 2) and list(made) == ways(REFINE)
    assert {steps: made[None, steps].shape[1] for steps in STEPS} == {2: 2, 5: 5}
    maps, _ = prior_maps(study.prior, digest, ids, 1, LABELS.maps.size)
    refinement = refinement_of(REFINE, 0)
    cache, model = open_cache(study.samples, digest), load_denoiser(teacher)
    (refined,) = refine_maps(model, cache, ids, maps, [refinement], CPU)
    expected, _ = pseudo_labels(refined.heatmap, None)
    np.testing.assert_allclose(made[way][:, -1], expected, atol=1e-3)
    assert np.abs(made[way][:, 0] - expected).max() > 0.01
    with pytest.raises(InputError, match="another label split"):
        read_step_maps(out, digest, ids, "another")
    scores.unlink()
    write_table(people.assign(dist_to_mean=0.2), scores)
    with pytest.raises(InputError, match="no test person has a right or a wrong raw map"):
        write_step_maps(*given, LABELS, 0, CPU, out)
