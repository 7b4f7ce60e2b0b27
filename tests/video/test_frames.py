"""Videos as frames: upright, with their own times, one at a time; damaged ones as far as they go."""

import weakref
from pathlib import Path

import av
import numpy as np
import pytest
from moving_world import write_film
from PIL import Image

from gcdr.base.errors import InputError
from gcdr.datasets.film_names import VIDEO_ENDINGS
from gcdr.video.containers import decoded_frames
from gcdr.video.frames import Frame, expected_frames, find_videos, read_frames
from gcdr.video.inspection import inspect_video
from gcdr.video.moments import Clock, Thinning

SIZE = (96, 64)
CORNERS = {  # which corner is red, green, blue: upper left, upper right, lower left
    None: "rgb",
    0: "rgb",
    90: "g?r",
    180: "?bg",
    -90: "br?",
}


def corner_picture(number: int = 0) -> Image.Image:
    """Red, green and blue in the corners, grey in the last one, and a bar that moves with the number."""
    pixels = np.full((SIZE[1], SIZE[0], 3), 128, np.uint8)
    pixels[:24, :24], pixels[:24, -24:], pixels[-24:, :24] = (230, 0, 0), (0, 230, 0), (0, 0, 230)
    pixels[28:36, number % SIZE[0]] = 255
    return Image.fromarray(pixels)


@pytest.fixture(scope="module")
def images() -> list[Image.Image]:
    return [corner_picture(number) for number in range(30)]


def colours_of(image: Image.Image) -> str:
    """Of the upper left, upper right and lower left corner, the letter of what is there."""
    pixels = np.asarray(image, int)
    found = (pixels[8, 8], pixels[8, -8], pixels[-8, 8])
    return "".join("rgb"[int(one.argmax())] if np.ptp(one) > 90 else "?" for one in found)


@pytest.mark.parametrize(
    ("ending", "codec"),
    [
        (".mp4", "libx264"),
        (".mov", "mpeg4"),
        (".avi", "mpeg4"),
        (".mkv", "libx264"),
        (".webm", "libvpx"),
    ],
)
def test_frames_come_in_order_with_their_times(
    tmp_path: Path, images: list[Image.Image], ending: str, codec: str
) -> None:
    film = write_film(tmp_path / f"film{ending}", images, codec=codec)
    notes: list[str] = []
    frames = list(read_frames(film, notes))
    assert ending in VIDEO_ENDINGS and not notes
    assert [frame.number for frame in frames] == list(range(30))
    assert np.allclose([frame.seconds for frame in frames], np.arange(30) / 25, atol=1e-3)
    assert colours_of(frames[7].image) == "rgb" and frames[7].image.size == SIZE
    near = np.abs(np.asarray(frames[7].image, int) - np.asarray(images[7], int)).mean()
    assert near < np.abs(np.asarray(frames[7].image, int) - np.asarray(images[20], int)).mean()
    assert near < 8
    said, wrong, _ = inspect_video(film, full=True)
    assert not wrong and any("30 frames in 1.20 s" in line for line in said)


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("rotation", [None, 90, 180, -90])
def test_a_rotation_is_honoured_as_players_do(
    tmp_path: Path, images: list[Image.Image], rotation: int | None, mirrored: bool
) -> None:
    if rotation is None and mirrored:
        return
    film = write_film(tmp_path / "a.mp4", images[:2], rotation=rotation, mirrored=mirrored)
    frame = next(read_frames(film, []))
    assert frame.image.size == (SIZE if rotation in (None, 180) else SIZE[::-1])
    shown = CORNERS[rotation]
    if mirrored:  # once it is turned: the upper corners change places, the lower ones too
        turned = corner_picture().rotate(rotation or 0, expand=True)
        shown = colours_of(turned.transpose(Image.Transpose.FLIP_LEFT_RIGHT))
    assert colours_of(frame.image) == shown


def test_an_odd_rotation_is_named_and_left(tmp_path: Path, images: list[Image.Image]) -> None:
    film = write_film(tmp_path / "odd.mp4", images[:3], rotation=45)
    notes: list[str] = []
    assert [frame.image.size for frame in read_frames(film, notes)] == [SIZE] * 3
    assert len(notes) == 1 and "odd.mp4: to be turned by 45°, no quarter turn" in notes[0]
    assert any("45°" in line for line in inspect_video(film)[1])


