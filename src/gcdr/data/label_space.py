"""Names of a vocabulary in the space of a text tower: embedded once, kept, and looked up by similarity."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from gcdr.base.errors import InputError
from gcdr.base.files import read_json
from gcdr.base.tensors import read_tensors, write_tensors

FILE, CARD = "embeddings.safetensors", "card.json"
TEMPERATURE = 0.07
"""What similarities are divided by before they become shares, CLIP's first one."""


@dataclass(frozen=True)
class LabelSpace:
    """A vocabulary and where its names lie.

    Attributes:
        names: V texts.
        embeddings: (V, D) float32 of unit length.
        tower: what embedded them, for people.
    """

    names: tuple[str, ...]
    embeddings: np.ndarray
    tower: str

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
        similarity = self.similarity(embeddings) / TEMPERATURE
        weight = np.exp(similarity - similarity.max(1, keepdims=True))
        best = similarity.argmax(1)
        return best, weight[np.arange(len(best)), best] / weight.sum(1)


def write_label_space(folder: Path, space: LabelSpace) -> None:
    """Write a space: its embeddings, and a card with the names in their order."""
    tensors = {"embeddings": torch.from_numpy(np.ascontiguousarray(space.embeddings, np.float32))}
    write_tensors(folder / FILE, tensors, {"names": list(space.names), "tower": space.tower}, CARD)


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
    return LabelSpace(tuple(names), found.numpy(), str(card.get("tower")))
