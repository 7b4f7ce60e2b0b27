"""BLIP-VQA (Li et al., ICML 2022) behind the same interface; needs the package transformers.

BLIP reads the image in its *question* encoder: there lie the cross-attentions that Grad-CAM explains
an answer by, averaged over heads and question tokens. The answer's decoder sees the question alone.
"""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from torch import Tensor

from gcdr.base.download import check_digest
from gcdr.base.errors import InputError
from gcdr.priors.vqa.gradcam import check_layers
from gcdr.priors.vqa.nouns import WordFinder
from gcdr.priors.vqa.ofa.search import Search
from gcdr.priors.vqa.ofa_vqa import Explanation, Precision, check_length
from gcdr.priors.vqa.question import normalise

_MEAN, _STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)


class BlipForVQA:
    """BLIP with its tokenizer; explains by Grad-CAM on the question encoder's cross-attention.

    Args:
        model: a ``transformers.BlipForQuestionAnswering``; put into evaluation mode, gradients off.
        tokenizer: its tokenizer.
        search: how answers are found.
        finder: finds the word of interest in an answer.
        precision: float32 alone.

    Raises:
        InputError: another precision.
    """

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        search: Search | None = None,
        finder: WordFinder | None = None,
        precision: Precision = "fp32",
    ) -> None:
        if precision != "fp32":
            raise InputError(f"prior.precision: found {precision!r}, expected fp32 with BLIP")
        self.model = model.eval().requires_grad_(False)
        self.tokenizer = tokenizer
        self.search, self.finder = search or Search(), finder or WordFinder()

    @property
    def image_size(self) -> int:
        """Side of the square input image in pixels."""
        return self.model.config.vision_config.image_size

    @property
    def grid(self) -> int:
        """Rows and columns of its maps."""
        return self.image_size // self.model.config.vision_config.patch_size

    @property
    def depth(self) -> int:
        """Number of layers of the question encoder."""
        return self.model.config.text_config.num_hidden_layers

    @classmethod
    def load(
        cls,
        folder: str | Path,
        device: torch.device | str = "cpu",
        search: Search | None = None,
        finder: WordFinder | None = None,
        precision: Precision = "fp32",
    ) -> "BlipForVQA":
        """Read a folder in transformers' layout, weights from ``model.safetensors``.

        Raises:
            InputError: transformers is not installed, or the folder does not hold a whole model.
        """
        try:
            from transformers import AutoTokenizer, BlipForQuestionAnswering
        except ImportError as error:
            raise InputError(
                f"{folder}: a BLIP model, but the package transformers is not installed ({error}); "
                "expected it: pip install transformers"
            ) from error
        for file in sorted(Path(folder).glob("*")):
            check_digest(file)
        try:
            model, report = BlipForQuestionAnswering.from_pretrained(
                folder, local_files_only=True, use_safetensors=True, attn_implementation="eager",
                output_loading_info=True,
            )  # fmt: skip
            tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
            raise InputError(f"{folder}: not a whole BLIP model ({error})") from error
        # transformers gives a tensor that it does not find random values, and only warns.
        for kind in ("missing", "unexpected", "mismatched"):
            if names := sorted(str(name) for name in report.get(f"{kind}_keys", ())):
                raise InputError(
                    f"{folder}: not a whole BLIP model; {len(names)} tensors are {kind}, expected "
                    f"none; the first is {names[0]}"
                )
        return cls(model.to(device), tokenizer, search, finder, precision)

    def check_questions(self, questions: Sequence[str]) -> None:
        """See :meth:`gcdr.priors.vqa.ofa_vqa.VQAModel.check_questions`."""
        longest = self.model.config.text_config.max_position_embeddings
        for question in questions:
            check_length(question, len(self.tokenizer(normalise(question)).input_ids), longest)

    def explain(
        self, images: Tensor, questions: Sequence[str], layers: Sequence[int]
    ) -> list[Explanation]:
        """See :meth:`gcdr.priors.vqa.ofa_vqa.VQAModel.explain`; layers are those of the question encoder."""
        check_layers(layers, self.depth)
        explanations: list[Explanation | None] = [None] * len(questions)
        for question in dict.fromkeys(questions):  # transformers ignores padding here: none is made
            rows = [row for row, asked in enumerate(questions) if asked == question]
            for row, found in zip(rows, self._explain(images[rows], question, layers), strict=True):
                explanations[row] = found
        return [found for found in explanations if found is not None]

    def _explain(self, images: Tensor, question: str, layers: Sequence[int]) -> list[Explanation]:
        states, attentions = self._read(images, question)
        answers = self._answer(states.detach())
        found, steps = [], []
        for answer in answers:
            text, spans = self._decode(answer)
            noun, step = self.finder(text, spans)
            found.append((text, noun))
            steps.append(step)
        maps = self._gradcam(states, [attentions[layer - 1] for layer in layers], answers, steps)
        return [
            Explanation(text, noun, step, heatmap)
            for (text, noun), step, heatmap in zip(found, steps, maps.cpu().numpy(), strict=True)
        ]

    def _read(self, images: Tensor, question: str) -> tuple[Tensor, tuple[Tensor, ...]]:
        """The question encoder's states (B, Q, width) and attention (B, heads, Q, 1 + cells) a layer.

        The graph begins at the question's embeddings, so no weight needs a gradient.
        """
        device = self.model.device
        mean = torch.tensor(_MEAN, device=device)[:, None, None]
        std = torch.tensor(_STD, device=device)[:, None, None]
        tokens = self.tokenizer(normalise(question), return_tensors="pt").input_ids.to(device)
        with torch.no_grad():
            pixels = (images.to(device) * 0.5 + 0.5 - mean) / std
            seen = self.model.vision_model(pixel_values=pixels).last_hidden_state
            words = self.model.text_encoder.embeddings(tokens.expand(len(images), -1))
        with torch.enable_grad():
            read = self.model.text_encoder(
                encoder_embeds=words.requires_grad_(),
                encoder_hidden_states=seen,
                output_attentions=True,
                return_dict=True,
            )
        return read.last_hidden_state, read.cross_attentions

    @torch.no_grad()
    def _answer(self, states: Tensor) -> list[list[int]]:
        """Answers without the start token, with the end token."""
        text = self.model.config.text_config
        search = self.search
        start = torch.full((len(states), 1), text.bos_token_id, device=states.device)
        rows = self.model.text_decoder.generate(
            input_ids=start,
            encoder_hidden_states=states,
            encoder_attention_mask=torch.ones(states.shape[:2], device=states.device).long(),
            eos_token_id=text.sep_token_id,
            pad_token_id=text.pad_token_id,
            do_sample=False,
            num_beams=search.beam,
            length_penalty=search.length_penalty if search.normalise else 0.0,
            min_new_tokens=search.min_length,
            max_new_tokens=search.max_length + 1,
        )
        answers = []
        for row in rows[:, 1:].tolist():
            stop = row.index(text.sep_token_id) if text.sep_token_id in row else len(row)
            answers.append([*row[:stop], text.sep_token_id])
        return answers

    def _decode(self, answer: Sequence[int]) -> tuple[str, list[tuple[int, int]]]:
        """Text of an answer, and every token's characters in it."""
        texts = [
            self.tokenizer.decode(answer[:count], skip_special_tokens=True).lstrip()
            for count in range(len(answer) + 1)
        ]
        borders = [min(len(text), len(texts[-1])) for text in texts]
        return texts[-1], list(pairwise(borders))

    def _gradcam(
        self,
        states: Tensor,
        attentions: Sequence[Tensor],
        answers: Sequence[Sequence[int]],
        steps: Sequence[int],
    ) -> Tensor:
        """(B, L, grid, grid): relu(A dp/dA), averaged over heads and question tokens."""
        text = self.model.config.text_config
        previous = torch.full((len(answers), max(steps) + 1), text.pad_token_id)
        for row, (answer, step) in enumerate(zip(answers, steps, strict=True)):
            previous[row, : step + 1] = torch.tensor([text.bos_token_id, *answer[:step]])
        every, last = torch.arange(len(answers)), torch.tensor(steps)
        target = torch.tensor([answer[step] for answer, step in zip(answers, steps, strict=True)])
        with torch.enable_grad():
            logits = self.model.text_decoder(
                input_ids=previous.to(states.device), encoder_hidden_states=states
            ).logits
            chance = logits[every, last].log_softmax(-1)[every, target]
            gradients = torch.autograd.grad(chance.sum(), attentions)
        products = [(a * g).detach() for a, g in zip(attentions, gradients, strict=True)]
        maps = torch.stack(products, 1)[..., 1:].relu().mean((2, 3))  # without the class token
        return (maps * chance.detach().exp()[:, None, None]).unflatten(-1, (self.grid, self.grid))
