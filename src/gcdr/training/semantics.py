"""What a semantic gaze model learns beside its maps: directions and names, each where it is known."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from gcdr.base.errors import InputError
from gcdr.base.plain import JsonTable
from gcdr.data.label_space import read_label_space
from gcdr.data.lookup import places_or
from gcdr.data.shown import read_shown, shown_names
from gcdr.data.split import LABELLED, UNLABELLED
from gcdr.data.vocabulary import MISSING
from gcdr.models.interface import GazeOutput
from gcdr.models.learned_names import space_card
from gcdr.models.semgaze_loss import WEIGHTS, direction_loss, gaze_vectors, label_loss
from gcdr.priors.named_people import read_names
from gcdr.training.batches import Batch


@dataclass(frozen=True)
class Names:
    """Names of people in training.

    Attributes:
        sample_id: (N,) int64, ascending.
        place: (N,) int64, which row of ``embeddings`` each person's name is.
        embeddings: (V, D) float32.
        about: the space that these lie in, for the model's card.
    """

    sample_id: np.ndarray
    place: np.ndarray
    embeddings: Tensor
    about: JsonTable = field(default_factory=dict)

    def of(self, sample_id: np.ndarray) -> np.ndarray:
        """Places (n,) int64 of people's names; ``MISSING`` of who has none."""
        return np.append(self.place, MISSING)[places_or(self.sample_id, sample_id, -1)]


def names_of_people(
    labels: Path, space: Path, named: Path | None, people: str, least: float, width: int
) -> Names:
    """Names of labelled people who look into the frame, as the split shows them, and of others by answers.

    Args:
        labels: the label split.
        space: the vocabulary.
        named: table of :func:`gcdr.priors.named_people.name_people`; None: nobody else has a name.
        people: digest of the people.
        least: least confidence of a name from there.
        width: numbers in a label embedding of the model.

    Raises:
        InputError: the vocabulary lies in another space than the model's, no labelled person has a name of
            it, or nobody else one of enough confidence, though names of them are asked for.
    """
    vocabulary = read_label_space(space)
    if (found := vocabulary.embeddings.shape[1]) != width:
        raise InputError(
            f"{space}: found embeddings of {found} numbers ({vocabulary.tower}), expected the {width} of the "
            "model (semantics.tower)"
        )
    everybody = read_shown(labels, people)
    shown = everybody[everybody["role"] == LABELLED]
    places = shown_names(shown, vocabulary.names)
    known = places != MISSING
    if not known.any():
        raise InputError(
            f"{labels}: no labelled person has a name of the vocabulary, expected some "
            f"({', '.join(vocabulary.names[:5])}, ...)"
        )
    of = dict(zip(shown["sample_id"].to_numpy()[known], places[known], strict=True))
    if named is not None:
        labelled = set(shown["sample_id"])
        table = read_names(named, people, vocabulary.names, least)
        pairs = zip(table["sample_id"], table["place"], strict=True)
        of |= {person: place for person, place in pairs if person not in labelled}
        others = everybody.loc[everybody["role"] == UNLABELLED, "sample_id"]
        count = int(others.isin(of).sum())
        print(
            f"names: {count:,} of {len(others):,} unlabelled people have one of confidence {least} or more"
        )
        if len(others) and not count:
            raise InputError(
                f"{named}: none of {len(others):,} unlabelled people has a name of confidence {least} or "
                "more; expected some: take a lower least (semantics), or names: given"
            )
    ids = np.array(sorted(of), np.int64)
    found = np.array([of[person] for person in ids], np.int64)
    about = space_card(vocabulary)
    return Names(ids, found, torch.from_numpy(vocabulary.embeddings), about)


def semantic_terms(
    model: torch.nn.Module,
    output: GazeOutput,
    batch: Batch,
    names: Names,
    missing: Literal["none", "reference"],
) -> Tensor:
    """The terms of directions and names, weighted; that of maps is the model's objective.

    Directions are those of labelled people, names those of everybody who has one. With ``reference`` a
    labelled person without a name is trained towards a class that lies at zero, as in the released code.

    Args:
        model: with its ``logit_scale``.
        output: of the whole batch.
        batch: with ``gaze`` and ``place``.
        names: whose embeddings the places are of.
        missing: what a missing name is.
    """
    assert batch.gaze is not None and batch.place is not None
    assert output.gaze_vector is not None and output.label_embedding is not None
    vector, predicted = output.gaze_vector, output.label_embedding
    box = batch.share.whole(batch.inputs.head_box)
    pointed, named = ~batch.gaze.isnan().any(1), batch.place != MISSING
    towards = gaze_vectors(batch.gaze[pointed], box[pointed])
    embeddings = names.embeddings.to(predicted.device)
    target = torch.where(named[:, None], embeddings[batch.place.clamp(min=0)], 0.0)
    counted = named | pointed if missing == "reference" else named
    direction = direction_loss(vector[pointed], towards)
    label = label_loss(predicted[counted], target[counted], model.logit_scale)
    return WEIGHTS["vector"] * direction + WEIGHTS["label"] * label
