"""The known layouts of data sets: which files hold the annotations, and telling one from another.

A data set is named as in the configuration: ``kind`` and ``root``, or for a folder of one's own
``images`` and, if there are any, ``table`` and ``test_share``.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from gcdr.base.errors import InputError
from gcdr.base.texts import has_control
from gcdr.data.pictures import formats

GAZEFOLLOW = ("{split}_annotations_release_persondet.txt", "{split}_annotations_release.txt")
ORIGINAL = ("train_annotations.txt", "test_annotations.txt")
"""Of GazeFollow as published in 2015, which has no head boxes."""

TRACKS = ("annotations_body", "annotations")
GAZELLE = "{split}_preprocessed.json"
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

DATASET_KINDS = ("gazefollow", "videoattentiontarget", "gazelle", "folder")
Source = Mapping[str, Any]


def annotation_files(source: Source) -> list[Path]:
    """The files that a data set is read from; empty if there are none.

    GazeFollow: the training and test file, those with body boxes (``_persondet``) if both have them,
    else each as it is there. VideoAttentionTarget: ``annotations{,_body}/{train,test}/SHOW/CLIP/PERSON.txt``,
    those with body boxes first. Gaze-LLE: ``{train,test}_preprocessed.json``.
    """
    if source["kind"] == "folder":
        return [Path(source["table"])] if source.get("table") else []
    root = Path(source["root"])
    if source["kind"] == "gazelle":
        return _first_of(root, [GAZELLE])
    if source["kind"] == "gazefollow":
        with_bodies = _first_of(root, GAZEFOLLOW[:1])
        return with_bodies if len(with_bodies) == 2 else _first_of(root, GAZEFOLLOW[::-1])
    for name in TRACKS:
        found = (root / name).glob("*/*/*/*.txt")
        tracks = [
            path
            for path in found
            if path.parts[-4] in ("train", "test") and not is_clutter(path.relative_to(root))
        ]
        if tracks:
            return sorted(tracks)
    return []


def _first_of(root: Path, names: Sequence[str]) -> list[Path]:
    """The file of each split: the first of these names that is there, if any is."""
    named = ([root / name.format(split=split) for name in names] for split in ("train", "test"))
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
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; expected the folder of a data set")
    for kind in DATASET_KINDS[:-1]:
        if annotation_files({"kind": kind, "root": folder}):
            return {"kind": kind, "root": folder}
    check_extended(folder)
    tables = sorted(path for path in folder.glob("*") if path.suffix.lower() == ".csv")
    tables = [path for path in tables if not is_clutter(path.relative_to(folder))]
    if len(tables) > 1:
        names = ", ".join(path.name for path in tables)
        raise InputError(f"{folder}: several CSV files ({names}); name one with --table")
    return {"kind": "folder", "images": folder, "table": tables[0] if tables else None}
