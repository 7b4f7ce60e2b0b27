"""Videos as browsers play them: H.264 in an MP4 file, whole or not at all."""

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from gcdr.base.errors import InputError
from gcdr.base.files import atomic
from gcdr.video.containers import video_library

ENCODERS = ("libx264", "libopenh264", "h264_videotoolbox", "h264_mf")
CLOCK = 90_000  # ticks a second, of which every usual frame rate is a whole number
QUALITY = {"crf": "21", "preset": "veryfast"}  # of libx264: hardly told from the original


class VideoWriter:
    """An MP4 file that grows by a frame at a time.

    Args:
        path: the file.
        rate: frames a second on the average; each frame keeps its own time whatever it is.

    Raises:
        InputError: the installed PyAV writes no H.264.
    """

    def __init__(self, path: Path, rate: float) -> None:
        self.av = video_library()
        known = [name for name in ENCODERS if name in self.av.codecs_available]
        if not known:
            raise InputError(
                f"{path}: the installed PyAV writes no H.264 (it has none of {', '.join(ENCODERS)}); "
                "expected one of its own wheels: `pip install av`"
            )
        self.encoder, self.rate = known[0], rate
        self.container = self.av.open(
            str(path), "w", format="mp4", options={"movflags": "+faststart"}
        )
        self.stream: Any = None
        self.size = (0, 0)

    def add(self, image: Image.Image, seconds: float) -> None:
        """Append a frame.

        Args:
            image: in RGB; the first one's size is the video's, others are fitted into it.
            seconds: its time, later than the one before.
        """
        if self.stream is None:
            self.size = (max(2, image.width // 2 * 2), max(2, image.height // 2 * 2))
            self.stream = self._begin()
        if image.size != self.size:
            cut = (0, 0, *self.size)
            near = max(abs(a - b) for a, b in zip(image.size, self.size, strict=True)) < 2
            image = image.crop(cut) if near else ImageOps.pad(image, self.size)
        frame = self.av.VideoFrame.from_ndarray(np.asarray(image), format="rgb24")
        frame.pts, frame.time_base = round(seconds * CLOCK), Fraction(1, CLOCK)
        self.container.mux(self.stream.encode(frame))

    def close(self) -> None:
        """Write what is left, and the index."""
        if self.stream is not None:
            self.container.mux(self.stream.encode())
        self.container.close()

    def _begin(self) -> Any:
        rate = Fraction(self.rate).limit_denominator(1001)
        options = QUALITY if self.encoder == "libx264" else {}
        stream = self.container.add_stream(
            self.encoder, rate=max(rate, Fraction(1, 100)), options=options
        )
        stream.width, stream.height = self.size
        stream.pix_fmt = "yuv420p"  # the one that browsers play
        stream.codec_context.time_base = Fraction(1, CLOCK)
        return stream


@contextmanager
def written_video(path: Path, rate: float) -> Iterator[VideoWriter]:
    """A writer of a video that is at ``path`` once the block has succeeded.

    Args:
        path: the file, with the ending .mp4.
        rate: see :class:`VideoWriter`.
    """
    with atomic(path) as temporary:
        writer = VideoWriter(temporary, rate)
        try:
            yield writer
        finally:
            writer.close()
