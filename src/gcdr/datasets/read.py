"""Reading a data set of any known layout."""

from pathlib import Path

from gcdr.base.errors import InputError
from gcdr.datasets.assemble import Dataset
from gcdr.datasets.childplay import read_childplay
from gcdr.datasets.film import read_film
from gcdr.datasets.folder import read_folder
from gcdr.datasets.gazefollow import read_gazefollow
from gcdr.datasets.gazehoi import read_gazehoi
from gcdr.datasets.gazelle_json import read_gazelle_json
from gcdr.datasets.gooreal import read_gooreal
from gcdr.datasets.layout import (
    FILM_FILES,
    Source,
    annotation_files,
    check_extended,
    unknown_shows,
)
from gcdr.datasets.named_gazefollow import read_semgaze
from gcdr.datasets.videoattentiontarget import read_videoattentiontarget

READERS = {
    "gazefollow": read_gazefollow,
    "gazelle": read_gazelle_json,
    "childplay": read_childplay,
    "gooreal": read_gooreal,
    "semgaze": read_semgaze,
    "gazehoi": read_gazehoi,
}
EXPECTED = {
    "gazefollow": "train_annotations_release.txt or test_annotations_release.txt",
    "videoattentiontarget": "annotations/{train,test}/SHOW/CLIP/PERSON.txt",
    "gazelle": "train_preprocessed.json or test_preprocessed.json",
    "childplay": "annotations/{train,val,test}/VIDEO_START-END.csv",
    "semgaze": "train_annotations_new.txt, val_annotations_new.txt or test_annotations_release.txt, and "
    "gaze-labels-train.csv, gaze-labels-val.csv or gaze-labels-test.csv beside",
    "gazehoi": "CSVs with pair_id, o_xmin and h_xmin, with train, val or test in their names",
    "gooreal": "oneshotrealhumans.pickle, valrealhumans.pickle or testrealhumans.pickle",
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
    if kind == "video":
        return read_film(*(Path(source[key]) for key in ("images", *FILM_FILES)))
    root, files = Path(source["root"]), annotation_files(source)
    if unknown := unknown_shows(source):
        raise InputError(f"{root}: {'; '.join(unknown)}")
    if not files:
        if kind == "gazefollow":
            check_extended(root)
        raise InputError(f"{root}: no annotations; expected {EXPECTED[kind]}")
    if kind == "videoattentiontarget":
        return read_videoattentiontarget(root, files, source.get("validation_shows", ()))
    return READERS[kind](root, files)
