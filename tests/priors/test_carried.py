"""Frames of a film that share an answer, and whose maps move with the head."""

from pathlib import Path

import numpy as np
import pytest
from tiny_study import ASK, CPU, make_study, make_vqa

from gcdr.data.along_tracks import tracks_of
from gcdr.data.manifest import people_digest, read_people, write_table
from gcdr.data.stores import read_prior
from gcdr.priors.carried import head_motion, moved_map
from gcdr.priors.kinds.vqa_kind import AskSettings
from gcdr.priors.vqa import asking
from gcdr.priors.vqa.ofa_vqa import OFAForVQA


def test_a_map_moves_with_the_head() -> None:
    heatmap = np.zeros((2, 8, 8), np.float32)
    heatmap[0, 2, 3], heatmap[1, 7, 0] = 1, 1
    moved = moved_map(heatmap, np.array([2 / 8, 1 / 8]))
    assert moved[0].argmax() == 3 * 8 + 5 and np.isclose(moved[0].sum(), 1)
    assert moved[1].sum() == 0  # it has left the picture
    assert moved_map(heatmap, np.zeros(2)) is heatmap


@pytest.mark.slow
def test_one_frame_in_three_is_asked_about(tmp_path: Path, monkeypatch) -> None:
    study = make_study(tmp_path, 12, 2, film=6)
    people = read_people(study.manifest)
    bodies = people[["sample_id"]].assign(
        body_x0=5.0, body_y0=5.0, body_x1=40.0, body_y1=60.0, score=1.0, detected=False,
    )  # fmt: skip
    write_table(bodies, tmp_path / "bodies.parquet")
    weights, pictures = make_vqa(tmp_path / "vqa"), []
    explain = OFAForVQA.explain

    def watched(self, images, questions, layers):
        pictures.append(len(images))
        return explain(self, images, questions, layers)

    monkeypatch.setattr(OFAForVQA, "explain", watched)
    made = {}
    for every in (1, 3):
        # Heads are outlined, so that no two people share a question.
        told = AskSettings.from_json(ASK | {"every": every, "block": 64, "overlay": "head"})
        out = tmp_path / f"{every}.h5"
        asking.ask_people(
            study.manifest, tmp_path / "images", tmp_path / "bodies.parquet", weights, told,
            1, 1, 1, 0.0, CPU, out,
        )  # fmt: skip
        made[every] = read_prior(out, people_digest(people), people["sample_id"].to_numpy())
    leader = tracks_of(people).leaders(np.arange(len(people)), 3)
    own = leader == np.arange(len(people))
    assert sum(pictures) == len(people) + own.sum() and 0 < own.sum() < len(people)
    assert made[1].attributes["made_by"].get("every") is None
    assert made[3].attributes["made_by"]["every"] == 3
    assert np.allclose(made[3].heatmap[own], made[1].heatmap[own], atol=1e-5)
    motion = head_motion(people, leader)
    for row in np.flatnonzero(~own):
        asked = made[3].heatmap[leader[row]]
        assert np.allclose(made[3].heatmap[row], moved_map(asked, motion[row]), atol=1e-6)
    assert (made[3].columns["answer"] == made[3].columns["answer"][leader]).all()
