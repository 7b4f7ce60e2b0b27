"""The narrow interface between gaze priors and question-answering models, and OFA behind it."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
import torch
from torch import Tensor

from gcdr.base.errors import InputError
from gcdr.base.files import read_json, write_sealed
from gcdr.base.plain import JsonTable
from gcdr.models.folding import fused
from gcdr.priors.vqa.gradcam import gradcam
from gcdr.priors.vqa.nouns import WordFinder
from gcdr.priors.vqa.ofa.checkpoint import load_ofa, save_weights
from gcdr.priors.vqa.ofa.config import OFAConfig
from gcdr.priors.vqa.ofa.model import OFA, PAD
from gcdr.priors.vqa.ofa.search import Search, beam_search
from gcdr.priors.vqa.ofa.tokenizer import TOKENIZER_FILES, Tokenizer
from gcdr.priors.vqa.question import normalise

Precision = Literal["fp32", "bf16"]


@dataclass(frozen=True)
class Explanation:
    """What a model answered, and where it looked for that.

    Attributes:
        answer: text, without outer blanks.
        noun: the word of interest in it; None where it has none.
        token_index: the explained token: that of the noun, else the answer's last.
        heatmap: (L, G, G) float32 >= 0, raw maps of L layers on the model's grid.
    """

    answer: str
    noun: str | None
    token_index: int
    heatmap: np.ndarray


class VQAModel(Protocol):
    """A model that answers questions on images and explains its answers."""

    @property
    def image_size(self) -> int:
        """Side of the square input image in pixels."""

    @property
    def grid(self) -> int:
        """Rows and columns of its maps."""

    @property
    def depth(self) -> int:
        """Number of layers that it can be explained by."""

    def check_questions(self, questions: Sequence[str]) -> None:
        """Raise InputError where a question has more tokens than the model reads."""

    def explain(
        self, images: Tensor, questions: Sequence[str], layers: Sequence[int]
    ) -> list[Explanation]:
        """Answer and explain one question on each image.

        Args:
            images: (B, 3, image_size, image_size) float32 in [-1, 1], see
                :func:`gcdr.priors.vqa.question.image_array`.
            questions: B texts.
            layers: L layers to explain by, counted from 1.
        """


def check_length(question: str, tokens: int, longest: int) -> None:
    """Raise InputError where a question has more tokens than a model reads."""
    if tokens > longest:
        raise InputError(
            f"prior.questions: found {tokens} tokens in {question!r}, "
            f"expected at most {longest} with this VQA model"
        )


class OFAForVQA:
    """OFA with its tokenizer; explains by Grad-CAM on decoder cross-attention.

    Args:
        model: float32; put into evaluation mode, gradients off.
        tokenizer: of the same vocabulary.
        search: how answers are found.
        finder: finds the word of interest in an answer.
        precision: in which images, questions and answers are read; ``"bf16"`` keeps a second copy
            of the weights. Grad-CAM is computed in float32 in either case.

    Raises:
        InputError: model and tokenizer differ in vocabulary.
    """

    def __init__(
        self,
        model: OFA,
        tokenizer: Tokenizer,
        search: Search | None = None,
        finder: WordFinder | None = None,
        precision: Precision = "fp32",
    ) -> None:
        if len(tokenizer) != model.config.vocabulary:
            raise InputError(
                f"OFA: found a tokenizer of {len(tokenizer)} tokens, "
                f"expected {model.config.vocabulary} as in the model"
            )
        self.model = model.eval().requires_grad_(False)
        self.tokenizer = tokenizer
        self.search, self.finder = search or Search(), finder or WordFinder()
        reader = fused(self.model)
        self._reader = reader if precision == "fp32" else copy.deepcopy(reader).bfloat16()

    @property
    def image_size(self) -> int:
        """Side of the square input image in pixels."""
        return self.model.config.image_size

    @property
    def grid(self) -> int:
        """Rows and columns of its maps."""
        return self.model.config.grid

    @property
    def depth(self) -> int:
        """Number of decoder layers."""
        return self.model.config.decoder_layers

    @classmethod
    def load(
        cls,
        folder: str | Path,
        device: torch.device | str = "cpu",
        search: Search | None = None,
        finder: WordFinder | None = None,
        precision: Precision = "fp32",
    ) -> "OFAForVQA":
        """Read a folder that :meth:`save` wrote.

        Raises:
            InputError: a file is absent, unreadable or does not fit the others.
        """
        folder = Path(folder)
        config = folder / "config.json"
        sizes = OFAConfig.from_json(read_json(config), str(config))
        model = load_ofa(sizes, folder / "model.safetensors")
        return cls(model.to(device), Tokenizer.load(folder), search, finder, precision)

    def save(self, folder: str | Path, card: JsonTable) -> None:
        """Write weights, ``config.json``, ``vocab.json``, ``merges.txt`` and ``card.json``.

        Args:
            card: what people should know of the model: data, settings, results.
        """
        folder = Path(folder)
        write_sealed(folder / "config.json", self.model.config.to_json())
        self.tokenizer.save(folder)
        save_weights(self.model, folder / "model.safetensors", card, TOKENIZER_FILES)

    @torch.no_grad()
    def explain(
        self, images: Tensor, questions: Sequence[str], layers: Sequence[int]
    ) -> list[Explanation]:
        """See :meth:`VQAModel.explain`; images and questions are encoded once.

        Raises:
            InputError: no answer has a finite score.
        """
        weight = self._reader.encoder.embed_tokens.weight
        images = images.to(weight.device, weight.dtype)
        encoded = self._reader.encode(images, self.questions(questions).to(weight.device))
        memory = self._reader.decoder.remember(encoded)
        searched = beam_search(self._reader, memory, self.search)
        if not all(searched):
            raise InputError(
                "the VQA model's scores: found NaN for every answer, expected finite numbers; its "
                "weights are damaged, fetch or make them again"
            )
        answers = [found[0].tokens for found in searched]
        decoded = [self.tokenizer.decode(answer) for answer in answers]
        found = [self.finder(answer.text, answer.spans) for answer in decoded]
        steps = [step for _, step in found]
        maps = gradcam(self.model, memory, encoded.grid, answers, steps, layers).cpu().numpy()
        return [
            Explanation(answer.text, noun, step, heatmap)
            for answer, (noun, step), heatmap in zip(decoded, found, maps, strict=True)
        ]

    def check_questions(self, questions: Sequence[str]) -> None:
        """See :meth:`VQAModel.check_questions`."""
        self.questions(questions)

    def questions(self, questions: Sequence[str]) -> Tensor:
        """Token ids (B, T) int64 of questions, padded on the right.

        Raises:
            InputError: one has more tokens than the model has positions.
        """
        rows = [self.tokenizer.encode_question(normalise(question)) for question in questions]
        for question, row in zip(questions, rows, strict=True):
            check_length(question, len(row), self.model.config.max_positions)
        tokens = torch.full((len(rows), max(map(len, rows))), PAD)
        for row, ids in zip(tokens, rows, strict=True):
            row[: len(ids)] = torch.tensor(ids)
        return tokens
