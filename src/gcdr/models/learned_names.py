"""Whether a gaze model has learned names, and in which text tower's space, by its card."""

from pathlib import Path

from gcdr.base.errors import InputError
from gcdr.base.plain import JsonTable
from gcdr.data.label_space import LabelSpace, is_same_space
from gcdr.models.build import read_card
from gcdr.models.kinds import GAZE_MODELS
from gcdr.models.sizes import CARD_FILE


def space_card(space: LabelSpace) -> JsonTable:
    """What the card of a model that learned names holds of the space that they lie in, under ``names``."""
    return {"tower": space.tower, "fingerprint": list(space.fingerprint)}


def check_learned_names(model: Path, space: LabelSpace) -> None:
    """Check that a model can be asked for names of a vocabulary.

    A released checkpoint, or a card from before spaces were noted in it, is not held to a space.

    Args:
        model: folder, or file of a released checkpoint.
        space: the vocabulary, as the asked tower embeds it.

    Raises:
        InputError: it is of a kind that says no names, was trained without any, or in another space.
    """
    if not (model / CARD_FILE).is_file():
        return
    card = read_card(model)
    kind = GAZE_MODELS.get(card.get("model"))
    if kind is not None and not kind.names:
        raise InputError(
            f"{model}: a {card['model']} says where people look and not what is there; expected a semgaze, "
            "or no vocabulary"
        )
    settings = card.get("settings")
    if settings is not None and settings.get("semantics") is None:
        raise InputError(
            f"{model}: was trained without names, so that what it says of them is chance; expected a model "
            "whose entry of gaze.models has names (given, answers or detected), or no vocabulary"
        )
    learned = card.get("names") or {}
    if not is_same_space(learned.get("fingerprint", ()), space.fingerprint):
        raise InputError(
            f"{model}: learned names in the space of another text tower ({learned['tower']}); found "
            f"{space.tower}, expected that one"
        )
