"""A video as a generator of frames, whether it is a file or a folder."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from gcdr.base.errors import InputError
from gcdr.base.texts import has_control, printable
from gcdr.datasets.film_names import VIDEO_ENDINGS
from gcdr.datasets.layout import is_clutter, picture_names
from gcdr.video.containers import RATE, file_moments, read_header
from gcdr.video.frame_folders import folder_moments, read_frame_folder
from gcdr.video.moments import Thinning, thinned


@dataclass(frozen=True)
class Frame:
    """A frame of a video.

    Attributes:
        number, seconds, name: see :class:`gcdr.video.moments.Moment`.
        image: upright, in RGB.
    """

    number: int
    seconds: float
    name: str
    image: Image.Image


def is_video_file(path: Path) -> bool:
    """Whether a path is that of a video file, by its ending."""
    return path.suffix.lower() in VIDEO_ENDINGS and not path.is_dir()


def find_videos(
    sources: Sequence[str | Path], folders: bool = False
) -> tuple[list[Path], list[str]]:
    """The videos that somebody means.

    Args:
        sources: files, and folders.
        folders: whether a folder is one video, its pictures the frames; otherwise it stands for the video
            files in it, provided that it holds no pictures.

    Returns:
        the videos, and a line for each file that is left out: those of macOS (``._``) and the like, and
        videos that lie among pictures. No video where sources are pictures.

    Raises:
        InputError: videos are named together with what is none, or a name cannot stand in a table.
    """
    videos: list[Path] = []
    notes: list[str] = []
    others: list[Path] = []
    for source in map(Path, sources):
        if has_control(str(source)):
            raise InputError(
                f"{printable(str(source))}: a control character in its name; rename it"
            )
        inside = sorted(filter(is_video_file, source.iterdir())) if source.is_dir() else []
        if is_video_file(source) or folders:
            videos.append(source)
        elif inside and not picture_names(source):
            hidden = [path for path in inside if is_clutter(Path(path.name))]
            notes += [f"{path}: left by an operating system, no video" for path in hidden]
            videos += [path for path in inside if path not in hidden]
        else:
            others.append(source)
            if inside:
                notes.append(
                    f"{inside[0]}: a video among pictures, not looked at: name it by itself"
                )
    if videos and others:
        raise InputError(
            f"{others[0]}: no video, and {videos[0]} is one; expected videos alone or pictures alone "
            "(--video takes a folder of frames for a video)"
        )
    return videos, notes


def expected_frames(path: Path, thinning: Thinning, rate: float = RATE) -> tuple[int | None, float]:
    """About how many frames :func:`read_frames` will yield, None where a file does not say, and how many a
    second.

    Raises:
        InputError: as :func:`read_frames`.
    """
    if path.is_dir():
        numbers = read_frame_folder(path).numbers
        count: int | None = len(numbers)
        seconds = float(numbers[-1] - numbers[0] + 1) / rate
        each = len(numbers) / seconds
    else:
        header = read_header(path)
        count, each = header.expected, header.rate or RATE
        seconds = header.seconds or (count or 0) / each
    each /= thinning.every
    kept = count and -(-count // thinning.every)
    if thinning.fps is None or each <= thinning.fps:
        return kept, each
    return kept and (round(seconds * thinning.fps) or 1), thinning.fps


def read_frames(
    path: Path,
    notes: list[str],
    thinning: Thinning | None = None,
    rate: float = RATE,
    passed: Callable[[int], object] = lambda number: None,
) -> Iterator[Frame]:
    """The frames of a video, one at a time: whoever keeps none needs memory for one, however long it is.

    Args:
        path: a file, or a folder of frames.
        notes: gets a line for all that has to be said: what cannot be decoded, is missing, turned oddly,
            varies in size, ends early, ...
        thinning: which frames are wanted; all by default.
        rate: of a folder, frames a second that the numbers in its files' names count.
        passed: see :func:`gcdr.video.moments.thinned`.

    Yields:
        frames with growing numbers and times.

    Raises:
        InputError: there is no such video, or not one frame in it.
    """
    if path.is_dir():
        moments = folder_moments(read_frame_folder(path), rate, notes)
    else:
        moments = file_moments(path, notes)
    sizes: dict[tuple[int, int], int] = {}
    for moment in thinned(moments, thinning or Thinning(), passed):
        try:
            image = moment.picture()
        except InputError as error:
            notes.append(f"skipped: {error}")
            continue
        sizes.setdefault(image.size, moment.number)
        yield Frame(moment.number, moment.seconds, moment.name, image)
    if not sizes:
        raise InputError("\n  ".join([f"{path}: not one frame could be read", *notes[:20]]))
    if len(sizes) > 1:
        shown = ", ".join(f"{w} x {h} from frame {at}" for (w, h), at in [*sizes.items()][:4])
        notes.append(f"{path}: frames of {len(sizes)} sizes: {shown}")
