"""People as rows of tracks: pieces that are learned from, blocks that are followed."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gcdr.data.along_tracks import ABREAST, FORGET, Tracks, tracks_of


@st.composite
def films(draw: st.DrawFn) -> tuple[Tracks, np.ndarray]:
    """Tracks of unequal length with gaps, in any order, and some of their rows."""
    track, frame = [], []
    for number in range(draw(st.integers(1, 12))):
        steps = draw(st.lists(st.sampled_from([1, 1, 1, 2, FORGET + 1, FORGET + 2]), max_size=20))
        frame += np.cumsum([0, *steps]).tolist()
        track += [7 * number] * (len(steps) + 1)
    order = np.random.default_rng(draw(st.integers(0, 99))).permutation(len(track))
    tracks = Tracks(np.array(track)[order], np.array(frame)[order])
    kept = draw(st.integers(0, len(track)))
    return tracks, np.sort(np.random.default_rng(kept).permutation(len(track))[:kept])


@pytest.mark.slow
@given(films(), st.integers(1, 9))
@settings(max_examples=60, deadline=None)
def test_clips_are_pieces_of_stretches(film: tuple[Tracks, np.ndarray], frames: int) -> None:
    tracks, rows = film
    clips = tracks.clips(rows, frames)
    assert sorted(np.concatenate([*clips, []]).tolist()) == list(range(len(rows)))
    for clip in clips:
        assert 0 < len(clip) <= frames
        assert (tracks.stretches(rows[clip]) == 0).all()


@pytest.mark.slow
@given(films(), st.sampled_from([ABREAST, 64]))
@settings(max_examples=60, deadline=None)
def test_blocks_follow_every_stretch(film: tuple[Tracks, np.ndarray], size: int) -> None:
    tracks, rows = film
    blocks = tracks.blocks(rows, size)
    assert all(0 < len(places) <= size for places, _ in blocks)
    seen = np.concatenate([*(places for places, _ in blocks), []]).astype(int)
    stretch = np.concatenate([*(of for _, of in blocks), []])
    assert sorted(seen.tolist()) == list(range(len(rows)))
    for one in np.unique(stretch):
        of_one = rows[seen[stretch == one]]
        gaps = np.diff(tracks.frame[of_one])
        assert len(np.unique(tracks.track[of_one])) == 1
        assert ((gaps > 0) & (gaps <= FORGET + 1)).all()
        held = [number for number, (_, of) in enumerate(blocks) if one in of]
        assert held == list(range(held[0], held[-1] + 1))  # no memory must wait


def test_who_is_whose_row() -> None:
    people = pd.DataFrame(
        {
            "image": ["a/2.jpg", "a/1.jpg", "b/1.jpg", "c.jpg", "a/1.jpg"],
            "sequence": ["a", "a", "b", None, "a"],
            "track": ["x", "x", "x", None, "y"],
        }
    )
    tracks = tracks_of(people)
    assert tracks.track[0] == tracks.track[1]
    assert len(np.unique(tracks.track)) == 4
    assert tracks.frame[1] < tracks.frame[0]  # no frame numbers: images by name
    assert (tracks_of(people.assign(frame=[8, 9, 1, 1, 9])).frame[:2] == [8, 9]).all()
    assert tracks_of(people.drop(columns="track")) is None


def test_frames_of_a_thinned_film_follow_one_another() -> None:
    taken = [
        0,
        29,
        59,
        89,
        119,
        600,
        630,
    ]  # one frame a second of nearly thirty; nobody is there for a while
    whole = [5, 6, 7, 9, 10, 40]
    people = pd.DataFrame(
        {
            "image": [f"thin/{n:06d}.jpg" for n in taken] + [f"whole/{n:06d}.jpg" for n in whole],
            "sequence": ["thin"] * len(taken) + ["whole"] * len(whole),
            "track": "x",
            "frame": pd.array([*taken, *whole], "Int64"),
        }
    )
    tracks = tracks_of(people)
    assert tracks is not None
    assert tracks.frame.tolist() == [0, 1, 2, 3, 4, 20, 21, *whole]
    assert tracks.stretches(np.arange(len(people))).tolist() == [0] * 5 + [1] * 2 + [2] * 5 + [3]
