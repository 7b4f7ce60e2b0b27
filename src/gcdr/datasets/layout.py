"""The known layouts of data sets: which files hold the annotations, and telling one from another.

A data set is named as in the configuration: ``kind`` and ``root``, or for a folder of one's own
``images`` and, if there are any, ``table`` and ``test_share``; of VideoAttentionTarget also ``shows``
and ``validation_shows``. Own films are named by what was made of them: ``images`` and ``FILM_FILES``.
"""

import re
from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from gcdr.base.errors import InputError
from gcdr.base.texts import has_control
from gcdr.data.pictures import formats

GAZEFOLLOW = ("{split}_annotations_release_persondet.txt", "{split}_annotations_release.txt")
ORIGINAL = ("train_annotations.txt", "test_annotations.txt")
"""Of GazeFollow as published in 2015, which has no head boxes."""

TRACKS = ("annotations", "annotations_body")
"""Of VideoAttentionTarget: a track's file in the second takes the place of the one in the first."""

GAZELLE = "{split}_preprocessed.json"
GOOREAL = {
    "train": ("oneshotrealhumansNew.pickle", "oneshotrealhumans.pickle", "train.pickle"),
    "val": ("valrealhumansNew.pickle", "valrealhumans.pickle"),
    "test": ("testrealhumansNew.pickle", "testrealhumans.pickle", "test.pickle"),
}
"""Of GOO-Real, by split: the authors' mended files, their first ones, and those that others passed on."""

SEMGAZE = {
    "train": "train_annotations_new.txt",
    "val": "val_annotations_new.txt",
    "test": "test_annotations_release.txt",
}
"""Of GazeFollow with the names of the semantic gaze paper, by split."""

SEMGAZE_LABELS, VOCABULARY = "gaze-labels-{split}.csv", "vocab2id.json"
HOI_SPLITS, HOI_PREDICTIONS = ("train", "val", "test"), "gaze-predictions.csv"
"""Of GazeHOI: a CSV a split, whose name has the split as a word, and points of a model."""

CLUTTER = (
    "__MACOSX", "Thumbs.db", "ehthumbs.db", "desktop.ini", "$RECYCLE.BIN", "System Volume Information",
    "lost+found", "@eaDir", "#recycle", "@Recycle", "#snapshot",
)  # fmt: skip
"""What macOS, Windows and network disks leave beside files; so are names that begin with a dot or ``~$``."""

NOT_READ = {
    **dict.fromkeys((".heic", ".heif", ".hif"), "HEIC"),
    ".jxl": "JPEG XL",
    ".svg": "SVG",
    **dict.fromkeys((".cr2", ".cr3", ".nef", ".arw", ".dng", ".orf", ".rw2", ".raf"), "camera raw"),
}
"""Endings of pictures that are not read, and what they are."""

DATASET_KINDS = (
    *(
        "semgaze",
        "gazehoi",
        "gazefollow",
        "videoattentiontarget",
        "gazelle",
        "childplay",
        "gooreal",
    ),
    *("video", "folder"),
)
FILM_FILES = ("frames", "said", "annotations")
"""Of one's own films, as their reader takes them: the table of frames, what was said, the table of heads."""

Source = Mapping[str, Any]


def annotation_files(source: Source) -> list[Path]:
    """The files that a data set is read from; empty if there are none.

    GazeFollow: the training and test file, those with body boxes (``_persondet``) if both have them,
    else each as it is there. VideoAttentionTarget: ``annotations{,_body}/{train,test}/SHOW/CLIP/PERSON.txt``
    of the shows that are asked for, of each track the one with body boxes if there is one. Gaze-LLE:
    ``{train,test}_preprocessed.json``. ChildPlay: ``annotations/{train,val,test}/CLIP.csv``. GOO-Real: the
    pickle of each split, see ``GOOREAL``. GazeFollow with names: ``SEMGAZE``, where labels of a split
    lie beside them. GazeHOI: CSVs with a split in their names. Own films: ``FILM_FILES``, as far as they are
    named.
    """
    if source["kind"] == "video":
        return [Path(source[key]) for key in FILM_FILES if source.get(key)]
    if source["kind"] == "folder":
        return [Path(source["table"])] if source.get("table") else []
    root = Path(source["root"])
    if source["kind"] == "gazelle":
        return _first_of(root, _of_both([GAZELLE]))
    if source["kind"] == "gooreal":
        return _first_of(root, GOOREAL.values())
    if source["kind"] == "semgaze":
        labelled = any((root / SEMGAZE_LABELS.format(split=split)).is_file() for split in SEMGAZE)
        return _first_of(root, [[name] for name in SEMGAZE.values()]) if labelled else []
    if source["kind"] == "gazehoi":
        return [path for path in hoi_tables(root) if hoi_split(path)]
    if source["kind"] == "childplay":
        found = (root / "annotations").glob("*/*.csv")
        return sorted(path for path in found if _is_of(path.relative_to(root), GOOREAL))
    if source["kind"] == "gazefollow":
        with_bodies = _first_of(root, _of_both(GAZEFOLLOW[:1]))
        return with_bodies if len(with_bodies) == 2 else _first_of(root, _of_both(GAZEFOLLOW[::-1]))
    wanted = {show.strip() for show in source.get("shows", ())}
    return [path for path in _tracks(root) if not wanted or show_of(path) in wanted]


