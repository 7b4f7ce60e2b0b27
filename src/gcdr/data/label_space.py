"""Names of a vocabulary in the space of a text tower: embedded once, kept, and looked up by similarity."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from gcdr.base.errors import InputError
from gcdr.base.files import read_json
from gcdr.base.tensors import read_tensors, write_tensors

BLOCK = 1024
CLOSE = 1e-3  # by how much numbers of one fingerprint may differ

FILE, CARD = "embeddings.safetensors", "card.json"
TEMPERATURE = 0.07
"""What similarities are divided by before they become shares, where a tower has none of its own."""


@dataclass(frozen=True)
class LabelSpace:
    """A vocabulary and where its names lie.

    Attributes:
        names: V texts.
        embeddings: (V, D) float32 of unit length.
        tower: what embedded them, for people.
        temperature: what similarities are divided by before they become shares; it belongs to the tower.
        fingerprint: numbers by which another tower's space is told from this one; none of earlier versions.
        notes: what is doubtful about the names, a line each; they are not written.
    """

    names: tuple[str, ...]
    embeddings: np.ndarray
    tower: str
    temperature: float = TEMPERATURE
    fingerprint: tuple[float, ...] = ()
    notes: tuple[str, ...] = ()

    def similarity(self, embeddings: np.ndarray) -> np.ndarray:
        """Cosines of embeddings (N, D) of unit length with all names: (N, V)."""
        if embeddings.shape[1] != self.embeddings.shape[1]:
            raise InputError(
                f"label embeddings: found {embeddings.shape[1]} numbers, the text tower ({self.tower}) "
                f"gives {self.embeddings.shape[1]}; expected the tower that the model learned from"
            )
        return embeddings @ self.embeddings.T

    def nearest(self, embeddings: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Place (N,) int64 of the most similar name, and its share (N,) among all by a softmax."""
        similarity = self.similarity(embeddings) / self.temperature
        weight = np.exp(similarity - similarity.max(1, keepdims=True))
        best = similarity.argmax(1)
        return best, weight[np.arange(len(best)), best] / weight.sum(1)


def write_label_space(folder: Path, space: LabelSpace) -> None:
    """Write a space: its embeddings, and a card with the names in their order."""
    tensors = {"embeddings": torch.from_numpy(np.ascontiguousarray(space.embeddings, np.float32))}
    about = {"names": list(space.names), "tower": space.tower, "temperature": space.temperature}
    about["fingerprint"] = list(space.fingerprint)
    write_tensors(folder / FILE, tensors, about, CARD)


def is_same_space(one: Sequence[float], other: Sequence[float]) -> bool:
    """Whether two fingerprints are of one space; what has none is taken as of any."""
    return not one or not other or (len(one) == len(other) and np.allclose(one, other, atol=CLOSE))


class Closest(NamedTuple):
    """The two names that lie nearest to each other, their cosine, and how many pairs are near."""

    one: str
    other: str
    cosine: float
    pairs: int


def closest_names(space: LabelSpace, near: float) -> Closest | None:
    """The closest names of a space where some are nearer to each other than a cosine; None where none are."""
    best, pairs = (near, 0, 0), 0
    for start in range(0, len(space.names), BLOCK):
        cosines = space.embeddings[start : start + BLOCK] @ space.embeddings.T
        rows, columns = cosines.shape
        cosines[np.tri(rows, columns, start, dtype=bool)] = -1  # each pair once
        pairs += int((cosines > near).sum())
        row, column = np.unravel_index(cosines.argmax(), cosines.shape)
        best = max(best, (float(cosines[row, column]), int(row) + start, int(column)))
    cosine, one, other = best
    return Closest(space.names[one], space.names[other], cosine, pairs) if pairs else None


def read_label_space(folder: str | Path) -> LabelSpace:
    """Read what :func:`write_label_space` wrote; also from the file of its embeddings.

    Raises:
        InputError: a file is absent or damaged, or they do not belong together.
    """
    folder = Path(folder)
    folder = folder.parent if folder.name == FILE else folder
    card, names = read_json(folder / CARD), None
    if isinstance(card, dict):
        names = card.get("names")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise InputError(f"{folder / CARD}: found no list of names, expected the vocabulary's")
    found = read_tensors(folder / FILE).get("embeddings")
    if found is None or found.dtype != torch.float32 or found.ndim != 2:
        raise InputError(f"{folder / FILE}: no embeddings (V, D) in single precision")
    if not len(names) == len(set(names)) == len(found) > 0:
        raise InputError(
            f"{folder}: found {len(set(names))} different names of {len(names)} and {len(found)} embeddings, "
            "expected as many"
        )
    if not torch.allclose(found.norm(dim=1), torch.ones(()), atol=1e-3):  # NaN is close to nothing
        raise InputError(f"{folder / FILE}: embeddings that are not of unit length")
    temperature, numbers = card.get("temperature", TEMPERATURE), card.get("fingerprint", [])
    return LabelSpace(
        tuple(names), found.numpy(), str(card.get("tower")), float(temperature), tuple(numbers)
    )
