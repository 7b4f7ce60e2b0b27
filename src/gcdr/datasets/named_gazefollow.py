"""GazeFollow as the semantic gaze paper labels it (Tafasca et al., NeurIPS 2024): names of what is looked at.

Its own annotation files for training and validation, the published one for test, ``vocab2id.json``, and a
CSV of labels a split: pseudo-labels of training and validation people by path and id, labels of test people
by path, up to five accepted ones joined by hyphens.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from gcdr.base.problems import Places, Problems
from gcdr.data.manifest import ACCEPTED, JOINER
from gcdr.data.vocabulary import MISSING, label_ids, parted_names
from gcdr.datasets.assemble import Dataset, Rules, assemble
from gcdr.datasets.gazefollow import read_gazefollow_rows
from gcdr.datasets.layout import SEMGAZE, SEMGAZE_LABELS, VOCABULARY
from gcdr.datasets.name_lists import names_beside
from gcdr.datasets.text import Table, read_headed

PSEUDO = ["path", "id", "split", "gaze_pseudo_label", "label_id"]
FLAGS = ["eyes_closed", "outside_frame", "uncertain"]
WORDS_OF_FLAGS = {"true": "1", "false": "0"}
ACCEPTED_AT_MOST = 5
LEFT_OUT = "accepted label that the vocabulary has not, left out"
GIVEN = ["path", *FLAGS, "gaze_gt_labels", "gaze_gt_label", "label_id", "test_label_id"]


def read_semgaze(root: Path, files: Sequence[Path]) -> Dataset:
    """Read the annotation files, and the labels beside them.

    A person's ``label`` is the pseudo-label, of test people the first accepted one; ``accepted`` holds all of
    these. Labels without a number (-1) are none. Test people whose eyes are closed, whose target is out of
    the frame or uncertain keep their points, and are counted.
    """
    problems, parts, places, notes = Problems(), [], [], []
    vocabulary = _vocabulary(root, problems)
    for path in files:
        split = next(split for split, name in SEMGAZE.items() if path.name == name)
        rows, where = read_gazefollow_rows(path, "train" if split == "val" else split, problems)
        rows["split"], rows["person"] = split, rows["person"] + f" of {split}"
        rows[ACCEPTED] = None
        labels = root / SEMGAZE_LABELS.format(split=split)
        if labels.exists():
            notes.append(_add_labels(rows, labels, split, vocabulary, problems))
        parts.append(rows)
        places.append(where)
    rows = pd.concat(parts, ignore_index=True)
    found = assemble("semgaze", rows, Places.join(places), root, problems, Rules(repair=True))
    return replace(found, notes=tuple(notes))


def _vocabulary(root: Path, problems: Problems) -> tuple[str, ...] | None:
    names = names_beside(root, problems)
    if odd := [name for name in names or () if JOINER in name]:
        found, expected = f"the name {odd[0]!r}", f"names without {JOINER!r}"
        problems.file(root / VOCABULARY, found, expected, "vocabulary")
    return names


def _add_labels(
    rows: pd.DataFrame,
    path: Path,
    split: str,
    vocabulary: Sequence[str] | None,
    problems: Problems,
) -> str:
    """Put a file's labels into the rows of its people; what there is to say of it, in a line."""
    given = split == "test"
    table = read_headed(path, GIVEN if given else PSEUDO, (), problems)
    if not given:
        strange = np.array([text not in ("", split) for text in table.text("split")], bool)
        kind, of = "label of another split, taken as of its file", table.text("split")
        problems.rows(kind, "split", split, strange, table.places, of, fatal=False)
    labels = (
        labels_by_image(table, vocabulary, problems)
        if given
        else labels_by_person(table, vocabulary, problems)
    )
    keys = ["image"] if given else ["image", "id"]
    people = rows.rename(columns={"idx": "id"})[keys].apply(tuple, axis=1)
    wanted = labels[keys].apply(tuple, axis=1) if len(labels) else pd.Series([], dtype=object)
    if not given and len(wanted):
        known = set(rows["image"])
        absent = ~labels["image"].isin(known).to_numpy()
        unmatched = ~wanted.isin(set(people)).to_numpy()
        _unmatched(problems, "label of an image without people, left out", absent, table, "path")
        other = unmatched & ~absent
        _unmatched(problems, "label of nobody in its image, left out", other, table, "id")
    elif len(wanted):
        unmatched = ~wanted.isin(set(people)).to_numpy()
        _unmatched(problems, "label of an image without people, left out", unmatched, table, "path")
    twice = wanted.duplicated().to_numpy()
    kind = "second label of a person, left out"
    problems.rows(
        kind, "path", "one row a person", twice, table.places, table.text("path"), fatal=False
    )
    of_key = dict(zip(wanted[~twice], labels.index[~twice], strict=True))
    at = [of_key.get(key) for key in people]
    for name in ("label", ACCEPTED):
        rows[name] = [None if row is None else labels[name][row] for row in at]
    known = rows["label"].notna() if vocabulary is None else rows["label"].isin(vocabulary)
    people_named = rows.loc[known, "person"].nunique()
    said = f"{path.name}: {people_named:,} of {rows['person'].nunique():,} people with a name"
    if given and len(labels):
        said += ", " + ", ".join(f"{int(labels[flag].sum()):,} {flag}" for flag in FLAGS)
    return said