def is_of_test(path: Path, root: Path) -> bool:
    """Whether an annotation file of a published data set is of its test people."""
    of_folder = "test" in path.relative_to(root).parts[:-1]
    of_name = path.parent == root and hoi_split(path) == "test"
    return path.name.startswith("test") or of_folder or of_name


def lacks_heads(source: Source) -> bool:
    """Whether the heads of a configured data set have to be found, as there is no table of them."""
    table = {"folder": "table", "video": "annotations"}.get(source["kind"])
    return table is not None and not source.get(table)


def hoi_split(path: Path) -> str | None:
    """The split that a CSV of GazeHOI has as a word in its name, as ``gazehoi-train.csv``, in any case."""
    words = re.split(r"[^a-z]+", path.name.lower())
    return next((split for split in HOI_SPLITS if split in words), None)


def hoi_tables(root: Path) -> list[Path]:
    """The CSVs of a folder of GazeHOI, whatever is in them, but for the points of a model."""
    tables = (path for path in root.glob("*") if path.suffix.lower() == ".csv")
    tables = (path for path in tables if not is_clutter(path.relative_to(root)))
    return sorted(path for path in tables if path.name != HOI_PREDICTIONS)


def _has_objects(path: Path) -> bool:
    """Whether the first line of a file names columns of GazeHOI; one of three may be misspelt."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        header = file.readline(10_000).replace(b"\0", b"")  # UTF-16, which is refused by name
    return sum(name in header for name in (b"o_xmin", b"h_xmin", b"pair_id")) >= 2


def _tracks(root: Path) -> list[Path]:
    """The files of VideoAttentionTarget's tracks, of each the one with body boxes if there is one."""
    found = {}
    for folder in TRACKS:
        for path in (root / folder).glob("*/*/*/*.txt"):
            if _is_of(path.relative_to(root), ("train", "test")):
                found[path.relative_to(root / folder)] = path
    return [found[name] for name in sorted(found)]


def _is_of(name: Path, splits: Container[str]) -> bool:
    """Whether a file, in a folder of folders of splits, is of one of these and no clutter."""
    return name.parts[1] in splits and not is_clutter(name)


def show_of(track: Path) -> str:
    """The show that a file of VideoAttentionTarget is of, without blanks at its ends."""
    return track.parts[-3].strip()


def unknown_shows(source: Source) -> list[str]:
    """What is wrong with ``shows`` and ``validation_shows`` of a data set, a line each.

    Names are compared without blanks at their ends, and else as they are. A show is set aside for validation
    from those for training alone: one of the test people's would be lost to the test.
    """
    tracks = _tracks(Path(source["root"])) if {"shows", "validation_shows"} & set(source) else []
    if not tracks:
        return []
    shows = {"shows": set(map(show_of, tracks))}
    training = [path for path in annotation_files(source) if path.parts[-4] == "train"]
    shows["validation_shows"] = set(map(show_of, training))
    lines = []
    for key, there in shows.items():
        lacking = [show for show in source.get(key, ()) if show.strip() not in there]
        which = " among those for training" if key == "validation_shows" else ""
        listed = ", ".join(map(repr, sorted(there))) or "none"
        lines += [f"{key}: no show {show!r}{which}; there are {listed}" for show in lacking]
    return lines


def _of_both(names: Sequence[str]) -> list[list[str]]:
    """Names of files of training and of test."""
    return [[name.format(split=split) for name in names] for split in ("train", "test")]


