"""Clips of the moving demo world: pure functions, smooth, and true to what they say of their people."""

import math
from collections import defaultdict
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gcdr.data.manifest import people_alone
from gcdr.datasets.world import people_of_drawn, write_show
from gcdr.world.clip import SETS, draw_clip
from gcdr.world.dataset import ShowSettings
from gcdr.world.headpose import forward_vector
from gcdr.world.render import render
from gcdr.world.scene import Person, Scene
from gcdr.world.style import NOUNS, STYLES

SHOWS = ("kitchen", "garden", "theatre")
FRAMES = 44
shows = pytest.mark.parametrize("show", SHOWS)


@cache
def _clips(show: str) -> list[tuple[Scene, ...]]:
    return [draw_clip(5, index, STYLES[show], FRAMES) for index in range(14)]


def _tracks(show: str) -> list[dict[int, Person]]:
    """People by frame, a dictionary a track."""
    tracks: dict[tuple[int, int], dict[int, Person]] = defaultdict(dict)
    for index, clip in enumerate(_clips(show)):
        for frame, scene in enumerate(clip):
            for person in scene.people:
                tracks[index, person.track][frame] = person
    return list(tracks.values())


def _inside(box: tuple[float, ...], x: float, y: float) -> bool:
    return box[0] <= x <= box[2] and box[1] <= y <= box[3]


@shows
def test_a_frame_depends_on_seed_show_and_clip_alone(show: str) -> None:
    style = STYLES[show]
    clip = draw_clip(3, 1, style, 12)
    assert clip == draw_clip(3, 1, style, 30)[:12]
    assert clip != draw_clip(4, 1, style, 12)
    assert clip != draw_clip(3, 2, style, 12)
    first, again = (render(draw_clip(3, 1, style, 3)[2], 96, 72) for _ in range(2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, render(clip[1], 96, 72))


@pytest.mark.slow
@shows
def test_room_things_and_looks_stay(show: str) -> None:
    for clip in _clips(show):
        assert len({scene.room for scene in clip}) == len({scene.things for scene in clip}) == 1
        assert len({scene.light for scene in clip}) == 1
        assert len({scene.grain for scene in clip}) == FRAMES
    for track in _tracks(show):
        assert len({(one.figure.face, one.figure.top_color) for one in track.values()}) == 1


@shows
def test_a_show_comes_back_to_its_sets_and_their_people(show: str) -> None:
    first, other, again = (draw_clip(3, clip, STYLES[show], 1)[0] for clip in (0, 2, 2 * SETS))
    assert (first.room, first.things, first.light) == (again.room, again.things, again.light)
    assert first.room != other.room and first.things != other.things
    for one, same in zip(first.people, again.people, strict=True):
        assert (one.figure.face, one.figure.top_color) == (same.figure.face, same.figure.top_color)
        assert one.figure.x != same.figure.x


@shows
def test_heads_turn_and_move_smoothly(show: str) -> None:
    motion, turned = STYLES[show].motion, []
    for track in _tracks(show):
        for frame, person in track.items():
            after = track.get(frame + 1)
            if after is None:
                continue
            a, b = (forward_vector(p.figure.angle, p.figure.turn) for p in (person, after))
            turned.append(math.degrees(math.acos(min(1.0, float(a @ b)))))
            assert math.dist(person.figure.head, after.figure.head) < 0.2  # who walks out
    assert max(turned) < motion.speed + 5 * STYLES[show].head_noise
    assert np.mean(np.array(turned) > 0.5 * motion.speed) > 0.02  # and they do turn


@shows
def test_gaze_lies_in_the_frame_and_on_its_target(show: str) -> None:
    said = set()
    for scene in (scene for clip in _clips(show) for scene in clip):
        for person in scene.people:
            assert person.in_frame == (person.gaze is not None) == (person.noun is not None)
            said.add(person.noun)
            if person.gaze is None:
                continue
            x, y = person.gaze
            assert 0 < x < 1
            assert 0 < y < 1
            if person.noun in NOUNS:
                boxes = [thing.box for thing in scene.things if thing.noun == person.noun]
            elif person.noun == "person":
                boxes = [p.head_box for p in scene.people if p.track != person.track]
            else:
                continue
            assert any(_inside(box, x, y) for box in boxes)
    assert said >= {"person", None}
    assert len(said & set(NOUNS)) >= 4


@shows
def test_looks_change_and_people_come_back(show: str) -> None:
    tracks = _tracks(show)
    nouns = [len({person.noun for person in track.values()}) for track in tracks]
    assert np.mean(nouns) > 2
    gaps = [track for track in tracks if len(track) < max(track) - min(track) + 1]
    assert gaps
    assert len(gaps) < len(tracks) / 2
    assert any(person.figure.shut for track in tracks for person in track.values())


def test_several_frames_tell_more_than_one() -> None:
    """Heads are off by noise of which a part is new in every frame; at a look's end they are there."""
    single, together = [], []
    for track in (track for show in SHOWS for track in _tracks(show)):
        looks: dict[tuple, list[tuple[int, Person]]] = defaultdict(list)
        for frame, person in track.items():
            if person.noun in NOUNS:
                looks[person.gaze].append((frame, person))
        for look in looks.values():
            settled = [person for frame, person in look if frame >= look[0][0] + 10]
            if len(settled) < 4:
                continue
            errors = [
                math.degrees(math.remainder(one.figure.angle - one.direction, 2 * math.pi))
                for one in settled
            ]
            single.append(errors[-1])
            together.append(np.mean(errors))
    assert len(single) > 50
    assert np.median(np.abs(single)) < 6
    assert np.std(together) < np.std(single)


@pytest.mark.slow
def test_a_show_as_a_data_set(tmp_path: Path) -> None:
    show = ShowSettings(5, "kitchen", clips=2, test_clips=1, frames=3, width=64, height=48)
    tables, again = write_show(tmp_path / "one", show), write_show(tmp_path / "two", show, 2)
    pd.testing.assert_frame_equal(tables.manifest, again.manifest)
    pd.testing.assert_frame_equal(people_alone(tables.manifest), people_of_drawn(show))
    names = tables.manifest["image"].unique()
    assert len(names) == len([*(tmp_path / "one").glob("*/*.jpg")]) <= 9
    for name in names:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    people = tables.manifest
    assert people.groupby("sequence")["split"].first().to_dict() == {
        "kitchen/000": "train",
        "kitchen/001": "test",
        "kitchen/002": "train",
    }
    assert set(people["group"]) == {"kitchen"}
    assert not people.duplicated(["sequence", "track", "frame"]).any()
    tested = people[people["split"] == "test"]
    points = tables.annotations.set_index("sample_id").loc[tested["sample_id"]]
    assert len(points) == len(tables.annotations) == len(tested)
    np.testing.assert_array_equal(points[["gaze_x", "gaze_y"]], tested[["gaze_x", "gaze_y"]])
    assert not len(write_show(tmp_path / "three", replace(show, clips=1, test_clips=0)).annotations)
