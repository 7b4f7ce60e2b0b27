"""When the frames of a video file are shown, by its packets: nothing is decoded for it."""

from array import array
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gcdr.video.containers import video_library


def packet_times(path: Path, container: Any, stream: Any) -> tuple[list[array], list[str]]:
    """When each frame is shown, in seconds and in the order of the file.

    Args:
        path: the file.
        container, stream: of :func:`gcdr.video.containers.opened_video`.

    Returns:
        parts of the file, a further one wherever its times begin anew, which packets tell by when they are
        decoded; and a line where it cannot be read to its end.
    """
    av, before, parts = video_library(), None, [array("d")]
    wrong: list[str] = []
    try:
        for packet in container.demux(stream):
            shown = packet.dts if packet.pts is None else packet.pts  # AVI knows no other than dts
            if shown is None:
                continue
            if before is not None and packet.dts is not None and packet.dts < before:
                parts.append(array("d"))
            before = before if packet.dts is None else packet.dts
            if not packet.is_discard:  # else cut away by the container: decoded, and not shown
                parts[-1].append(float(shown * packet.time_base))
    except av.error.FFmpegError as error:
        count = sum(map(len, parts))
        wrong.append(f"{path}: cannot be read on after {count:,} frames ({error.strerror})")
    return [part for part in parts if part], wrong


def times_in_order(parts: Sequence[array], step: float) -> np.ndarray:
    """(N,) float64 seconds in the order in which frames are shown.

    Args:
        parts: of :func:`packet_times`, none empty; each goes on a step after the one before.
        step: in seconds.
    """
    joined: list[np.ndarray] = []
    for part in parts:
        times = np.sort(np.asarray(part))
        joined.append(times + (joined[-1][-1] + step - times[0]) if joined else times)
    return np.concatenate(joined) if joined else np.zeros(0)
