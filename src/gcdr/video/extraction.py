"""Films of a folder as pictures, so that every stage reads them as it reads any others."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pandas as pd
from tqdm import tqdm

from gcdr.base.errors import InputError
from gcdr.base.files import atomic
from gcdr.base.texts import has_control, printable
from gcdr.data.parquet import write_table
from gcdr.datasets.film_names import film_name
from gcdr.datasets.layout import is_clutter, picture_names
from gcdr.video.containers import read_header
from gcdr.video.film_settings import FilmSettings
from gcdr.video.frames import is_video_file, read_frames
from gcdr.video.moments import Thinning

QUALITY = 95  # of JPEG


def find_films(root: Path) -> dict[str, Path]:
    """The films in a folder by their names: of video files without the ending, of folders of frames as it is.

    Other files, and folders without a picture in them, are left alone.

    Raises:
        InputError: there is no such folder or no film in it, pictures lie beside the films, or two films
            have one name or a name that no table can hold.
    """
    if not root.is_dir():
        raise InputError(f"{root}: no such folder of films")
    films: dict[str, Path] = {}
    for path in sorted(root.iterdir()):
        if is_clutter(Path(path.name)) or not (is_video_file(path) or is_frame_folder(path)):
            continue
        name = film_name(path)
        if has_control(name):
            raise InputError(f"{root}: found {printable(name)!r}, expected a name on one line")
        if name in films:
            raise InputError(
                f"{root}: found {films[name].name} and {path.name}, two films of one name; expected a name "
                "for each"
            )
        films[name] = path
    if stray := next((name for name in picture_names(root) if "/" not in name), None):
        raise InputError(
            f"{root}: found {stray}; expected the frames of each film in a folder of their own within it"
        )
    if not films:
        raise InputError(f"{root}: found no film; expected video files, or folders of frames")
    return films


def is_frame_folder(path: Path) -> bool:
    """Whether pictures lie in a folder itself."""
    return path.is_dir() and any("/" not in name for name in picture_names(path))


def unreadable_films(films: Iterable[Path]) -> list[str]:
    """A line for each video file that cannot be opened, or has no video stream; headers alone are read."""
    lines = []
    for path in films:
        try:
            if not path.is_dir():
                read_header(path)
        except InputError as error:
            lines.append(str(error))
    return lines


def write_frames(root: Path, wanted: FilmSettings, images: Path, table: Path) -> list[str]:
    """Write the wanted frames of all films as pictures, one frame in memory at a time.

    Args:
        root: the films, see :func:`find_films`.
        wanted: which frames.
        images: the folder, whole or not at all: ``SEQUENCE/000123.jpg`` is frame 123 of the film of that
            name; frames that are files already are links to them, under the same numbers.
        table: Parquet, one row a frame of a film in their order: ``sequence``, ``frame`` (int64, from 0 on,
            or as the file's name says), and, where it is wanted and could be read, ``seconds`` (float64, from
            the film's first frame) and ``image`` (relative to ``images``).

    Returns:
        what has to be said, a line each: what every film is, what cannot be decoded, where one ends early or
        is turned oddly, ...

    Raises:
        InputError: see :func:`find_films`; films that cannot be opened, all of them in one message; or no
            frame of one can be read.
    """
    films = find_films(root)
    if wrong := unreadable_films(films.values()):
        raise InputError("\n  ".join([f"{root}: {len(wrong)} films cannot be read", *wrong]))
    parts, lines = [], []
    with atomic(images) as folder:
        for sequence, path in films.items():
            (folder / sequence).mkdir(parents=True)
            part, said = _write_film(folder, sequence, path, wanted)
            parts.append(part)
            lines += said
    write_table(pd.concat(parts, ignore_index=True), table)
    return lines


def _write_film(
    folder: Path, sequence: str, path: Path, wanted: FilmSettings
) -> tuple[pd.DataFrame, list[str]]:
    """One film's rows of the table, and what has to be said of it."""
    notes: list[str] = []
    passed: list[int] = []
    taken: dict[int, tuple[float, str]] = {}
    sizes: Counter[str] = Counter()
    thinning = Thinning(wanted.every, wanted.fps)
    frames = read_frames(path, notes, thinning, wanted.frame_rate, passed.append)
    for frame in tqdm(frames, desc=sequence, unit="frame", mininterval=5):
        ending = Path(frame.name).suffix or ".jpg"
        name = f"{sequence}/{frame.number:06d}{ending}"
        if frame.name:
            (folder / name).symlink_to((path / frame.name).resolve())
        else:
            frame.image.save(folder / name, quality=QUALITY)
        taken[frame.number] = frame.seconds, name
        sizes[f"{frame.image.width} x {frame.image.height}"] += 1
    nothing = (float("nan"), None)
    rows = [(sequence, number, *taken.get(number, nothing)) for number in passed]
    last = max(seconds for seconds, _ in taken.values())
    said = (
        f"{path}: {len(taken):,} of {len(passed):,} frames taken, the last at {last:.2f} s; "
        f"{', '.join(sizes)} pixels"
    )
    table = pd.DataFrame(rows, columns=["sequence", "frame", "seconds", "image"])
    return table.astype({"frame": "int64", "seconds": "float64", "image": object}), [said, *notes]
