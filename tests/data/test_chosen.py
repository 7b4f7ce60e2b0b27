"""Labels that are kept by the names of clips and shows, and by a drawn clip."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gcdr.base.errors import InputError
from gcdr.data.chosen import ChosenLabels, for_adapting, people_to_label
from gcdr.data.folds import resampled
from gcdr.data.manifest import BOX, LABELS
from gcdr.data.split import LABELLED, UNLABELLED, split_labels

CLIPS = {"Kitchen/1_9 ": 9, "Kitchen/20_59": 40, "Kitchen/60_169": 110, "Garden/1_30": 30}


def film(clips: dict[str, int] = CLIPS, split: str = "test") -> pd.DataFrame:
    """One person a frame in clips of some lengths, a track each."""
    rows = [(clip, frame) for clip, frames in clips.items() for frame in range(frames)]
    table = pd.DataFrame(rows, columns=["sequence", "frame"])
    table.insert(0, "sample_id", np.arange(len(table)))
    table["image"] = table["sequence"] + "/" + table["frame"].astype(str)
    table["group"], table["track"] = table["sequence"].str.partition("/")[0], "s00"
    table[BOX] = [4.0, 5.0, 24.0, 25.0]
    table[["gaze_x", "gaze_y"]], table["label"] = 0.5, "pan"
    return table.assign(split=split, in_frame=pd.array([True] * len(table), "boolean"))


def shown(table: pd.DataFrame, seed: int = 0, **labels: object) -> pd.DataFrame:
    everybody = for_adapting(table)
    chosen = people_to_label(everybody, ChosenLabels.from_json(labels), seed)
    split = split_labels(everybody, None, 0, seed, released=chosen)
    return split.merge(table[["sample_id", "sequence", "track", "group"]], on="sample_id")


def test_named_clips_keep_their_labels_and_everybody_else_is_hidden() -> None:
    split = shown(film(), clips=[" 1_9", "Kitchen/60_169 "])
    kept = split.loc[split["role"] == LABELLED, "sequence"]
    assert kept.value_counts().to_dict() == {"Kitchen/1_9 ": 9, "Kitchen/60_169": 110}
    hidden = split[split["role"] == UNLABELLED]
    assert len(hidden) == 70 and hidden[LABELS].isna().all(axis=None)


def test_named_shows_keep_their_labels() -> None:
    split = shown(film(split="train"), shows=["Garden "])
    assert set(split.loc[split["role"] == LABELLED, "sequence"]) == {"Garden/1_30"}


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (
            {"clips": ["1_90"]},
            "found '1_90', expected one of Garden/1_30, Kitchen/1_9 , Kitchen/20",
        ),
        ({"clips": ["Kitchen"]}, "found 'Kitchen', expected one of Garden/1_30"),
        ({"shows": ["Theatre"]}, "labels.shows: found 'Theatre', expected one of Garden, Kitchen"),
    ],
)
def test_a_name_of_nothing_is_refused_with_those_that_there_are(
    labels: dict[str, object], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        shown(film(), **labels)


def test_a_name_of_several_clips_asks_for_the_whole_name() -> None:
    clips = {"Kitchen/1_9": 3, "Garden/1_9": 3}
    with pytest.raises(InputError, match="expected one of these: Garden/1_9, Kitchen/1_9"):
        shown(film(clips), clips=["1_9"])
    assert (shown(film(clips), clips=["Garden/1_9"])["role"] == LABELLED).sum() == 3


def test_data_without_clips_say_so() -> None:
    with pytest.raises(InputError, match=r"labels\.frames: no training person has a sequence"):
        shown(film().drop(columns=["sequence"]).assign(sequence=None), frames=100)


@pytest.mark.slow
def test_a_drawn_clip_has_about_as_many_frames_or_the_nearest_number() -> None:
    def drawn(frames: int) -> set[str]:
        splits = (shown(film(), seed, frames=frames) for seed in range(12))
        return {name for one in splits for name in one.loc[one["role"] == LABELLED, "sequence"]}

    assert drawn(100) == {"Kitchen/60_169"}  # 110 lies within a quarter
    assert drawn(35) == {"Kitchen/20_59", "Garden/1_30"}  # both do, the seed decides
    assert drawn(500) == {"Kitchen/60_169"} and drawn(1) == {"Kitchen/1_9 "}


@pytest.mark.slow
def test_what_a_label_says_never_decides_which_clip_is_drawn() -> None:
    table = film()
    moved = table.assign(gaze_x=np.linspace(0, 1, len(table)), label="dog")
    for seed in range(6):
        pair = [shown(one, seed, frames=35)["role"] for one in (table, moved)]
        pd.testing.assert_series_equal(*pair)


@pytest.mark.slow
@settings(max_examples=25)
@given(st.lists(st.integers(1, 60), min_size=2, max_size=9), st.integers(1, 80), st.integers(0, 9))
def test_no_track_is_torn(lengths: list[int], frames: int, seed: int) -> None:
    clips = {f"show/{number}": length for number, length in enumerate(lengths)}
    split = shown(film(clips), seed, frames=frames)
    assert (split.groupby(["sequence", "track"])["role"].nunique() == 1).all()
    assert (split["role"] == LABELLED).any()


def test_ignored_people_take_no_part_in_adapting() -> None:
    table = film()
    table.loc[0, "split"] = "ignore"
    assert 0 not in shown(table, clips=["1_9"])["sample_id"].to_numpy()


def test_intervals_resample_shows_where_there_are_enough_then_clips_then_images() -> None:
    people = film()
    units, kind = resampled(people)
    assert kind == "clips" and len(set(units)) == 4
    one = people[people["sequence"] == "Garden/1_30"]
    units, kind = resampled(one)
    assert kind == "images" and len(set(units)) == 30  # one clip drawn anew is the same clip
    many = people.assign(group=[f"show {row % 8}" for row in range(len(people))])
    units, kind = resampled(many)
    assert kind == "shows" and len(set(units)) == 8
