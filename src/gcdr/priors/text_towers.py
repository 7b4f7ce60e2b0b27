"""Text towers: names to embeddings of unit length, by which they are compared with what models see."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

from gcdr.base.errors import InputError
from gcdr.base.tensors import read_tensors
from gcdr.base.transformers_models import load_transformers
from gcdr.data.label_space import TEMPERATURE, LabelSpace, closest_names, write_label_space
from gcdr.data.vocabulary import read_vocabulary
from gcdr.priors.tower_files import text_kind
from gcdr.priors.vqa.ofa.tokenizer import Tokenizer
from gcdr.world.style import NOUNS

TextTower = Callable[[Sequence[str]], np.ndarray]
"""Names to (V, D) float32 of unit length."""

CLIP_FILES = ("config.json", "model.safetensors", "tokenizer files")
DEMO = "word embeddings of the demo world's VQA model, in place of CLIP's text tower"
OTHERS = ("person", "wall", "floor")  # that people of the demo world look at, beside things
CLIP_TEMPERATURE = 0.01
"""That of every released CLIP: its learned scale of similarities ended at its bound, 100. Bare names lie so
near to each other there that at 0.07 even a name itself would have a small share of a long vocabulary."""

PROBE, NUMBERS = "person", 8
"""Of what a tower makes of a word the first numbers, which are the space's fingerprint."""

ONE_PLACE, NEAR = 1 - 1e-6, 0.95
"""Cosines above which two names cannot be told apart, and above which that is nearly so."""

BATCH = 256
BLANK = "\u0120"  # in GPT-2's spelling
WORD = f"{BLANK}[a-z]{{2,}}"  # a piece that begins with a blank


def text_tower(folder: Path) -> tuple[TextTower, str]:
    """The tower of a folder, and what it is called.

    Args:
        folder: CLIP's in transformers' layout, as safetensors with its tokenizer; or the demo world's VQA
            model, whose words lie where its question encoder has learned them.

    Raises:
        InputError: it holds neither, or not whole.
    """
    if text_kind(folder) == "clip":
        return _clip(folder), f"CLIP's text tower of {folder.name}"
    return _words(folder), DEMO


def embed(names: Sequence[str], folder: Path) -> LabelSpace:
    """A vocabulary as the tower of a folder embeds it: bare names, no sentence around them.

    Raises:
        InputError: as :func:`text_tower`; the tower does not tell two of the names apart; or it is the demo
            world's and has learned none of them.
    """
    tower, title = text_tower(folder)
    temperature = TEMPERATURE if title == DEMO else CLIP_TEMPERATURE
    mark = tuple(round(float(one), 6) for one in tower([PROBE])[0, :NUMBERS])
    space = LabelSpace(tuple(names), tower(names), title, temperature, mark)
    near = closest_names(space, NEAR)
    if near and near.cosine > ONE_PLACE:
        raise InputError(
            f"vocabulary: found {near.one!r} and {near.other!r}, which lie at one place in {title}; expected "
            "names that the text tower tells apart"
        )
    notes = []
    if title == DEMO and (foreign := unlearned_names(names, folder)):
        said = ", ".join(map(repr, foreign[:5])) + (", ..." if len(foreign) > 5 else "")
        if len(foreign) == len(names):
            raise InputError(
                f"vocabulary: found {said}, none of which the {title} have learned, so that which of them is "
                f"said would be chance; expected some of {', '.join(NOUNS)}, or CLIP's text tower (--tower, "
                "semantics.tower)"
            )
        notes.append(
            f"warning: {len(foreign)} of {len(names)} names ({said}) were never learned by the {title}: "
            "where one is said, or not, is chance"
        )
    if near:
        notes.append(
            f"warning: names {near.one!r} and {near.other!r} lie close to each other (cosine "
            f"{near.cosine:.2f}; pairs above {NEAR}: {near.pairs:,}) in the space of {title}: which of the "
            "two is said is nearly chance"
        )
    return replace(space, notes=tuple(notes))


def unlearned_names(names: Sequence[str], folder: Path) -> list[str]:
    """Names that the demo world's VQA model spells in pieces, and so has never learned as words."""
    tokenizer = Tokenizer.load(folder)
    words = {at for piece, at in tokenizer.vocabulary.items() if re.fullmatch(WORD, piece)}
    words |= {at for piece, at in tokenizer.vocabulary.items() if piece == BLANK}
    return [name for name in names if not words.issuperset(_tokens(tokenizer, name))]


def embed_vocabulary(tower: Path, vocabulary: Path | None, out: Path) -> None:
    """Embed a vocabulary and write it.

    Args:
        tower: folder of the text tower.
        vocabulary: file of the names; None: those that the demo world's people look at.
        out: file of the embeddings; the card lies beside it.

    Raises:
        InputError: the file or the folder is none.
    """
    names = sorted((*NOUNS, *OTHERS)) if vocabulary is None else read_vocabulary(vocabulary)
    space = embed(names, tower)
    write_label_space(out.parent, space)
    print(f"{len(space.names)} names, {space.embeddings.shape[1]} numbers each: {space.tower}")
    print("".join(f"{note}\n" for note in space.notes), end="")


def _clip(folder: Path) -> TextTower:
    names = ("CLIPTextModelWithProjection", "CLIPTokenizer")
    model, tokenizer = load_transformers(
        folder, "text tower of CLIP", *names, CLIP_FILES, part=True
    )
    longest = model.config.max_position_embeddings

    @torch.inference_mode()
    def embedded(names: Sequence[str]) -> np.ndarray:
        parts = []
        for start in range(0, len(names), BATCH):
            tokens = tokenizer(
                list(names[start : start + BATCH]),
                padding=True,
                truncation=True,
                max_length=longest,
                return_tensors="pt",
            )
            parts.append(F.normalize(model(**tokens).text_embeds.float(), dim=-1))
        return torch.cat(parts).numpy()

    return embedded


def _words(folder: Path) -> TextTower:
    """The mean of a name's tokens, less that of the words that were learned: what all share says nothing."""
    tokenizer = Tokenizer.load(folder)
    table = read_tensors(folder / "model.safetensors")["encoder.embed_tokens.weight"].float()
    words = [place for piece, place in tokenizer.vocabulary.items() if re.fullmatch(WORD, piece)]
    common = table[words].mean(0)

    def embedded(names: Sequence[str]) -> np.ndarray:
        rows = [table[torch.tensor(_tokens(tokenizer, name))].mean(0) for name in names]
        return F.normalize(torch.stack(rows) - common, dim=-1).numpy()

    return embedded


def _tokens(tokenizer: Tokenizer, name: str) -> list[int]:
    """The tokens of a name behind a blank, as it stands in an answer."""
    return list(tokenizer.encode_answer(f" {name}")[:-1])