@pytest.mark.parametrize(
    "matrix", [(0, 0, 0, 0), (-(2**31), 0, 0, 65536), (65536, 65536, 0, 65536)]
)
def test_a_display_matrix_that_turns_nothing_is_named(
    tmp_path: Path, images: list[Image.Image], matrix: tuple[int, ...]
) -> None:
    film = write_film(tmp_path / "a.mp4", images[:3])
    content = bytearray(film.read_bytes())
    place = content.index(b"tkhd") + 44  # three rows of three numbers each
    a, b, c, d = matrix
    content[place : place + 36] = np.array([a, b, 0, c, d, 0, 0, 0, 2**30], ">i4").tobytes()
    film.write_bytes(content)
    notes: list[str] = []
    assert [frame.image.size for frame in read_frames(film, notes)] == [SIZE] * 3
    assert notes[-1] == f"{film}: to be turned by an invalid rotation: frames are left as stored"
    said, wrong, _ = inspect_video(film)
    assert wrong == [f"{film}: turned by an invalid rotation: left as stored"]
    assert any("turned: by an invalid rotation" in line for line in said)


def test_a_picture_with_a_videos_ending_is_said_to_be_one(tmp_path: Path) -> None:
    corner_picture().save(film := tmp_path / "a.mp4", format="JPEG")
    notes: list[str] = []
    assert len(list(read_frames(film, notes))) == 1
    wrong = inspect_video(film)[1]
    assert (
        notes == wrong == [f"{film}: a picture (mjpeg) under a video's ending: a film of one frame"]
    )
    one = write_film(tmp_path / "one.mp4", [corner_picture()])
    assert not inspect_video(one)[1]


def test_a_varying_rate_keeps_true_times(tmp_path: Path, images: list[Image.Image]) -> None:
    times = np.cumsum([0.0, *np.tile([0.02, 0.06, 0.1], 10)])[:30].round(3)
    film = write_film(tmp_path / "phone.mp4", images, times=lambda number: float(times[number]))
    seconds = [frame.seconds for frame in read_frames(film, [])]
    assert np.allclose(seconds, times, atol=1e-3)
    said, wrong, _ = inspect_video(film)
    assert any("frame rate varies" in line and "from 10.00 to 50.00" in line for line in said)
    assert not wrong
    thin = [frame.seconds for frame in read_frames(film, [], Thinning(fps=5))]
    assert [int(one * 5) for one in thin] == list(range(9))


def test_thinning_leaves_numbers_and_times(tmp_path: Path, images: list[Image.Image]) -> None:
    film = write_film(tmp_path / "a.mp4", images)
    third = list(read_frames(film, [], Thinning(every=3)))
    assert [frame.number for frame in third] == list(range(0, 30, 3))
    five = [frame.number for frame in read_frames(film, [], Thinning(fps=5))]
    assert five == list(range(0, 30, 5))
    assert expected_frames(film, Thinning(every=3)) == (10, 25 / 3)
    assert expected_frames(film, Thinning(fps=5)) == (6, 5)
    for wrong in ({"every": 0}, {"fps": 0.0}, {"fps": float("nan")}):
        with pytest.raises(InputError, match="found"):
            Thinning(**wrong)


@pytest.mark.slow
def test_one_frame_is_held_at_a_time(tmp_path: Path, images: list[Image.Image]) -> None:
    film = write_film(tmp_path / "long.mkv", images * 8)
    seen: list[weakref.ref[Frame]] = []
    most = 0
    for frame in read_frames(film, []):
        seen.append(weakref.ref(frame))
        most = max(most, sum(one() is not None for one in seen))
    assert len(seen) == 240 and most <= 2  # this one, and the one that is about to be let go


def cut(path: Path, share: float) -> Path:
    content = path.read_bytes()
    (path.parent / f"cut-{path.name}").write_bytes(content[: int(len(content) * share)])
    return path.parent / f"cut-{path.name}"


