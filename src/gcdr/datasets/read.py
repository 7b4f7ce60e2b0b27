"""Reading a data set of any known layout."""

from pathlib import Path

from gcdr.base.errors import InputError
from gcdr.datasets.assemble import Dataset
from gcdr.datasets.folder import read_folder
from gcdr.datasets.gazefollow import read_gazefollow
from gcdr.datasets.gazelle_json import read_gazelle_json
from gcdr.datasets.layout import Source, annotation_files, check_extended
from gcdr.datasets.videoattentiontarget import read_videoattentiontarget

READERS = {
    "gazefollow": read_gazefollow,
    "videoattentiontarget": read_videoattentiontarget,
    "gazelle": read_gazelle_json,
}
EXPECTED = {
    "gazefollow": "train_annotations_release.txt or test_annotations_release.txt",
    "videoattentiontarget": "annotations/{train,test}/SHOW/CLIP/PERSON.txt",
    "gazelle": "train_preprocessed.json or test_preprocessed.json",
}


def read_dataset(source: Source) -> Dataset:
    """Read a data set; what is wrong with it is in its ``problems``.

    Args:
        source: see :mod:`gcdr.datasets.layout`.

    Raises:
        InputError: there is nothing that could be read.
    """
    kind = source["kind"]
    if kind == "folder":
        table = source.get("table")
        share = source.get("test_share", 0)
        return read_folder(Path(source["images"]), Path(table) if table else None, share)
    files = annotation_files(source)
    if not files:
        if kind == "gazefollow":
            check_extended(Path(source["root"]))
        raise InputError(f"{source['root']}: no annotations; expected {EXPECTED[kind]}")
    return READERS[kind](Path(source["root"]), files)