def _first_of(root: Path, splits: Iterable[Sequence[str]]) -> list[Path]:
    """The file of each split: the first of its names that is there, if any is."""
    named = ([root / name for name in names] for names in splits)
    there = ([path for path in paths if path.exists() or path.is_symlink()] for paths in named)
    return [paths[0] for paths in there if paths]


def released_list(folder: str | None, share: int | str) -> Path | None:
    """The authors' list of the people who are labelled.

    Args:
        folder: ``split.released``.
        share: labelled share in per cent, or another word where nothing is drawn.

    Returns:
        the file; None where no folder is named, or nobody has to be chosen.

    Raises:
        InputError: the folder has none for this share. A draw in its place would pass for the authors'.
    """
    if not folder or not isinstance(share, int) or share == 100:
        return None
    path = Path(folder) / f"train_annotations_weak_ratio{share / 100}_use.txt"
    if not path.is_file():
        raise InputError(
            f"split.released: no file {path}, the authors' list for {share} % of the labels; expected it, "
            "or split.released: null, which draws the labelled people"
        )
    return path


def is_clutter(path: Path) -> bool:
    """Whether a path within a data set is hidden, or one that an operating system left there."""
    return any(part.startswith((".", "~$")) or part in CLUTTER for part in path.parts)


def left_out(folder: Path) -> dict[str, str]:
    """Pictures in a folder, and in those in it, that are left out, each with the reason."""
    found = {}
    for name in _files(folder):
        if name.suffix.lower() in NOT_READ:
            found[name.as_posix()] = f"{NOT_READ[name.suffix.lower()]}, which is not read"
        elif name.suffix.lower() in _endings() and has_control(name.as_posix()):
            found[name.as_posix()] = "a control character in its name, or no UTF-8"
    return found


def describe_left_out(left: Mapping[str, str]) -> str:
    """One line for people: how many pictures are left out, why, and what to do."""
    parts = [
        f"{count} {'picture' if count == 1 else 'pictures'} left out ({reason}): "
        f"{next(name for name in left if left[name] == reason)!r}{', …' if count > 1 else ''}"
        for reason, count in Counter(left.values()).items()
    ]
    return "; ".join(parts) + "; convert to JPEG or PNG, or rename" if parts else ""


def _files(folder: Path) -> Iterable[Path]:
    """Files in a folder and in those in it, without clutter, relative to it."""
    for path in folder.rglob("*"):
        name = path.relative_to(folder)
        if not is_clutter(name) and path.is_file():
            yield name


def _endings() -> set[str]:
    return {end for end, kind in Image.registered_extensions().items() if kind in formats()}


def picture_names(folder: Path) -> list[str]:
    """Files in a folder, and in those in it, whose ending is that of a picture that can be read.

    Returns:
        their paths relative to the folder, sorted; without clutter and what no table can hold, see
        :func:`left_out`.

    Raises:
        InputError: there is no such folder.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder of images")
    endings = _endings()
    names = (name.as_posix() for name in _files(folder) if name.suffix.lower() in endings)
    return sorted(name for name in names if not has_control(name))


def check_extended(root: Path) -> None:
    """Check that GazeFollow is not the one of 2015.

    Raises:
        InputError: it is.
    """
    if there := next((root / name for name in ORIGINAL if (root / name).is_file()), None):
        raise InputError(
            f"{there}: GazeFollow of 2015, without head boxes; expected the extended release of Chong et al. "
            "(2018), train_annotations_release.txt and test_annotations_release.txt (docs/datasets.md)"
        )


def recognise(folder: Path) -> Source:
    """A data set's kind from the files in its folder.

    Raises:
        InputError: there is no such folder, or several CSV files in it.
    """
    if folder.is_file():
        raise InputError(
            f"{folder}: a file; expected the folder of a data set, such as {folder.parent}"
        )
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; expected the folder of a data set")
    for kind in DATASET_KINDS[:-1]:
        of_kind = annotation_files({"kind": kind, "root": folder})
        if kind == "gazehoi":  # any CSV may have a split in its name
            of_kind = [path for path in hoi_tables(folder) if _has_objects(path)]
        if of_kind:
            return {"kind": kind, "root": folder}
    check_extended(folder)
    tables = sorted(path for path in folder.glob("*") if path.suffix.lower() == ".csv")
    tables = [path for path in tables if not is_clutter(path.relative_to(folder))]
    if len(tables) > 1:
        names = ", ".join(path.name for path in tables)
        raise InputError(f"{folder}: several CSV files ({names}); name one with --table")
    return {"kind": "folder", "images": folder, "table": tables[0] if tables else None}
