"""Where people look in somebody's own video: a table, a video that browsers play, a sheet of frames."""

import json
import re
from pathlib import Path

import av
import numpy as np
import pandas as pd
import pytest
import torch
from moving_world import moving_world, write_film, write_heads_of
from PIL import Image

import gcdr
from gcdr.cli.commands import main
from gcdr.data.manifest import BOX
from gcdr.data.parquet import read_table
from gcdr.models.build import save_model
from gcdr.models.sizes import VATConfig
from gcdr.models.vat import VAT
from gcdr.prediction.contact_sheet import ContactSheet
from gcdr.prediction.over_time import track_notes
from gcdr.video.frames import read_frames
from gcdr.video.writing import written_video

ROOT = Path(__file__).parents[2]
COUNT = 24


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a model, a film of two people of whom one leaves and comes back, and their tracks."""
    folder = tmp_path_factory.mktemp("own")
    torch.manual_seed(3)
    save_model(folder / "model", VAT(VATConfig.world()))
    shown = list(moving_world(COUNT))
    images = [image for image, _ in shown]
    write_film(folder / "film.mp4", images)
    write_heads_of(folder / "heads.csv", [boxes for _, boxes in shown], images[0].size)
    return folder


def predicted(folder: Path, *arguments: object) -> int:
    given = [*map(str, arguments), "--model", str(folder / "model"), "--device", "cpu"]
    return main(["predict", *given])


@pytest.mark.slow
def test_a_video_becomes_a_table_a_video_and_a_sheet(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    film, table = place / "film.mp4", place / "heads.csv"
    assert predicted(place, film, "--heads", table, "--out", out) == 0
    said = capsys.readouterr().out
    rows, given = pd.read_csv(out / "predictions.csv"), pd.read_csv(table)
    left = re.search(r"gaps in tracks: 1: a \(frames (\d+) to (\d+)\)", said)
    assert left and int(left[1]) > 0 and int(left[2]) < COUNT - 1
    assert f"{len(rows)} heads (given) of 2 tracks in {COUNT} of {COUNT} frames" in said
    assert rows[["frame", "track"]].equals(given[["frame", "track"]])
    assert np.allclose(rows[BOX], given[BOX]) and np.allclose(rows["seconds"], rows["frame"] / 25)
    frames = list(read_frames(film, []))
    boxes = [given.loc[given["frame"] == number, BOX].to_numpy() for number in range(COUNT)]
    model = gcdr.load(place / "model", "cpu")
    points = [one.points for one in model.predict([frame.image for frame in frames], boxes)]
    assert np.abs(rows[["gaze_x", "gaze_y"]].to_numpy() - np.concatenate(points)).max() < 1e-4
    content = json.loads((out / "predictions.json").read_text())
    assert [one["track"] for one in content["tracks"]] == ["a", "b"]
    assert sum(len(one["people"]) for one in content["frames"]) == len(rows)
    with Image.open(out / "sheet.png") as sheet:
        assert sheet.width > 1200 and sheet.height > 600
    with av.open(str(out / "video.mp4")) as container:
        stream = container.streams.video[0]
        times = [frame.time for frame in container.decode(stream)]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert abs(float(stream.duration * stream.time_base) - COUNT / 25) < 0.01
    assert np.allclose(times, np.arange(COUNT) / 25, atol=1e-3)
    written = (out / "video.mp4").read_bytes()
    assert written.index(b"moov") < written.index(b"mdat")  # a browser shows it while it loads


@pytest.mark.slow
def test_the_table_goes_back_in_as_heads(place: Path, tmp_path: Path) -> None:
    arguments = ["--no-drawings", "--every", 3]
    assert predicted(place, place / "film.mp4", "--heads", place / "heads.csv",
                     "--out", tmp_path / "one", *arguments) == 0  # fmt: skip
    first = pd.read_csv(tmp_path / "one/predictions.csv")
    assert first["frame"].mod(3).eq(0).all() and not (tmp_path / "one/video.mp4").exists()
    assert predicted(place, place / "film.mp4", "--heads", tmp_path / "one/predictions.csv",
                     "--out", tmp_path / "two", *arguments, "--format", "parquet") == 0  # fmt: skip
    again = read_table(tmp_path / "two/predictions.parquet")
    for name in ("sequence", "frame", "track", *BOX, "gaze_x", "confidence"):
        assert np.array_equal(first[name], again[name]), name


@pytest.mark.slow
def test_heads_are_found_and_linked(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, finder = tmp_path / "out", ROOT / "assets/world/heads"
    arguments = ["--finder", finder, "--find-every", 2, "--gap", 0.1, "--no-drawings"]
    assert predicted(place, place / "film.mp4", "--out", out, *arguments) == 0
    rows = pd.read_csv(out / "predictions.csv")
    given = pd.read_csv(place / "heads.csv").query("track == 'a'")
    walker = rows[rows["frame"].isin(given["frame"])]
    assert set(rows["track"]) == {f"person-{at}" for at in range(1, rows["track"].nunique() + 1)}
    first, last = walker["frame"].lt(COUNT / 2), walker["frame"].gt(COUNT / 2)
    assert set(walker.loc[first, "track"]).isdisjoint(walker.loc[last, "track"])
    assert "somebody who left and came back is a new track" in capsys.readouterr().out
    near = walker.merge(given, on="frame", suffixes=("", "_given"))
    off = (near["head_x0"] - near["head_x0_given"]).abs()
    assert len(near) and off.median() < 12


@pytest.mark.slow
def test_of_several_videos_the_others_go_on(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    videos = tmp_path / "videos"
    videos.mkdir()
    content = (place / "film.mp4").read_bytes()
    (videos / "a.mp4").write_bytes(content)
    (videos / "b.mp4").write_bytes(content[:900])
    (videos / "._a.mp4").write_bytes(b"\0\5\x16\7")
    (videos / "c.mov").write_bytes(content)
    heads = pd.read_csv(place / "heads.csv")
    table = tmp_path / "heads.csv"
    both = [heads.assign(sequence="a"), heads.assign(sequence="c.mov").head(5)]
    pd.concat(both).to_csv(table, index=False)
    out = tmp_path / "out"
    assert predicted(place, videos, "--heads", table, "--out", out, "--no-drawings") == 1
    said = capsys.readouterr()
    assert "._a.mp4: left by an operating system" in said.out and "Traceback" not in said.err
    assert "b.mp4: not a readable video (cut off" in said.err and "heads.csv" not in said.err
    assert len(pd.read_csv(out / "a/predictions.csv")) == len(heads)
    assert len(pd.read_csv(out / "c/predictions.csv")) == 5 and not (out / "b").exists()
    assert main(["check", str(videos)]) == 1
    said = capsys.readouterr()
    assert "24 frames in 0.96 s" in said.out and "b.mp4: not a readable video (cut off" in said.out


def test_gaps_of_one_frame_and_of_several_are_named() -> None:
    frames = pd.Series([0, 2, 3, 8], name="frame")
    people = pd.DataFrame({"frame": frames, "track": "ann"})
    (line,) = track_notes(people, [0, 1, 2, 3, 5, 7, 8], [])
    assert line == "gaps in tracks: 2: ann (frame 1), ann (frames 5 to 7)"


def test_of_a_video_that_cannot_be_read_nothing_is_said_of_its_table(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (film := tmp_path / "b.mp4").write_bytes((place / "film.mp4").read_bytes()[:900])
    table = tmp_path / "heads.csv"
    pd.read_csv(place / "heads.csv").assign(sequence="a").to_csv(table, index=False)
    assert predicted(place, film, "--heads", table, "--out", tmp_path / "out") == 2
    error = capsys.readouterr().err
    assert "b.mp4: not a readable video (cut off" in error and "heads.csv" not in error


def test_folders_with_a_dot_keep_their_names(place: Path, tmp_path: Path) -> None:
    table, rows = tmp_path / "heads.csv", []
    for camera in ("cam.1", "cam.2"):
        (tmp_path / camera).mkdir()
        for number, (image, boxes) in enumerate(moving_world(2)):
            image.save(tmp_path / camera / f"{number}.png")
            rows.append((camera, number, "b", *boxes[1]))
    pd.DataFrame(rows, columns=["sequence", "frame", "track", *BOX]).to_csv(table, index=False)
    out, videos = tmp_path / "out", [tmp_path / camera for camera in ("cam.1", "cam.2")]
    arguments = ["--video", "--heads", table, "--out", out, "--no-drawings"]
    assert predicted(place, *videos, *arguments) == 0
    for camera in ("cam.1", "cam.2"):
        sequence = pd.read_csv(out / camera / "predictions.csv", dtype=str)["sequence"]
        assert sequence.tolist() == [camera] * 2


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["@/none.mp4"], "none.mp4: no such video file"),
        (["@/film.mp4", "--every", "0"], "every: found 0"),
        (["@/film.mp4", "--fps", "0"], "fps: found 0"),
        (["@/film.mp4", "--gap", "-1"], "gap: found -1"),
        (["@/film.mp4", "--find-every", "0", "--finder", "centerface"], "find every: found 0"),
        (["@/film.mp4", "@/model"], "no video, and"),
        (["@/model", "--video"], "no frame"),
        (["@/film.mp4", "--frame-rate", "0"], "frame rate: found 0"),
    ],
)
def test_what_cannot_be_is_named_in_a_line(
    place: Path, tmp_path: Path, arguments: list[str], part: str, capsys: pytest.CaptureFixture[str]
) -> None:
    given = [text.replace("@", str(place)) for text in arguments]
    heads = [] if "--finder" in given else ["--heads", place / "heads.csv"]
    assert predicted(place, *given, *heads, "--out", tmp_path / "out") == 2
    error = capsys.readouterr().err
    assert part in error and "Traceback" not in error
    assert not list(tmp_path.glob("out/*"))


def test_frames_of_another_size_and_odd_sizes_are_fitted(tmp_path: Path) -> None:
    sizes = [(121, 81), (121, 81), (60, 90)]
    with written_video(tmp_path / "a.mp4", 10) as writer:
        for number, size in enumerate(sizes):
            writer.add(Image.new("RGB", size, (200, 30, 30)), number / 10)
    frames = list(read_frames(tmp_path / "a.mp4", []))
    assert [frame.image.size for frame in frames] == [(120, 80)] * 3
    pixels = np.asarray(frames[2].image, int)
    assert pixels[40, 60, 0] > 150 and pixels[40, 4].max() < 60  # fitted in, with black beside it


def test_a_video_that_fails_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="midway"), written_video(tmp_path / "a.mp4", 10) as writer:
        writer.add(Image.new("RGB", (64, 64)), 0)
        raise ValueError("midway")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("count", [1, 5, 12, 23, 24, 100, 1000])
def test_a_sheet_shows_the_whole_video(count: int) -> None:
    sheet = ContactSheet(12)
    for number in range(count):
        sheet.add(Image.new("RGB", (40, 30)), str(number))
        assert len(sheet.kept) < 24
    numbers = [int(label) for _, label in sheet.kept]
    assert numbers[0] == 0 and numbers[-1] >= count * 0.9 - 1
    assert len(set(np.diff(numbers))) <= 1
    assert sheet.draw().width < 4 * 46 + 7


@pytest.mark.slow
def test_three_lines_of_python_do_the_same(place: Path, tmp_path: Path) -> None:
    """The lines of the documentation, run."""
    text = (ROOT / "docs/own-data.md").read_text()
    (code,) = re.findall(r"```python\n(import gcdr\n\n?[^`]*predict_video[^`]*)```", text)
    assert code.count("\n") <= 4
    for name, path in {
        "film.mp4": place / "film.mp4",
        "gazelle-vitb14": place / "model",
        "heads.csv": place / "heads.csv",
        "looking": tmp_path / "looking",
    }.items():
        assert f'"{name}"' in code
        code = code.replace(f'"{name}"', repr(str(path)))
    found: dict[str, pd.DataFrame] = {}
    exec(code, found)
    assert found["people"]["frame"].nunique() == COUNT
    assert {path.name for path in (tmp_path / "looking").iterdir()} == {
        "video.mp4", "sheet.png", "predictions.csv", "predictions.json",
    }  # fmt: skip
