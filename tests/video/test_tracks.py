"""Heads as tracks: given in a table, or found and linked."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gcdr.base.errors import InputError
from gcdr.data.manifest import BOX
from gcdr.datasets.linking import Linker
from gcdr.video.frames import Frame
from gcdr.video.heads_by_frame import found_heads, tabled_heads
from gcdr.video.tracks import missing_note, read_tracks


def box(x: float, y: float = 20, side: float = 20) -> list[float]:
    return [x, y, x + side, y + side]


def frames(count: int, rate: float = 10) -> list[Frame]:
    image = Image.new("RGB", (200, 100))
    return [Frame(number, number / rate, "", image) for number in range(count)]


def test_heads_keep_their_track_while_they_move_and_pass() -> None:
    linker = Linker()
    for step in range(12):
        left, right = box(10 + 9 * step), box(160 - 9 * step, y=45)
        heads = [right, left] if step % 2 else [left, right]  # a detector's order is by score
        names = linker(np.array(heads), step / 10)
        assert names == (["person-2", "person-1"] if step % 2 else ["person-1", "person-2"])
    assert linker(np.array([box(180, 80)]), 1.2) == ["person-3"]  # too far from both
    assert linker(np.zeros((0, 4)), 1.3) == [] and not linker.later


def test_who_comes_back_late_is_a_new_track_and_it_is_said() -> None:
    linker = Linker(gap=0.5)
    assert linker(np.array([box(10)]), 0.0) == ["person-1"]
    assert linker(np.zeros((0, 4)), 0.1) == []
    assert linker(np.array([box(12)]), 0.5) == ["person-1"]  # within the gap
    linker(np.zeros((0, 4)), 0.6)
    assert linker(np.array([box(12)]), 1.2) == ["person-2"]
    assert linker.later == ["person-2"] and linker.ended == ["person-1"]
    with pytest.raises(InputError, match="gap: found -1"):
        Linker(-1)


def test_a_track_lasts_until_the_next_look_however_late_that_is() -> None:
    linker = Linker(gap=0.5)
    assert [linker(np.array([box(10)]), at)[0] for at in (0.0, 5.0, 10.0)] == ["person-1"] * 3


class Finder:
    """Finds heads that move by a pixel a frame, told by the order in which it is asked."""

    def __init__(self, asked: Sequence[int], gone: Sequence[int] = ()) -> None:
        self.asked, self.gone, self.at = asked, gone, 0

    def __call__(self, images: Sequence[Image.Image]) -> list[tuple[np.ndarray, np.ndarray]]:
        number = self.asked[self.at]
        self.at += 1
        heads = [box(10 + number)] + ([] if number in self.gone else [box(100 + 2 * number)])
        return [(np.array(heads, float), np.full(len(heads), 0.9))] * len(images)


def test_between_looks_heads_move_on_a_line() -> None:
    looks = [0, 4, 8, 10]
    finder = Finder(looks, gone=[8, 10])
    seen = list(found_heads(frames(11), finder, Linker(), every=4))
    assert finder.at == len(looks) and [one.frame.number for one in seen] == list(range(11))
    for one in seen:
        at = one.tracks.index("person-1")
        assert np.allclose(one.boxes[at], box(10 + one.frame.number))
        assert np.isnan(one.scores[at]) == (one.frame.number not in looks)
        assert ("person-2" in one.tracks) == (one.frame.number <= 4)
        if "person-2" in one.tracks:
            place = one.tracks.index("person-2")
            assert np.allclose(one.boxes[place], box(100 + 2 * one.frame.number))
    with pytest.raises(InputError, match="find every: found 0"):
        next(found_heads(frames(2), finder, Linker(), every=0))


def test_frames_that_wait_for_the_next_look_fit_into_memory() -> None:
    image = Image.new("RGB", (3840, 2160))
    large = [Frame(number, number / 10, "", image) for number in range(3)]
    taken: list[Frame] = []

    def coming() -> Iterator[Frame]:
        for frame in large:
            taken.append(frame)
            yield frame

    with pytest.raises(InputError, match=r"found 1000, of frames of 3840 x 2160 .* at most 32:"):
        next(found_heads(coming(), Finder([0]), Linker(), every=1000))
    assert len(taken) == 1  # said before anything is held
    assert len(list(found_heads(large, Finder([0, 2]), Linker(), every=32))) == 3
    assert len(list(found_heads(frames(3), Finder([0, 2]), Linker(), every=1000))) == 3


def test_a_table_gives_tracks_and_bad_rows_are_named(tmp_path: Path) -> None:
    table = tmp_path / "heads.csv"
    rows = [
        "film,0,ann,10,20,30,40",
        "film,0,bob,100,20,120,40",
        "film,3,ann,13,20,33,40",
        "film,3,ann,99,20,119,40",  # twice
        "film,4,bob,120,40,100,20",  # corners exchanged
        "film,1.5,bob,1,2,3,4",
        "film,5,,1,2,30,40",
        "film,x,bob,1,2,3,4",
        "film.mp4,6,cat,500,500,600,600",  # outside
        "other,7,ann,1,2,3,4",
        "film,90,ann,1,2,30,40",
    ]
    table.write_text("\n".join([f"sequence,frame,track,{','.join(BOX)}", *rows]) + "\n")
    tracks = read_tracks(table, Path("film.mp4"))
    assert sorted(tracks.boxes) == [0, 3, 6, 90] and tracks.names[0] == ("ann", "bob")
    assert tracks.boxes[3].tolist() == [box(13)]
    for part in ("line 5, track", "line 6, ", "line 7, frame", "line 8, track", "line 9, frame"):
        assert any(part in note for note in tracks.notes), (part, tracks.notes)
    seen = list(tabled_heads(frames(8), tracks, Linker()))
    assert [one.tracks for one in seen][:4] == [("ann", "bob"), (), (), ("ann",)]
    assert len(seen[6].boxes) == 0 and len(seen[6].outside) == 1
    (note,) = missing_note(table, list(tracks.boxes), set(range(8)))
    assert "1 of its frames are not in the video, such as frame 90" in note


def test_boxes_without_tracks_are_linked(tmp_path: Path) -> None:
    table = tmp_path / "heads.csv"
    rows = [f"{number},{','.join(map(str, box(10 + 5 * number)))}" for number in range(4)]
    table.write_text("\n".join([f"frame,{','.join(BOX)}", *rows]) + "\n")
    tracks = read_tracks(table, Path("film.mp4"))
    assert {one.tracks for one in tabled_heads(frames(4), tracks, Linker())} == {("person-1",)}


@pytest.mark.parametrize(
    ("content", "alone", "part"),
    [
        (None, True, "no such table"),
        ("frame,head_x0\n1,2\n", True, "head_y0"),
        (f"frame,{','.join(BOX)}\n", True, "no row below the header"),
        (f"frame,{','.join(BOX)}\n1,9,9,2,2\n", True, "no row that can be used"),
        (f"frame,{','.join(BOX)}\n1,1,1,2,2\n", False, "no column 'sequence'"),
        (f"sequence,frame,{','.join(BOX)}\nother,1,1,1,2,2\n", True, "expected some of 'film'"),
    ],
)
def test_a_table_that_does_not_fit_is_refused(
    tmp_path: Path, content: str | None, alone: bool, part: str
) -> None:
    table = tmp_path / "heads.csv"
    if content is not None:
        table.write_text(content)
    with pytest.raises(InputError, match=part):
        read_tracks(table, Path("film.mp4"), alone)


def test_rows_are_of_the_film_of_that_very_name(tmp_path: Path) -> None:
    table, row = tmp_path / "heads.csv", "{},{},1,1,2,2"
    called = ["P1.camA", "P1.camA.mp4", "P1.camB", "P1", "P1.camA.avi", "P1.camA.txt"]
    rows = [row.format(name, number) for number, name in enumerate(called)]
    table.write_text("\n".join([f"sequence,frame,{','.join(BOX)}", *rows]) + "\n")
    film = tmp_path / "P1.camA.mp4"
    assert sorted(read_tracks(table, film).boxes) == [0, 1, 4]
    (tmp_path / "P1.camA.avi").touch()  # a film of its own, with a row of its own
    assert sorted(read_tracks(table, film).boxes) == [0, 1]
    assert sorted(read_tracks(table, tmp_path / "P1.camB.mov").boxes) == [2]
    (folder := tmp_path / "P1").mkdir()
    assert sorted(read_tracks(table, folder).boxes) == [3]
    (folder := tmp_path / "cam.1").mkdir()  # a folder has no ending
    with pytest.raises(InputError, match=r"expected some of 'cam\.1'"):
        read_tracks(table, folder)