def test_a_video_that_ends_early_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (50, 64, 96, 3), np.uint8)
    pictures = [Image.fromarray(one) for one in noise]
    film = cut(write_film(tmp_path / "a.mkv", pictures), 0.5)
    notes: list[str] = []
    count = len(list(read_frames(film, notes)))
    assert 15 < count < 35
    assert any(
        "cut-a.mkv: ends early: found" in note and "header says 2.0 s" in note for note in notes
    )
    said, wrong, _ = inspect_video(film)
    assert any("ends early" in line for line in wrong) and any("2.00 s" in line for line in said)
    short = cut(write_film(tmp_path / "c.mkv", pictures[:20]), 0.6)  # less than a second in all
    assert any("ends early" in line for line in inspect_video(short)[1])
    assert not inspect_video(write_film(tmp_path / "d.mkv", pictures[:3]))[1]
    quick = write_film(tmp_path / "b.mp4", pictures, options={"movflags": "+faststart"})
    notes = []
    assert 15 < len(list(read_frames(cut(quick, 0.5), notes))) < 35
    assert any("ends early" in note for note in notes)


def test_a_cut_video_keeps_its_frames_on_every_machine(tmp_path: Path) -> None:
    """As many as one thread finds, key frames alone and all of them."""
    noise = np.random.default_rng(0).integers(0, 255, (60, 96, 128, 3), np.uint8)
    pictures = [Image.fromarray(one) for one in noise]
    short = cut(write_film(tmp_path / "a.mp4", pictures, options={"movflags": "+faststart"}), 0.6)
    alone = {}
    for skipped in ("NONKEY", "DEFAULT"):
        with av.open(short) as container:
            stream = container.streams.video[0]
            stream.codec_context.thread_count, stream.codec_context.skip_frame = 1, skipped
            alone[skipped] = len(list(decoded_frames(container, stream, [])))
    said, wrong, _ = inspect_video(short)
    assert f"  {alone['NONKEY']} frames decoded (key frames; --full decodes all)" in said
    assert any("ends early" in line for line in wrong)
    assert len(list(read_frames(short, []))) == alone["DEFAULT"] > 30


def test_a_recording_that_was_cut_without_coding_it_anew_is_what_it_shows(tmp_path: Path) -> None:
    """The container says from where on it is shown: what stands before is decoded and not a frame of it."""
    whole, trimmed = tmp_path / "whole.mp4", tmp_path / "trimmed.mp4"
    with av.open(str(whole), "w") as container:
        options = {"g": "250", "bf": "0", "sc_threshold": "0"}
        stream = container.add_stream("libx264", rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(24):
            picture = np.full((48, 64, 3), 10 * number, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture)))
        container.mux(stream.encode())
    with (
        av.open(str(whole)) as source,
        av.open(
            str(trimmed), "w", options={"avoid_negative_ts": "disabled", "use_editlist": "1"}
        ) as out,
    ):
        stream = out.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None:
                ahead = round(8 / 25 / packet.time_base)
                packet.pts, packet.dts, packet.stream = (
                    packet.pts - ahead,
                    packet.dts - ahead,
                    stream,
                )
                out.mux(packet)
    notes: list[str] = []
    shown = list(read_frames(trimmed, notes))
    assert len(shown) == 16 and not notes
    for full in (False, True):
        said, wrong, counted = inspect_video(trimmed, full=full)
        assert wrong == [] and len(counted.numbers) == 16
        assert said[1].startswith("  16 frames in 0.64 s")


def test_a_header_that_lies_is_not_believed(tmp_path: Path, images: list[Image.Image]) -> None:
    film = write_film(tmp_path / "a.mkv", images)
    content = film.read_bytes()
    place = content.index(b"\x44\x89\x88") + 3  # Matroska's duration, a double
    length = np.frombuffer(content[place : place + 8], ">f8")[0]
    film.write_bytes(
        content[:place] + np.array(length * 50, ">f8").tobytes() + content[place + 8 :]
    )
    # The length of the stream stands in a tag of its own, in words.
    assert b"00:00:01.2" in content
    notes: list[str] = []
    assert len(list(read_frames(film, notes))) == 30
    assert [note for note in notes if "ends early: found 1.2 s, its header says 60.0 s" in note]
    film.write_bytes(content[:place] + np.array(-length, ">f8").tobytes() + content[place + 8 :])
    said, wrong, _ = inspect_video(film)
    assert not wrong and any("(its header: not said frames, not said s)" in line for line in said)


