"""The label split: who keeps their label. What it hides, nothing downstream may read."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from gcdr.base.errors import InputError
from gcdr.base.jsonconfig import JsonConfig, setting
from gcdr.base.seeds import numpy_rng
from gcdr.data.chosen import ChosenLabels
from gcdr.data.manifest import BOX, LABEL_SOURCE, LABELS, has_label

LABELLED, VALIDATION, UNLABELLED = "labelled", "validation", "unlabelled"
OWN_VALIDATION = "val"  # split of the people whom a data set itself sets aside
STRANGE = 0.01  # share of a released split's people that a reader's filters may have left out


@dataclass(frozen=True, kw_only=True)
class SplitSettings(JsonConfig):
    """Who keeps their label; see :func:`split_labels`."""

    share: int | None = setting(
        "Labelled share of the training images, or people, in per cent; 100 labels everybody. null does "
        "not draw: who has a label is labelled, and the others are the unlabelled pool.",
        minimum=1,
        maximum=100,
    )
    unlabelled: int | None = setting(
        "Share of the training images, or people, that is used without labels, in per cent of all "
        "(Table S2: 10, 50 or 90 beside 10 labelled). null: all that are not labelled.",
        minimum=1,
        maximum=99,
    )
    validation: float | None = setting(
        "Part of the labelled images, or people, that is set aside for validation. null: the data's own "
        "validation people (split val), all who have a label, beside the labelled share.",
        minimum=0,
        maximum=0.5,
    )
    by: Literal["image", "person", "sequence", "group"] = setting(
        'What is drawn: "image" keeps people who share an image together, "person" draws each by '
        'themselves (paper), "sequence" keeps the images of a film together and "group" those of a '
        "show or a camera."
    )
    out_of_frame: Literal["hidden", "reference"] = setting(
        'People who look out of the frame. "hidden": of the unlabelled nobody knows it, and the labelled '
        'train no heatmap. "reference" rebuilds the conditions of the released code: the split leaves out '
        "unlabelled people by their hidden in/out label, and supervised gaze models learn an empty map of "
        "the labelled.",
        "hidden",
    )


@dataclass(frozen=True, kw_only=True)
class DrawnSplit(SplitSettings):
    """A split as it is drawn.

    Attributes:
        part: of those whom the share would label, how many keep their label, in per cent; None for all.
        labels: whose labels are kept, in place of a share.
        adapt: whether everybody of the data set takes part, its own test people too.
    """

    part: int | None = None
    labels: ChosenLabels | None = None
    adapt: bool = False


@dataclass(frozen=True, kw_only=True)
class Split(SplitSettings):
    """The section ``split``."""

    released: str | None = setting(
        "Folder of the authors' split files (train_annotations_weak_ratio0.1_use.txt, ...), which decide who "
        "is labelled; one that lacks the share's file is refused. null draws the labelled ones.",
        format="path",
    )


def split_labels(
    annotated: pd.DataFrame,
    share: float | None,
    validation: float | None,
    seed: int,
    by: str = "image",
    released: pd.DataFrame | None = None,
    unlabelled: float | None = None,
    out_of_frame: str = "hidden",
    part: float | None = None,
) -> pd.DataFrame:
    """Choose who keeps their label.

    Training images, or people, are shuffled by ``seed`` and the first ``share`` per cent are labelled,
    so splits of one seed are nested (5 % within 10 % within 20 %). Of the labelled ones, a fixed part
    is set aside as validation: every n-th of the shuffled order, so it is nested too. The unlabelled
    are all others, or so many from the end of the order: nested as well, and, where ``released`` lists
    none, the same people whatever the labelled share. The choice looks at image names, sequences, groups
    and row numbers alone; a hidden label cannot influence it. Where ``share`` is None nothing is drawn
    and nothing hidden: who has a label is labelled, all others are not. In a pool of several data sets
    (:mod:`gcdr.data.pool`) people of the split ``unlabelled`` are never drawn, and those of ``labelled``
    who are not drawn are not used.

    Args:
        annotated: the manifest with labels, :func:`gcdr.data.manifest.read_annotated`.
        share: labelled share of the training images or people in per cent, 0 < share <= 100; None for
            everybody who has a label.
        validation: share of the labelled ones set aside for validation, 0 <= validation <= 0.5; None for
            those people of the split ``val`` who have a label, whom the draw leaves alone.
        seed: seed of the shuffle.
        by: ``"image"``: all people of an image together; ``"person"``: each by themselves, as in the
            paper, where one person of an image can be labelled and another not; ``"sequence"``,
            ``"group"``: all of a clip, or of a show or camera. Who has none of these goes with their
            sequence, and without one with their image.
        released: the labelled people by ``image`` and head box, who then are labelled in place of the
            first ``share`` per cent; the seed still chooses those set aside. A released list, or those
            whom :func:`gcdr.data.chosen.people_to_label` names.
        unlabelled: share of the training images or people that is used without labels in per cent, as
            Table S2 counts them (10 + 90 is everybody); None for all that are not labelled.
        out_of_frame: ``"reference"`` leaves out unlabelled people whose hidden label says that they look
            out of the frame, as the released code does: the one place that reads a hidden label. It is said.
        part: of the images, or people, that would be labelled, the first so many per cent are, and the others
            are hidden; None for all. Parts are nested, and so are those of them for validation.

    Returns:
        one row a training person who is used, by ``sample_id``: ``role`` (labelled, validation,
        unlabelled) and the labels, which are null for the unlabelled.

    Raises:
        InputError: no labelled person remains, people of ``released`` are not in the manifest, nobody
            has the sequence or group that ``by`` asks for, or nobody is for validation where ``validation``
            asks for the data's own.
    """
    own = [OWN_VALIDATION] if validation is None else []
    train = annotated[annotated["split"].isin(["train", "labelled", "unlabelled", *own])]
    pooled = (train["split"] == "unlabelled").to_numpy()
    given = (train["split"] == OWN_VALIDATION).to_numpy()
    drawn = ~pooled & ~given
    unit = _units(train, by, drawn)
    units = np.unique(unit[drawn])
    order = numpy_rng(seed, "label split").permutation(len(units))
    place = np.full(len(train), len(units))  # behind everybody
    place[drawn] = np.argsort(order)[np.searchsorted(units, unit[drawn])]
    if released is not None:
        shown = _find_released(train, released) & ~given
    elif share is None:
        shown = has_label(train) & drawn
    else:
        shown = place < round(len(units) * share / 100)
    rank = np.searchsorted(np.unique(place[shown]), place)
    if part is not None:
        shown &= rank < round(len(np.unique(place[shown])) * part / 100)
    every = round(1 / validation) if validation else 0
    held_out = (rank % every == every - 1) if every else np.zeros(len(train), bool)
    aside = given & has_label(train)
    shown, held_out = shown | aside, held_out | aside
    if own and not aside.any():
        raise InputError(
            f"split.validation: null, but nobody of the split {OWN_VALIDATION} has a label; expected some, "
            "or a part of the labelled people, 0 to 0.5"
        )
    role = np.where(~shown, UNLABELLED, np.where(held_out, VALIDATION, LABELLED))
    label_columns = [*LABELS, *([LABEL_SOURCE] if LABEL_SOURCE in train else [])]
    labels = train[["sample_id", *label_columns]].reset_index(drop=True)
    labels.insert(1, "role", role)
    labels.loc[role == UNLABELLED, label_columns] = None
    # A list names people all over the order: the end of it is counted among those it leaves out.
    hidden = np.unique(place[~shown & drawn])
    rest = len(units) if unlabelled is None else round(len(units) * unlabelled / 100)
    pool = pooled | np.isin(place, hidden[max(0, len(hidden) - rest) :])
    used = shown | (pool & (train["split"] != "labelled").to_numpy())
    if out_of_frame == "reference":
        outside = used & ~shown & train["in_frame"].eq(False).fillna(False).to_numpy(bool)
        used &= ~outside
        print(
            f"split.out_of_frame reference: {outside.sum()} unlabelled people are left out BY THEIR HIDDEN "
            "LABEL, which says that they look out of the frame. Results are not of the label rule."
        )
    labels = labels[used].reset_index(drop=True)
    usable = (labels["role"] == LABELLED) & labels["gaze_x"].notna() & labels["gaze_y"].notna()
    if not usable.any():
        raise InputError(_nobody(share, len(units), by, int(has_label(train).sum())))
    return labels


def _units(train: pd.DataFrame, by: str, own: np.ndarray) -> np.ndarray:
    """(N,) what of each training person goes to one side as a whole.

    Args:
        train: the training people.
        by: as for :func:`split_labels`.
        own: (N,) bool, those among whom labelled ones are chosen.
    """
    if by in ("image", "person"):
        return train["image" if by == "image" else "sample_id"].to_numpy()
    if by not in train or train.loc[own, by].isna().all():
        raise InputError(
            f"split.by: found {by!r}, but no training person has a {by}; expected image or person, or "
            f"data with a column {by} (docs/data-formats.md)"
        )
    unit = "image " + train["image"].astype(str)
    for name in ("sequence", "group") if by == "group" else ("sequence",):
        if name in train:  # whoever has none goes with the others of their image, or sequence
            outer = train[name].astype(object).groupby(unit).transform("first")
            unit = (f"{name} " + outer).where(outer.notna(), unit)
    return unit.to_numpy(str)


def _nobody(share: float | None, units: int, by: str, labelled: int) -> str:
    """What to say where no labelled person is left."""
    if share is None:
        return (
            f"label share null: {labelled} training people have a label, of whom none with a gaze point "
            "in the frame is left beside those for validation; expected some with gaze_x and gaze_y"
        )
    what = {"person": "people"}.get(by, f"{by}s")
    return (
        f"label share {share:g} % of {units} training {what} leaves no labelled person with "
        f"a gaze point in the frame; expected a larger share or more {what}"
    )


def _find_released(train: pd.DataFrame, released: pd.DataFrame) -> np.ndarray:
    """(N,) bool: the training people that a released split names, found by image and head box."""
    keys = [
        pd.MultiIndex.from_frame(table[["image", *BOX]].round({name: 3 for name in BOX}))
        for table in (train, released)
    ]
    strange = np.flatnonzero(~keys[1].isin(keys[0]))
    if len(strange) > STRANGE * len(released):
        image, *box = keys[1][strange[0]]
        raise InputError(
            f"released split: {len(strange)} of its {len(released)} people are not among the training "
            f"people, first {image!r} with head box {tuple(map(float, box))}; expected people of this "
            "data set"
        )
    return keys[0].isin(keys[1])


def targets(
    labels: pd.DataFrame, role: str, outside: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """People of a role that look into the frame, and where.

    Args:
        labels: from :func:`split_labels`.
        role: ``LABELLED`` or ``VALIDATION``.
        outside: those known to look out of the frame as well, their gaze being NaN.

    Returns:
        sample_id (N,) int64 ascending and gaze (N, 2) float32 in 0..1.
    """
    known = labels["in_frame"].fillna(True).astype(bool) & labels["gaze_x"].notna()
    if outside:
        known |= labels["in_frame"].eq(False).fillna(False).astype(bool)
    rows = labels[(labels["role"] == role) & known]
    return rows["sample_id"].to_numpy(), rows[["gaze_x", "gaze_y"]].to_numpy(np.float32)
