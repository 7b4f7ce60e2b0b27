"""Predictions on own pictures as ``gcdr predict`` and ``gcdr.predict`` make them."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from gcdr import __version__
from gcdr.base.csvtext import write_csv
from gcdr.base.errors import InputError
from gcdr.base.files import write_json
from gcdr.data.label_space import LabelSpace
from gcdr.data.manifest import BOX
from gcdr.data.vocabulary import read_vocabulary
from gcdr.detection.heads import load_finder
from gcdr.detection.panorama import Finder
from gcdr.models.finding import find_model
from gcdr.models.learned_names import check_learned_names
from gcdr.prediction.drawn import HALF, draw_people, write_drawing
from gcdr.prediction.predicting import PredictionNotes, predict_people
from gcdr.prediction.sources import OwnPictures, TabledHeads, find_pictures, heads_of_table
from gcdr.predictor.predictor import Predictor, load
from gcdr.priors.text_towers import embed
from gcdr.priors.tower_files import tower_faults

FORMAT = 1
TOWER = Path("weights/clip-vit-base-patch16")
AboutNames = dict[str, Any]
"""What results say of the names in them, see :func:`about_names`."""


@dataclass(frozen=True)
class PredictionRequest:
    """What is to be predicted, and how.

    Attributes:
        sources: files and folders of pictures.
        model: a path, or a name, see :func:`gcdr.models.finding.find_model`.
        heads: a CSV of head boxes; None finds them.
        finder: what finds them, see :func:`gcdr.detection.heads.load_finder`.
        score: least score of a head that is found.
        backbone: weights of a frozen backbone, where the model's place does not tell.
        device: "auto", "cpu" or "cuda".
        downloads: folder of released weights, which are fetched into it where they are not there.
        vocabulary: file of names, by which a model that says so names what is looked at; None for no names.
        tower: folder of the text tower that the model learned from, see :mod:`gcdr.priors.text_towers`; None:
            CLIP's where it is downloaded to. It is for a vocabulary, and refused without one.
        depth: folder of the pictures' depth (:mod:`gcdr.data.depth_maps`), for a model that sees it.
    """

    sources: Sequence[str | Path]
    model: str | Path
    heads: Path | None = None
    finder: Path = Path("centerface")
    score: float = 0.5
    backbone: Path | None = None
    device: str = "auto"
    downloads: Path = Path("weights")
    vocabulary: Path | None = None
    tower: Path | None = None
    depth: Path | None = None


@dataclass
class Predicted:
    """What was predicted.

    Attributes:
        people: see :func:`gcdr.prediction.predicting.predict_people`.
        pictures: the pictures.
        notes: what has to be said of them.
        seconds: of loading the models, and of all the rest.
        model, finder: where they are from; the finder is empty where boxes were given.
        named: of :func:`about_names`.
    """

    people: pd.DataFrame
    pictures: OwnPictures
    notes: PredictionNotes
    model: str
    finder: str
    seconds: dict[str, float] = field(default_factory=dict)
    named: AboutNames = field(default_factory=dict)

    def lines(self) -> list[str]:
        """Which pictures are left out and why, and a summary."""
        count = self.people["image"].nunique()
        heads = f"found by {self.finder}" if self.finder else "given"
        out = (self.people["in_frame_probability"] < HALF).sum()
        looking = f", {out:,} of them looking out of the frame" if out else ""
        return [
            *self.pictures.notes,
            *self.notes.lines,
            *(f"no head: {name}" for name in self.notes.without),
            *names_lines(self.named),
            f"{len(self.people):,} people (heads {heads}) in {count:,} of {len(self.pictures.names):,} "
            f"pictures{looking}; models read in {self.seconds['loading']:.1f} s, the rest "
            f"{self.seconds['predicting']:.1f} s",
        ]


def predict_pictures(
    wanted: PredictionRequest,
    drawings: Path | None = None,
    *,
    heat: bool = False,
    blur: bool = False,
) -> Predicted:
    """Predict, and draw.

    Args:
        wanted: what is to be predicted.
        drawings: folder in which every picture with a head is drawn; None draws none.
        heat, blur: see :func:`gcdr.prediction.drawn.draw_people`.

    Raises:
        InputError: pictures, heads or a model are not there or of another kind, as the functions that look
            for them say, or no head is known in any picture.
    """
    pictures = find_pictures(wanted.sources)
    if wanted.depth is not None and not wanted.depth.is_dir():
        raise InputError(f"--depth: no folder {wanted.depth}")
    begun = time.monotonic()
    model = requested_model(wanted)
    heads: TabledHeads | Finder = (
        load_finder(wanted.finder, wanted.score, model.device)
        if wanted.heads is None
        else heads_of_table(wanted.heads, pictures)
    )
    names = asked_names(wanted)
    loaded = time.monotonic()
    told = PredictionNotes(list(heads.notes) if isinstance(heads, TabledHeads) else [])

    def show(name: str, image: Any, rows: pd.DataFrame, prediction: Any) -> None:
        if drawings is not None:
            out = rows["in_frame_probability"] < HALF
            tags = [] if names is None else rows["label"].mask(out, "out").tolist()
            drawn = draw_people(image, rows, prediction, heat=heat, blur=blur, tags=tags)
            write_drawing(drawn, drawings, name)

    people = predict_people(pictures, heads, model, told, show, names, wanted.depth)
    seconds = {"loading": loaded - begun, "predicting": time.monotonic() - loaded}
    finder = "" if wanted.heads else str(wanted.finder)
    named = about_names(wanted, names)
    predicted = Predicted(people, pictures, told, str(wanted.model), finder, seconds, named)
    if people.empty and told.blind:
        raise InputError(
            "\n".join(
                [
                    f"{wanted.depth}: none of the {len(told.blind)} pictures with a head has a readable "
                    "depth map",
                    *(f"  {line}" for line in told.lines[:20]),
                ]
            )
        )
    if people.empty:
        reason = (
            f"{wanted.finder} found none with a score of {wanted.score} or more"
            if finder
            else f"{wanted.heads} has none that lies in its picture"
        )
        raise InputError(
            "\n".join(
                [
                    f"{pictures.root}: no head in {len(pictures.names)} pictures ({reason}); expected at "
                    "least one: take a lower score, another detector, or a table of head boxes",
                    *(f"  {line}" for line in [*pictures.notes, *told.lines][:20]),
                ]
            )
        )
    return predicted


def asked_names(wanted: PredictionRequest) -> LabelSpace | None:
    """The vocabulary that is asked for, in its tower's space; None where no names are asked for.

    Raises:
        InputError: a tower without a vocabulary, one of the two is none, or the model cannot name by them.
    """
    if wanted.vocabulary is None:
        if wanted.tower is not None:
            raise InputError(
                f"--tower: found {wanted.tower} without --vocabulary; expected both, or neither: a tower "
                "embeds the names of a vocabulary"
            )
        return None
    tower = wanted.tower or TOWER
    if faults := list(tower_faults(tower)):
        raise InputError(
            f"--tower: {faults[0]}; --tower names the folder of the tower that the model learned from, else "
            f"it is CLIP's in {TOWER}"
        )
    names = embed(read_vocabulary(wanted.vocabulary), tower)
    check_learned_names(find_model(wanted.model, weights=wanted.downloads)[0], names)
    return names


def about_names(wanted: PredictionRequest, names: LabelSpace | None) -> AboutNames:
    """What results say of the names in them: ``vocabulary``, ``tower``, in whose space they lie, and
    ``name_notes``, what is doubtful about them; nothing where none were asked for."""
    if names is None:
        return {}
    return {
        "vocabulary": str(wanted.vocabulary),
        "tower": names.tower,
        "name_notes": list(names.notes),
    }


def names_lines(named: AboutNames) -> list[str]:
    """The same for people, a line each."""
    if not named:
        return []
    return [*named["name_notes"], f"names: of {named['vocabulary']}, by {named['tower']}"]


def requested_model(wanted: PredictionRequest) -> Predictor:
    """The gaze model that is asked for, fetched where it is a released one that is not there.

    Raises:
        InputError: as :func:`gcdr.models.finding.find_model` and :func:`gcdr.predictor.predictor.load`.
    """
    path, backbone = find_model(wanted.model, weights=wanted.downloads, fetch=True)
    return load(path, wanted.device, wanted.backbone or backbone)


def write_predictions(predicted: Predicted, out: Path) -> None:
    """``predictions.csv`` in the columns of own images' tables, and ``predictions.json`` with all there is.

    Left out of whom the model says that they look out of the frame are in the CSV their point, and in both
    what they look at.

    Args:
        predicted: the predictions.
        out: the folder.
    """
    write_csv(as_text(as_table(predicted.people, ["image"])), out / "predictions.csv")
    write_json(out / "predictions.json", _as_json(predicted))


def as_table(people: pd.DataFrame, first: list[str]) -> pd.DataFrame:
    """What tables of predictions say of people.

    Args:
        people: see :func:`gcdr.prediction.predicting.predict_people`.
        first: columns that stand before the head boxes.

    Returns:
        ``label`` and ``label_confidence`` where what is looked at was named. ``in_frame`` is null where the
        model does not tell, the point and what is there where it says that somebody looks out of the frame.
    """
    told = people["in_frame_probability"].notna()
    inside = people["in_frame_probability"] >= HALF
    seen = inside | ~told
    table = people[[*first, *BOX]].assign(
        gaze_x=people["gaze_x"].where(seen).round(5),
        gaze_y=people["gaze_y"].where(seen).round(5),
        in_frame=inside.astype("boolean").where(told),
        label_source="predicted",
        in_frame_probability=people["in_frame_probability"].round(4),
        confidence=people["confidence"].round(4),
        head_score=people["head_score"].round(4),
    )
    if "label" in people:
        table["label"] = people["label"].where(seen, None)
        table["label_confidence"] = people["label_confidence"].where(seen).round(4)
    return table


def as_text(table: pd.DataFrame) -> pd.DataFrame:
    """A table of :func:`as_table` as it stands in a CSV."""
    return table.assign(in_frame=table["in_frame"].map({True: "true", False: "false"}))


def _as_json(predicted: Predicted) -> dict[str, Any]:
    of_image = dict(list(predicted.people.groupby("image", sort=False)))
    return {
        **about_predictions(predicted.model, predicted.finder),
        **predicted.named,
        "root": str(predicted.pictures.root),
        "without_heads": predicted.notes.without,
        "pictures": [
            {
                "image": name,
                "width": int(rows["width"].iloc[0]),
                "height": int(rows["height"].iloc[0]),
                "people": [person_as_json(row) for _, row in rows.iterrows()],
            }
            for name, rows in of_image.items()
        ],
    }


def about_predictions(model: str | Path, finder: str | Path) -> dict[str, Any]:
    """What a JSON of predictions says of how they were made; the finder is empty where heads were given."""
    return {
        "format": FORMAT,
        "gcdr": __version__,
        "model": str(model),
        "heads": str(finder) or "given",
    }


def person_as_json(row: pd.Series) -> dict[str, Any]:
    """What a JSON of predictions says of a person; null where something is not known."""

    def known(value: float) -> float | None:
        return None if pd.isna(value) else round(float(value), 5)

    named: dict[str, Any] = {}
    if "label" in row:
        out = row["in_frame_probability"] < HALF
        named["label"] = None if out else row["label"]
        named["label_confidence"] = None if out else known(row["label_confidence"])
    return {
        **named,
        "head_box": [round(float(value), 2) for value in row[BOX]],
        "head_score": known(row["head_score"]),
        "gaze": [known(row["gaze_x"]), known(row["gaze_y"])],
        "in_frame_probability": known(row["in_frame_probability"]),
        "confidence": known(row["confidence"]),
    }