def test_damage_in_the_middle_costs_what_is_damaged(
    tmp_path: Path, images: list[Image.Image]
) -> None:
    film = write_film(tmp_path / "a.avi", images, codec="mpeg4")
    content = bytearray(film.read_bytes())
    starts = [place for place in range(len(content)) if content[place : place + 4] == b"00dc"]
    lengths = {place: int.from_bytes(content[place + 4 : place + 8], "little") for place in starts}
    for place in [place for place, length in lengths.items() if length][10:16]:
        content[place + 8 : place + 8 + lengths[place]] = b"\xff" * lengths[place]
    film.write_bytes(content)
    notes: list[str] = []
    seconds = [frame.seconds for frame in read_frames(film, notes)]
    assert len(seconds) == 24 and np.allclose(seconds[-14:], np.arange(16, 30) / 25)
    assert any("a.avi: parts that could not be decoded: 6, the first at 0.4 s" in n for n in notes)
    _, wrong, _ = inspect_video(film, full=True)
    assert any("parts that cannot be decoded: 6" in line for line in wrong)


def test_recordings_joined_end_to_end_go_on(tmp_path: Path, images: list[Image.Image]) -> None:
    """Each of the two has a clock of its own, which begins at the same time."""
    parts = [write_film(tmp_path / f"{n}.ts", images[:count]) for n, count in ((1, 20), (2, 15))]
    film = tmp_path / "joined.ts"
    film.write_bytes(b"".join(part.read_bytes() for part in parts))
    notes: list[str] = []
    frames = list(read_frames(film, notes))
    assert [frame.number for frame in frames] == list(range(35))
    assert np.allclose([frame.seconds for frame in frames], np.arange(35) / 25)
    bar = [np.asarray(frames[at].image, int) for at in (25, 5, 19)]  # 25 is frame 5 of the second
    assert np.abs(bar[0] - bar[1]).mean() < np.abs(bar[0] - bar[2]).mean()
    assert "joined.ts: the clock begins anew at frame 20: seconds" in notes[0]
    said, wrong, _ = inspect_video(film)
    assert any("35 frames in 1.40 s" in line for line in said)
    assert any("25.000 a second, constant" in line for line in said)
    assert any("the clock begins anew at frame 20" in line for line in wrong)
    assert not any("time of one before" in line for line in wrong + notes)
    five = [frame.number for frame in read_frames(film, [], Thinning(fps=5))]
    assert five == list(range(0, 35, 5))


def test_times_grow_whatever_a_file_says() -> None:
    clock = Clock(0.1)
    times = [5.0, 5.25, 5.25, 4.0, 4.5, None, None, 4.6, 1.0, 1.0]
    seconds = [clock(number, time) for number, time in enumerate(times)]
    assert seconds == [0, 0.25, None, 0.35, 0.85, 0.95, 1.05, 1.15, 1.25, None]
    assert clock.anew == [3, 8] and clock.repeated == 2
    untimed = Clock(1 / 30)
    assert [untimed(number, None) for number in range(0, 9001)][-1] == 300


def test_frames_that_the_decoder_marks_as_damaged_are_counted(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (20, 64, 96, 3), np.uint8)
    film = write_film(tmp_path / "a.ts", [Image.fromarray(one) for one in noise])
    assert not inspect_video(film, full=True)[1]
    packets = np.frombuffer(film.read_bytes(), np.uint8).reshape(-1, 188)
    found = 0
    for lost in range(8, len(packets) - 8, 28):  # four packets at a place in the file
        film.write_bytes(np.delete(packets, range(lost, lost + 4), 0).tobytes())
        with av.open(str(film)) as container:
            container.streams[0].thread_type = "SLICE"
            flags = [
                frame.is_corrupt for frame in decoded_frames(container, container.streams[0], [])
            ]
        notes: list[str] = []
        assert len(list(read_frames(film, notes))) == len(flags)
        wrong = inspect_video(film, full=True)[1]
        marked = [note for note in notes if "the decoder marks as damaged" in note]
        assert marked == [line for line in wrong if "the decoder marks as damaged" in line]
        assert len(marked) == any(flags)
        if marked:
            found += 1
            assert (
                f"all the same: {sum(flags)}, the first is frame {flags.index(True)}" in marked[0]
            )
    assert found
    film.write_bytes(np.delete(packets, range(8, 12), 0).tobytes())  # of the first frame
    assert "key frames that the decoder marks as damaged" in inspect_video(film)[1][0]


