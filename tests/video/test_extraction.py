"""Films of a folder as pictures, and the heads that are found in them."""

from pathlib import Path

import av
import numpy as np
import pandas as pd
import pytest
import torch
from moving_world import moving_world, write_film
from PIL import Image

from gcdr.base.errors import InputError
from gcdr.base.problems import Problems
from gcdr.cli.cli_video import check_videos
from gcdr.cli.commands import main
from gcdr.data.manifest import BOX
from gcdr.datasets.film import read_film, read_film_frames
from gcdr.datasets.folder import folder_rows
from gcdr.video.extraction import find_films, write_frames
from gcdr.video.film_heads import write_film_heads
from gcdr.video.film_settings import FilmSettings

HEADS = Path("assets/world/heads")


@pytest.fixture(scope="module")
def frames() -> list[Image.Image]:
    return [image for image, _ in moving_world(10, index=4)]


@pytest.fixture
def films(tmp_path: Path, frames: list[Image.Image]) -> Path:
    """A video of ten frames, and a folder of five whose numbers begin at 20."""
    root = tmp_path / "films"
    (root / "walk").mkdir(parents=True)
    write_film(root / "party.mp4", frames)
    for number, image in enumerate(frames[:5], 20):
        image.save(root / f"walk/shot-{number}.png")
    (root / "notes.txt").write_text("not a film")
    return root


def taken(films: Path, out: Path, **wanted) -> tuple[pd.DataFrame, list[str]]:
    lines = write_frames(films, FilmSettings(**wanted), out / "frames", out / "frames.parquet")
    return read_film_frames(out / "frames.parquet"), lines


def test_wanted_frames_are_pictures_under_the_films_own_numbers(
    films: Path, tmp_path: Path, frames: list[Image.Image]
) -> None:
    table, lines = taken(films, tmp_path, every=4)
    assert table["sequence"].tolist() == ["party"] * 10 + ["walk"] * 5
    assert table["frame"].tolist() == [*range(10), *range(20, 25)]
    shown = table.dropna(subset=["image"])
    names = [f"party/{n:06d}.jpg" for n in (0, 4, 8)] + ["walk/000020.png", "walk/000024.png"]
    assert shown["image"].tolist() == names
    assert np.allclose(shown["seconds"], [0, 0.16, 0.32, 0, 0.16])
    there = {path.relative_to(tmp_path / "frames").as_posix() for path in tmp_path.rglob("*/*/0*")}
    assert there == {*names}
    for name, number in (("party/000008.jpg", 8), ("walk/000024.png", 4)):
        found = np.asarray(Image.open(tmp_path / "frames" / name), float)
        error = [abs(found - np.asarray(image, float)).mean() for image in frames]
        assert int(np.argmin(error)) == number
    assert (tmp_path / "frames/walk/000024.png").is_symlink()  # what is a file is not copied
    assert "3 of 10 frames taken, the last at 0.32 s; 320 x 240 pixels" in lines[0]


def test_frames_are_thinned_by_time_and_a_damaged_one_is_said(films: Path, tmp_path: Path) -> None:
    broken = films / "walk/shot-22.png"
    broken.write_bytes(broken.read_bytes()[:200])
    table, lines = taken(films, tmp_path, fps=5, frame_rate=5)
    shown = table.dropna(subset=["image"])
    assert shown.groupby("sequence")["frame"].agg(list).to_dict() == {
        "party": [0, 5],
        "walk": [20, 21, 23, 24],
    }
    assert [line for line in lines if line.startswith("skipped: ") and "shot-22.png" in line]


