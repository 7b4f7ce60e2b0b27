"""Video files, decoded by PyAV: what their headers say, and their frames one at a time.

PyAV (BSD licence) binds FFmpeg's libraries, which its wheels bring along for Linux, macOS and Windows.
TorchCodec decodes as well, but needs an FFmpeg that somebody has installed, is built for one version of
torch each, and hides the packets: which of them are broken, and what time each frame has, is what a person
with a damaged recording has to be told.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from gcdr.base.errors import InputError
from gcdr.data.pictures import form_of
from gcdr.video.moments import Clock, Moment, clock_notes

RATE = 25.0  # frames a second where a file says nothing of times
SLACK = 0.5  # seconds that a header may be off before it is said; of a shorter video a quarter of its length
SKEW = 0.05  # part by which a display matrix may stretch or lean, and turn all the same
TURNS = {
    (1, 0, 0, 1): None,
    (-1, 0, 0, 1): Image.Transpose.FLIP_LEFT_RIGHT,
    (1, 0, 0, -1): Image.Transpose.FLIP_TOP_BOTTOM,
    (-1, 0, 0, -1): Image.Transpose.ROTATE_180,
    (0, -1, 1, 0): Image.Transpose.ROTATE_90,
    (0, 1, -1, 0): Image.Transpose.ROTATE_270,
    (0, 1, 1, 0): Image.Transpose.TRANSPOSE,
    (0, -1, -1, 0): Image.Transpose.TRANSVERSE,
}
"""What makes a frame upright, by the four entries of its display matrix (x to x, x to y, y to x, y to y)."""


@dataclass(frozen=True)
class Header:
    """What a video file says of itself, which need not be true.

    Attributes:
        container, codec: their short names, such as "mov,mp4" and "h264".
        width, height: pixels as they are stored, before any rotation.
        rate: frames a second on the average; None where it is not said.
        seconds: its length; None where it is not said.
        frames: how many; None where it is not said.
        aspect: width of a pixel over its height.
    """

    container: str
    codec: str
    width: int
    height: int
    rate: float | None
    seconds: float | None
    frames: int | None
    aspect: float

    @property
    def expected(self) -> int | None:
        """About how many frames there will be, for a bar of progress."""
        return round(self.seconds * self.rate) if self.seconds and self.rate else self.frames


def video_library() -> Any:
    """PyAV.

    Raises:
        InputError: it is not installed.
    """
    try:
        import av
    except ImportError as error:
        raise InputError(
            "videos are decoded by PyAV, which is not installed; expected it: `make setup` brings it, or "
            "`pip install av` (the extra `video`)"
        ) from error
    return av


@contextmanager
def opened_video(path: Path) -> Iterator[tuple[Any, Any]]:
    """A video file's container and its video stream, the largest one if there are several.

    Raises:
        InputError: it is absent, empty, no video, cut off before its index, without a video stream, or of a
            codec that is not decoded.
    """
    av = video_library()
    if not path.is_file():
        raise InputError(f"{path}: no such video file")
    try:
        container = av.open(str(path))
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise InputError(f"{path}: not a readable video ({_reason(path, error)})") from error
    with container:
        covers = av.stream.Disposition.attached_pic
        streams = [one for one in container.streams.video if not one.disposition & covers]
        if not streams:
            others = ", ".join(sorted({one.type for one in container.streams})) or "nothing"
            raise InputError(f"{path}: no video stream in it; found {others}")
        known = [one for one in streams if one.codec_context is not None]
        if not known:
            raise InputError(
                f"{path}: its video is coded in a way that is not decoded here; convert it to H.264"
            )
        yield container, max(known, key=lambda one: one.width * one.height)


def read_header(path: Path) -> Header:
    """What a video file says of itself.

    Raises:
        InputError: as :func:`opened_video`.
    """
    with opened_video(path) as (container, stream):
        return header_of(container, stream)


def header_of(container: Any, stream: Any) -> Header:
    """What an opened video says of itself."""
    seconds = None  # also where a broken header says less than nothing
    if (stream.duration or 0) > 0 and stream.time_base:
        seconds = float(stream.duration * stream.time_base)
    elif (container.duration or 0) > 0:
        seconds = container.duration / 1e6
    rate = stream.guessed_rate or stream.average_rate
    return Header(
        container.format.name.partition(",m4a")[0],
        stream.codec_context.name,
        stream.width,
        stream.height,
        float(rate) if rate else None,
        seconds,
        stream.frames or None,
        float(stream.sample_aspect_ratio or 1),
    )


def file_moments(path: Path, notes: list[str]) -> Iterator[Moment]:
    """The frames of a video file in the order in which they are shown, decoded one at a time.

    Args:
        path: the file.
        notes: gets a line for what cannot be decoded, for frames that the decoder marks as damaged, for times
            that begin anew or stand still, for a rotation that is no quarter turn, and where the file ends
            before its header says.

    Raises:
        InputError: as :func:`opened_video`, or not one frame can be decoded.
    """
    faults: list[str] = []
    damaged: list[int] = []
    number, odd = -1, None
    with opened_video(path) as (container, stream):
        header = header_of(container, stream)
        clock = Clock(1 / (header.rate or RATE))
        # With frames apart a cut file would lose some, by the number of cores.
        stream.thread_type = "SLICE"
        for number, frame in enumerate(decoded_frames(container, stream, faults)):
            damaged += [number] if frame.is_corrupt else []
            seconds = clock(number, frame.time)
            if seconds is not None:
                turn, angle = turn_of(frame)
                odd = angle if odd is None else odd
                yield Moment(number, seconds, partial(_picture, frame, turn))
    if number < 0:
        reason = f" ({faults[0]})" if faults else ""
        raise InputError(f"{path}: not one frame could be decoded{reason}")
    if faults:
        notes.append(
            f"{path}: parts that could not be decoded: {len(faults)}, the first {faults[0]}"
        )
    notes += damage_note(path, damaged)
    notes += clock_notes(path, clock.anew, clock.repeated)
    if header.aspect != 1:
        notes.append(
            f"{path}: pixels are {header.aspect:.3g} times as wide as high: boxes and points count them so"
        )
    if odd is not None:
        notes.append(f"{path}: to be turned by {odd}: frames are left as stored")
    notes += still_note(path, header, number + 1)
    notes += length_note(path, header, clock.now + clock.step)


def damage_note(path: Path, damaged: Sequence[int], what: str = "frame") -> list[str]:
    """A line where the decoder marks frames as damaged, which it does not do of all that are.

    Args:
        path: the file.
        damaged: numbers of these frames, among those that were decoded.
        what: what were decoded, one of them.
    """
    if not damaged:
        return []
    return [
        f"{path}: {what}s that the decoder marks as damaged, used all the same: {len(damaged)}, the first is "
        f"{what} {damaged[0]}"
    ]


def length_note(path: Path, header: Header, seconds: float) -> list[str]:
    """A line where a video is longer or shorter than its header says.

    Args:
        path: the file.
        header: what it says.
        seconds: what was found, up to the end of the last frame.
    """
    if header.seconds is None:
        return []
    slack = max(min(SLACK, header.seconds / 4), 2 / (header.rate or RATE), 0.01 * seconds)
    if abs(header.seconds - seconds) <= slack:
        return []
    how = "ends early" if seconds < header.seconds else "goes on for longer than announced"
    return [f"{path}: {how}: found {seconds:.1f} s, its header says {header.seconds:.1f} s"]


def decoded_frames(container: Any, stream: Any, faults: list[str]) -> Iterator[Any]:
    """The frames of a stream; a part that is damaged is passed over.

    Args:
        container, stream: of :func:`opened_video`.
        faults: gets a text for each part that cannot be decoded: where, and why.
    """
    av, now = video_library(), 0.0
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets, None)
        except av.error.FFmpegError as error:  # what follows cannot even be cut into parts
            faults.append(f"at {now:.1f} s ({error.strerror})")
            return
        if packet is None:
            return
        try:
            frames = packet.decode()
        except av.error.FFmpegError as error:
            faults.append(f"at {now:.1f} s ({error.strerror})")
            continue
        for frame in frames:
            now = frame.time or now
            yield frame


def still_note(path: Path, header: Header, frames: int) -> list[str]:
    """A line where what has the ending of a video is a single picture.

    Args:
        path: the file.
        header: what it says.
        frames: how many were decoded.
    """
    if frames != 1 or not header.container.endswith(("_pipe", "image2")):
        return []
    return [f"{path}: a picture ({header.codec}) under a video's ending: a film of one frame"]


def turn_of(frame: Any) -> tuple[Image.Transpose | None, str | None]:
    """What makes a decoded frame upright, and the words for it where that is no quarter turn."""
    from av.sidedata.sidedata import Type

    data = frame.side_data.get(Type.DISPLAYMATRIX)
    if data is None:
        return None, None
    matrix = np.frombuffer(data, np.int32)[[0, 1, 3, 4]].astype(float)
    matrix /= np.abs(matrix).max() or 1
    signs = tuple(np.round(matrix).astype(int).tolist())
    if signs in TURNS:
        return TURNS[signs], None
    sides = matrix.reshape(2, 2) @ matrix.reshape(2, 2).T  # of a turn a multiple of the identity
    if not sides[0, 0] or np.abs(sides / sides[0, 0] - np.eye(2)).max() > SKEW:
        return None, "an invalid rotation"
    return None, f"{int(frame.rotation)}°, no quarter turn"


def _picture(frame: Any, turn: Image.Transpose | None) -> Image.Image:
    image = frame.to_image()
    return image if turn is None else image.transpose(turn)


def _reason(path: Path, error: Exception) -> str:
    if not path.stat().st_size:
        return "an empty file"
    with open(path, "rb") as file:
        first = file.read(12)
    if first[4:8] == b"ftyp":
        if "moov" not in _boxes(path):
            return (
                "cut off: the index of its frames (moov), which a camera writes last, is not there"
            )
    elif form := form_of(path):
        return form
    return str(getattr(error, "strerror", "") or error)


def _boxes(path: Path) -> list[str]:
    """Names of the parts that an MP4 or QuickTime file is made of."""
    names, at, end = [], 0, path.stat().st_size
    with open(path, "rb") as file:
        while at + 16 <= end:
            file.seek(at)
            head = file.read(16)
            size = int.from_bytes(head[:4], "big")
            size = int.from_bytes(head[8:], "big") if size == 1 else size
            names.append(head[4:8].decode("latin-1"))
            if size < 8:
                break
            at += size
    return names