def _unmatched(problems: Problems, kind: str, bad: np.ndarray, table: Table, name: str) -> None:
    expected = "a person of the annotation file"
    fatal = bool(len(bad)) and bool(bad.all())
    problems.rows(kind, name, expected, bad, table.places, table.text(name), fatal=fatal)


def labels_by_person(
    table: Table, vocabulary: Sequence[str] | None, problems: Problems
) -> pd.DataFrame:
    """``image``, ``id``, ``label`` and ``accepted`` of a file of pseudo-labels; None where missing.

    Names are held to the vocabulary unless it is None.
    """
    names = table.text("gaze_pseudo_label")
    labels = _numbered(table, "gaze_pseudo_label", names, vocabulary, problems)
    return pd.DataFrame(
        {
            "image": table.images("path"),
            "id": table.text("id"),
            "label": labels,
            ACCEPTED: labels,
        }
    )


def labels_by_image(
    table: Table, vocabulary: Sequence[str] | None, problems: Problems
) -> pd.DataFrame:
    """``image``, ``label``, ``accepted`` (joined by ``JOINER``) and ``FLAGS`` of the rows of test labels.

    Names are held to the vocabulary unless it is None; then a person's first one alone is accepted.
    """
    joined, first = table.text("gaze_gt_labels"), table.text("gaze_gt_label")
    labels = _numbered(table, "gaze_gt_label", first, vocabulary, problems)
    known, none = vocabulary or (), ((), False)
    parts = [parted_names(text, known) if text and known else none for text in joined]
    lists, lost = [names for names, _ in parts], np.array([odd for _, odd in parts], bool)
    several, different = ([len(kind(names)) for names in lists] for kind in (tuple, set))
    unknown, more = LEFT_OUT, "more accepted labels than the paper has, all accepted"
    for kind, expected, odd in (
        (unknown, "names of the vocabulary, joined by hyphens", lost),
        ("accepted label twice, counted once", "each once", np.less(different, several)),
        (more, f"at most {ACCEPTED_AT_MOST}", np.greater(different, ACCEPTED_AT_MOST)),
    ):
        fatal = kind == unknown and not any(lists)  # nobody would have one
        problems.rows(kind, "gaze_gt_labels", expected, odd, table.places, joined, fatal=fatal)
    kind, expected = "label that is none of those accepted, taken as it is", "one of gaze_gt_labels"
    apart = [
        bool(names) and one in known and one not in names
        for names, one in zip(lists, labels, strict=True)
    ]
    bad = np.array(apart, bool)
    problems.rows(kind, "gaze_gt_label", expected, bad, table.places, first, fatal=False)
    accepted = [
        JOINER.join(dict.fromkeys(names)) if names else label
        for names, label in zip(lists, labels, strict=True)
    ]
    columns = {"image": table.images("path"), "label": labels, ACCEPTED: accepted}
    for flag in FLAGS:
        columns[flag] = _flags(table, flag, problems)
    return pd.DataFrame(columns)


def _flags(table: Table, flag: str, problems: Problems) -> np.ndarray:
    """(N,) bool: where a column of 0 and 1, or of true and false in any case, says so."""
    text = np.array([WORDS_OF_FLAGS.get(one.lower(), one) for one in table.text(flag)], object)
    written = replace(table, columns=table.columns | {flag: pa.array(text, pa.string())})
    marked = written.numbers(flag, problems, "0 or 1", optional=True)
    odd = np.isfinite(marked) & ~np.isin(marked, (0, 1))
    problems.rows("not a flag", flag, "0 or 1", odd, table.places, marked)
    return marked == 1


def _numbered(
    table: Table,
    column: str,
    names: np.ndarray,
    vocabulary: Sequence[str] | None,
    problems: Problems,
) -> list[str | None]:
    """Names with a number of the vocabulary; None for a row whose number is -1, or that says nothing."""
    expected = "a whole number, -1 without a label"
    given = table.numbers("label_id", problems, expected, optional=True)
    silent = (names == "") & ~table.filled("label_id")
    bare = ~silent & ~table.filled("label_id")
    problems.rows("label without a number", "label_id", expected, bare, table.places, names)
    ours = label_ids(names, vocabulary or ())
    labelled = (given != MISSING) & ~silent
    held = labelled & (vocabulary is not None)
    unknown = held & (ours == MISSING)
    fatal = bool(held.any()) and bool((unknown == held).all())  # nobody would have a name
    kind, expected = "label that the vocabulary has not, no name", "a name of the vocabulary"
    problems.rows(kind, column, expected, unknown, table.places, names, fatal=fatal)
    moved = held & ~unknown & np.isfinite(given) & (given != ours)
    expected = "the place of its name in the vocabulary, which is sorted"
    problems.rows("label of another number", "label_id", expected, moved, table.places, given)
    return [str(name) if kept else None for name, kept in zip(names, labelled, strict=True)]