def test_a_film_that_ends_early_is_said_to_the_user(
    films: Path, tmp_path: Path, frames: list[Image.Image]
) -> None:
    late = write_film(films / "late.mkv", frames, times=lambda n: n / 2)
    late.write_bytes(late.read_bytes()[: late.stat().st_size // 2])
    _, lines = taken(films, tmp_path)
    (said,) = (line for line in lines if "late.mkv: ends early" in line)
    assert "its header says 4." in said or "its header says 5." in said


def test_films_that_cannot_be_read_are_named_before_any_is_decoded(
    films: Path, tmp_path: Path
) -> None:
    with av.open(str(films / "sound.mp4"), "w") as container:
        stream = container.add_stream("aac", rate=16000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
        frame.sample_rate = 16000
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    (films / "empty.avi").touch()
    with pytest.raises(InputError, match=r"2 films cannot be read") as error:
        taken(films, tmp_path)
    assert "sound.mp4: no video stream in it; found audio" in str(error.value)
    assert "empty.avi: not a readable video (an empty file)" in str(error.value)
    assert {path.name for path in tmp_path.iterdir()} == {"films"}


@pytest.mark.parametrize(
    ("made", "said"),
    [
        ("walk.mp4", "found walk and walk.mp4, two films of one name"),
        ("0001.png", "found 0001.png; expected the frames of each film in a folder"),
    ],
)
def test_what_is_no_folder_of_films_is_named(films: Path, made: str, said: str) -> None:
    (empty := films / "empty").mkdir()
    with pytest.raises(InputError, match="found no film"):
        find_films(empty)
    (films / made).touch()
    with pytest.raises(InputError, match=said):
        find_films(films)


ROWS = [
    "party,0,a,10,10,40,40,0.5,0.5,train",
    "party.mp4,4,a,12,10,42,40,,,",
    "party,6,b,90,10,120,40,0.5,0.25,",
    "walk,22,c,90,10,120,40,,,",
]


def check_films(films: Path, rows: list[str], capsys: pytest.CaptureFixture[str], *more: str):
    """Exit status of ``gcdr check`` of films with a table, what it said, and what is wrong."""
    table = films.parent / "heads.csv"
    header = f"sequence,frame,track,{','.join(BOX)},gaze_x,gaze_y,split"
    table.write_text("\n".join([header, *rows]) + "\n")
    status = main(["check", str(films), "--kind", "video", "--table", str(table), *more])
    said, _, wrong = capsys.readouterr().out.partition("wrong: ")
    return status, said.replace(str(table), "heads.csv"), wrong.replace(str(table), "heads.csv")


def test_the_check_of_films_reads_their_table_as_a_run_does(
    films: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, said, wrong = check_films(films, ROWS, capsys)
    assert (status, wrong) == (0, "") and "nothing is wrong" in said
    assert "party:  heads in heads.csv: 3 of 2 tracks in 3 frames, 0 to 6" in said
    assert "walk:  heads in heads.csv: 1 of 1 tracks in 1 frames, 22 to 22" in said
    status, _, wrong = check_films(films, [*ROWS, "party,8,,90,10,120,40,,,"], capsys)
    assert status == 1 and "line 6, track: found ''; expected a name, as others have one" in wrong
    odd = [
        "praty,0,a,1,1,9,9,,,", "praty,1,a,1,1,9,9,,,",
        "party,10,a,1,1,9,9,,,", "walk,19,a,1,1,9,9,,,",
        "party,1,a,1,1,9,9,7.5,0.5,", "party,2,a,1,1,9,9,,,trian", "party,3,a,400,1,409,9,,,",
        "party,5,a,9,9,1,1,,,",
    ]  # fmt: skip
    status, _, wrong = check_films(films, ROWS + odd, capsys)
    assert status == 1 and wrong.startswith("7\n")
    for line in (
        "line 6, sequence: found 'praty'; expected the name of a film: party, walk",
        "line 8, frame: found 10; expected a frame of the film (of a frame that its film has not",
        "line 9, frame: found 19; expected a frame of the film",
        "line 10, gaze_x, gaze_y: found (7.5, 0.5); expected both in 0..1",
        "line 11, split: found 'trian'; expected one of train",
        "line 12, head box and image size: found (400, 1, 409, 9, 320, 240)",
        "line 13, head box: found (9, 9, 1, 1); expected x0 < x1",
    ):
        assert f"  heads.csv, {line}" in wrong, (line, wrong)


BARE = ",".join(BOX)


@pytest.mark.parametrize(
    ("table", "named"),
    [
        (f"sequence,frame,{BARE}\n", "found no row below the header"),
        ("sequence,frame,head_x0\nparty,0,1\n", "head_y1"),
        (f"sequence,frame,{BARE}\npraty,0,1,1,9,9\n", "line 2, sequence: found 'praty'"),
        (f"sequence,frame,{BARE}\nparty,99,1,1,9,9\n", "line 2, frame: found 99"),
        (f"sequence,frame,{BARE}\nparty,abc,1,1,9,9\n", "line 2, frame: found 'abc'"),
        (f"frame,{BARE}\n0,1,1,9,9\n", "a column sequence"),
        (None, "no such file"),
    ],
    ids=["no row", "no column", "no film", "no frame", "no number", "no sequence", "no file"],
)
def test_a_table_that_leaves_nobody_is_named_by_the_check(
    films: Path, capsys: pytest.CaptureFixture[str], table: str | None, named: str
) -> None:
    """Without a person, and without a column of tracks, there is nothing to count, and still a line."""
    path = films.parent / "heads.csv"
    if table is not None:
        path.write_text(table)
    status = main(["check", str(films), "--kind", "video", "--table", str(path)])
    said = capsys.readouterr()
    assert status != 0 and named in said.out + said.err, said


def test_labels_of_frames_that_are_not_taken_are_seen_before_a_run(
    films: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, said, wrong = check_films(films, ROWS, capsys, "--every", "4")
    assert status == 1 and wrong.startswith("1\n")
    assert (
        "heads.csv, line 4, frame: found 6; expected a frame that is taken (with a label" in wrong
    )
    assert (
        "heads.csv: rows of a frame that was not taken (thinned out, or unreadable), left out: 1"
        in (said)
    )
    assert "party:  heads in heads.csv: 2 of 1 tracks in 2 frames, 0 to 4" in said
    assert "walk:  heads in heads.csv: none" in said
    status, said, wrong = check_films(films, ROWS, capsys, "--fps", "5", "--frame-rate", "2.5")
    assert status == 1 and "line 4, frame: found 6" in wrong
    assert "walk:  heads in heads.csv: 1 of" in said
    with pytest.raises(InputError, match="frame rate: found 0"):
        check_videos(films, True, False, None, {"every": 1, "fps": None, "frame_rate": 0.0})
    (films / "cut.mp4").write_bytes((films / "party.mp4").read_bytes()[:600])
    status, said, wrong = check_films(films, ROWS, capsys)
    assert status == 1 and "cut.mp4: not a readable video" in wrong and wrong.startswith("1\n")
    assert "heads.csv: not looked at" in said


def test_the_check_of_a_video_holds_frames_of_its_table_against_it(
    films: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (table := films.parent / "heads.csv").write_text(
        f"frame,track,{','.join(BOX)}\n0,a,1,1,9,9\n9,a,1,1,9,9\n10,a,1,1,9,9\n"
    )
    assert main(["check", str(films / "party.mp4"), "--table", str(table)]) == 1
    said = capsys.readouterr().out
    assert "wrong: 1\n" in said and "1 of its frames are not in the video, such as frame 10" in said


@pytest.mark.slow
def test_heads_are_found_and_followed(films: Path, tmp_path: Path, capsys) -> None:
    taken(films, tmp_path, every=5)
    images, frames, out = (tmp_path / name for name in ("frames", "frames.parquet", "heads.csv"))
    cpu = torch.device("cpu")
    lines = write_film_heads(images, frames, out, HEADS, score=0.5, device=cpu)
    found = pd.read_csv(out)
    assert found.groupby("sequence")["frame"].agg(set).to_dict() == {"party": {0, 5}, "walk": {20}}
    (first,) = found.loc[found["frame"] == 0, "track"]
    assert first in found.loc[found["frame"] == 5, "track"].tolist() and found["score"].min() > 0.5
    count = len(found) - 1  # of the party
    assert lines[0].startswith(f"party: {count} heads found by {HEADS} in 2 of 2 frames; ")
    (said := tmp_path / "frames.txt").write_text("party.mp4: a line\n")
    dataset = read_film(images, frames, said, out)
    assert not dataset.problems.found and dataset.notes == ("party.mp4: a line",)
    assert sorted(dataset.manifest["track"]) == sorted(found["track"])
    assert (
        folder_rows(out, "test", Problems())[0]["split"].eq("train").all()
    )  # as gcdr correct reads it
    with pytest.raises(InputError, match=r"found no head with a score of 1\.0 or more in 3 frames"):
        write_film_heads(images, frames, out, HEADS, score=1.0, device=cpu)

    assert main(["check", str(films), "--kind", "video", "--table", str(out)]) == 0
    said = capsys.readouterr().out
    assert "10 frames in 0.40 s" in said and "numbers 20 to 24" in said
    assert f"heads in {out}: {count} of " in said and " in 2 frames, 0 to 5" in said
