"""The known layouts of data sets: which files hold the annotations, and telling one from another.

A data set is named as in the configuration: ``kind`` and ``root``, or for a folder of one's own
``images`` and, if there is one, ``table``.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from gcdr.base.errors import InputError

GAZEFOLLOW = ("{split}_annotations_release_persondet.txt", "{split}_annotations_release.txt")
TRACKS = ("annotations_body", "annotations")
GAZELLE = "{split}_preprocessed.json"
KINDS = ("gazefollow", "videoattentiontarget", "gazelle", "folder")
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
        tracks = [*(root / name).glob("train/*/*/*.txt"), *(root / name).glob("test/*/*/*.txt")]
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


def picture_names(folder: Path) -> list[str]:
    """Files in a folder, and in those in it, whose ending is that of a picture that can be read.

    Returns:
        their paths relative to the folder, sorted; hidden ones (``.name``) are left out.

    Raises:
        InputError: there is no such folder.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder of images")
    endings = {end for end, kind in Image.registered_extensions().items() if kind in Image.OPEN}
    names = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return sorted(
        name.as_posix()
        for name in names
        if name.suffix.lower() in endings and not any(part.startswith(".") for part in name.parts)
    )


def recognise(folder: Path) -> Source:
    """A data set's kind from the files in its folder.

    Raises:
        InputError: there is no such folder, or several CSV files in it.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; expected the folder of a data set")
    for kind in KINDS[:-1]:
        if annotation_files({"kind": kind, "root": folder}):
            return {"kind": kind, "root": folder}
    tables = sorted(folder.glob("*.csv"))
    if len(tables) > 1:
        names = ", ".join(path.name for path in tables)
        raise InputError(f"{folder}: several CSV files ({names}); name one with --table")
    return {"kind": "folder", "images": folder, "table": tables[0] if tables else None}
