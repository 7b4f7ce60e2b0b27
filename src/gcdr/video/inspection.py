"""What ``gcdr check`` says of a video: how long and how large it is, and what is wrong with it."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from tqdm import tqdm

from gcdr.data.pictures import shown_size
from gcdr.video.containers import (
    RATE,
    damage_note,
    decoded_frames,
    header_of,
    length_note,
    opened_video,
    still_note,
    turn_of,
)
from gcdr.video.counted_frames import CountedFrames, counted_frames
from gcdr.video.frame_folders import read_frame_folder
from gcdr.video.frames import read_frames
from gcdr.video.moments import clock_notes
from gcdr.video.packets import packet_times, times_in_order

_TURNED = {
    None: "no",
    Image.Transpose.FLIP_LEFT_RIGHT: "mirrored",
    Image.Transpose.FLIP_TOP_BOTTOM: "upside down and mirrored",
    Image.Transpose.ROTATE_180: "by 180°",
    Image.Transpose.ROTATE_90: "by 90° to the left",
    Image.Transpose.ROTATE_270: "by 90° to the right",
    Image.Transpose.TRANSPOSE: "by 90° and mirrored",
    Image.Transpose.TRANSVERSE: "by 90° and mirrored",
}
_SIDEWAYS = {
    Image.Transpose.ROTATE_90,
    Image.Transpose.ROTATE_270,
    Image.Transpose.TRANSPOSE,
    Image.Transpose.TRANSVERSE,
}
VARIES = 0.02  # part by which a frame may last longer or shorter than most


def inspect_video(
    path: Path, *, full: bool = False, rate: float = RATE
) -> tuple[list[str], list[str], CountedFrames | None]:
    """Look through a video.

    Args:
        path: a file, or a folder of frames.
        full: whether every frame is decoded; otherwise, of a file, every frame that stands for itself (key
            frames), and of a folder none. Of a file all packets are read either way, so that its length and
            its times are what is there and not what its header says.
        rate: of a folder, frames a second that the numbers in its files' names count.

    Returns:
        lines of what it is, lines of what is wrong with it, and its frames; None where no frame can be read.

    Raises:
        InputError: it cannot be read at all.
    """
    return _folder(path, full, rate) if path.is_dir() else _file(path, full)


def _file(path: Path, full: bool) -> tuple[list[str], list[str], CountedFrames | None]:
    faults: list[str] = []
    with opened_video(path) as (container, stream):
        header = header_of(container, stream)
        parts, wrong = packet_times(path, container, stream)
    sizes: Counter[tuple[int, int]] = Counter()
    turns: Counter[str] = Counter()
    upright: set[tuple[int, int]] = set()
    same, before, decoded = 0, -1, 0
    damaged: list[int] = []
    for frame in _decoded(path, full, faults):
        turn, odd = turn_of(frame)
        turns[f"by {odd}" if odd is not None else _TURNED[turn]] += 1
        sizes[(frame.width, frame.height)] += 1
        width, height = frame.width, frame.height
        upright.add((height, width) if turn in _SIDEWAYS else (width, height))
        damaged += [decoded] if frame.is_corrupt else []
        digest = hash(bytes(frame.planes[0]))
        same, before, decoded = same + (digest == before), digest, decoded + 1
    shown = times_in_order(parts, 1 / (header.rate or RATE))
    length = shown[-1] - shown[0] if len(shown) else 0.0
    steps = np.diff(shown)
    step = float(np.median(steps)) if len(steps) else 1 / (header.rate or RATE)
    said = [
        f"{path}: {header.codec} in {header.container}",
        f"  {len(shown):,} frames in {length + step:.2f} s (its header: "
        f"{_known(header.frames, ',')} frames, {_known(header.seconds, '.2f')} s)",
        f"  size {', '.join(f'{w} x {h}' for w, h in sizes) or 'unknown'} as stored; turned: "
        f"{', '.join(turns) or 'unknown'}",
        f"  frame rate {_rate(steps)}",
        f"  {decoded:,} frames decoded" + ("" if full else " (key frames; --full decodes all)"),
    ]
    if header.aspect != 1:
        said.append(
            f"  pixels are {header.aspect:.3g} times as wide as high: boxes and points count stored pixels"
        )
    if full and same:
        said.append(f"  frames that equal the one before: {same:,}")
    wrong += length_note(path, header, length + step) if len(shown) else []
    if faults:
        wrong.append(f"{path}: parts that cannot be decoded: {len(faults)}, the first {faults[0]}")
    if not decoded:
        wrong.append(f"{path}: not one frame can be decoded")
    wrong += damage_note(path, damaged, "frame" if full else "key frame")
    anew = np.cumsum([len(part) for part in parts[:-1]], dtype=int).tolist()
    wrong += clock_notes(path, anew, int((steps <= 0).sum()))
    if len(sizes) > 1:
        wrong.append(f"{path}: frames of {len(sizes)} sizes")
    odd_turns = [name for name in turns if name not in _TURNED.values()]
    wrong += [f"{path}: turned {name}: left as stored" for name in odd_turns]
    wrong += still_note(path, header, decoded)
    return said, wrong, counted_frames(np.arange(len(shown)), shown - shown[:1], upright)


def _decoded(path: Path, full: bool, faults: list[str]) -> Iterator[Any]:
    """The frames of a file that are looked at: all, or those that stand for themselves.

    Where none of these is shown, as in a recording that was cut without being coded anew, the first that is.
    """
    seen = False
    for skip in ("DEFAULT",) if full else ("NONKEY", "DEFAULT"):
        if seen:
            return
        with opened_video(path) as (container, stream):
            # With frames apart a cut file would lose some, by the number of cores.
            stream.thread_type = "SLICE"
            stream.codec_context.skip_frame = skip
            frames = decoded_frames(container, stream, faults)
            shown = tqdm(frames, path.name, unit="frame", mininterval=1, disable=None, leave=False)
            for frame in shown:
                seen = True
                yield frame
                if skip == "DEFAULT" and not full:
                    break


def _rate(steps: np.ndarray) -> str:
    steps = steps[steps > 0]
    if not len(steps):
        return "unknown"
    step = float(np.median(steps))
    odd = np.abs(steps - step) > VARIES * step
    if odd.mean() < VARIES:  # a few frames that were dropped
        few = f", {int(odd.sum())} frames last longer or shorter" if odd.any() else ""
        return f"{1 / step:.3f} a second, constant{few}"
    return (
        f"varies: {len(steps) / steps.sum():.3f} a second on the average, from {1 / steps.max():.2f} to "
        f"{1 / steps.min():.2f}"
    )


def _known(value: float | None, form: str) -> str:
    return "not said" if value is None else f"{value:{form}}"


def _folder(
    path: Path, full: bool, rate: float
) -> tuple[list[str], list[str], CountedFrames | None]:
    folder = read_frame_folder(path)
    wrong: list[str] = []
    sizes: Counter[tuple[int, int]] = Counter(
        (frame.image.size for frame in read_frames(path, wrong))
        if full
        else _headers(folder.root, folder.names, wrong)
    )
    if not full:
        wrong += folder.notes
    said = [
        f"{path}: a folder of frames",
        f"  {len(folder.names):,} frames, numbers {folder.numbers[0]} to {folder.numbers[-1]}; "
        f"{folder.numbers[-1] - folder.numbers[0] + 1} at {rate:g} a second are "
        f"{(folder.numbers[-1] - folder.numbers[0] + 1) / rate:.2f} s (--frame-rate)",
        f"  size {', '.join(f'{w} x {h}' for w, h in sizes) or 'unknown'}, upright",
    ]
    if len(sizes) > 1 and not full:
        wrong.append(f"{path}: frames of {len(sizes)} sizes")
    return (
        said,
        wrong,
        counted_frames(folder.numbers, (folder.numbers - folder.numbers[0]) / rate, sizes),
    )


def _headers(root: Path, names: list[str], wrong: list[str]) -> Iterator[tuple[int, int]]:
    for name in names:
        try:
            yield shown_size(root / name)[:2]
        except Exception as error:  # as Pillow raises of what is no picture
            wrong.append(f"{root / name}: not a readable image ({error})")