def test_what_is_no_video_is_named_in_a_line(tmp_path: Path, images: list[Image.Image]) -> None:
    (tmp_path / "empty.mp4").write_bytes(b"")
    (tmp_path / "text.mp4").write_bytes(b"no video at all" * 20)
    (tmp_path / "._a.mp4").write_bytes(b"\0\5\x16\7" + bytes(100))
    whole = write_film(tmp_path / "whole.mp4", images)
    (tmp_path / "cut.mp4").write_bytes(whole.read_bytes()[:600])
    with av.open(str(tmp_path / "sound.mp4"), "w") as container:
        stream = container.add_stream("aac", rate=8000)
        for number in range(3):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
            frame.sample_rate, frame.pts = 8000, 1024 * number
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    for name, part in {
        "none.mp4": "no such video file",
        "empty.mp4": "an empty file",
        "text.mp4": "Invalid data",
        "._a.mp4": "AppleDouble",
        "cut.mp4": "index of its frames",
        "sound.mp4": "no video stream in it; found audio",
    }.items():
        with pytest.raises(InputError, match=part) as caught:
            list(read_frames(tmp_path / name, []))
        assert str(tmp_path / name) in str(caught.value) and "\n" not in str(caught.value)
    videos, notes = find_videos([tmp_path])
    assert [path.name for path in videos] == [
        "cut.mp4",
        "empty.mp4",
        "sound.mp4",
        "text.mp4",
        "whole.mp4",
    ]
    assert len(notes) == 1 and "._a.mp4" in notes[0]


def test_a_folder_of_frames_is_a_video(tmp_path: Path) -> None:
    for number in (2, 3, 4, 7, 8, 10):
        corner_picture(number).save(tmp_path / f"shot2_{number:05d}.png")
    corner_picture().save(tmp_path / "again-00004.jpg")
    (tmp_path / "._shot2_00003.png").write_bytes(b"\0\5\x16\7")
    (tmp_path / "shot2_00011.png").write_bytes((tmp_path / "shot2_00010.png").read_bytes()[:60])
    corner_picture().resize((40, 40)).save(tmp_path / "shot2_00012.png")
    (tmp_path / "inner").mkdir()
    corner_picture().save(tmp_path / "inner/00099.png")
    notes: list[str] = []
    frames = list(read_frames(tmp_path, notes, rate=10))
    assert [frame.number for frame in frames] == [2, 3, 4, 7, 8, 10, 12]
    assert np.allclose([frame.seconds for frame in frames], [0, 0.1, 0.2, 0.5, 0.6, 0.8, 1.0])
    assert frames[2].name == "again-00004.jpg"
    for part in (
        "1 pictures in folders within it are left out",
        "shot2_00004.png: frame 4 is again-00004.jpg already",
        "frames are missing: 5 to 6, 9",
        "shot2_00011.png: not a readable image",
        "frames of 2 sizes: 96 x 64 from frame 2, 40 x 40 from frame 12",
    ):
        assert any(part in note for note in notes), (part, notes)
    said, wrong, _ = inspect_video(tmp_path)
    assert any("8 frames, numbers 2 to 12" in line for line in said)
    assert any("frames are missing" in line for line in wrong)
    (tmp_path / "making-of.mp4").touch()
    videos, notes = find_videos([tmp_path])
    assert "making-of.mp4: a video among pictures, not looked at" in notes[0]
    assert videos == [] and find_videos([tmp_path], folders=True)[0] == [tmp_path]


def test_frames_without_numbers_are_counted(tmp_path: Path) -> None:
    for name in "cab":
        corner_picture().save(tmp_path / f"{name}.png")
    notes: list[str] = []
    frames = list(read_frames(tmp_path, notes))
    assert [(frame.number, frame.name) for frame in frames] == [
        (0, "a.png"),
        (1, "b.png"),
        (2, "c.png"),
    ]
    assert any("no number in its name" in note for note in notes)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="empty: no frame"):
        next(read_frames(tmp_path / "empty", []))


def test_videos_and_pictures_are_not_mixed(tmp_path: Path) -> None:
    corner_picture().save(tmp_path / "a.png")
    with pytest.raises(InputError, match=r"a\.png: no video, and .*b\.mp4 is one"):
        find_videos([tmp_path / "a.png", tmp_path / "b.mp4"])
    assert find_videos([tmp_path / "a.png"]) == ([], [])
