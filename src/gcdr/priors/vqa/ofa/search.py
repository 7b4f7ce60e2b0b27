"""Beam search over answers, batched and cached; it returns what fairseq's search returns."""

from dataclasses import dataclass

import torch
from torch import Tensor

from gcdr.base.errors import InputError
from gcdr.priors.vqa.ofa.model import BOS, EOS, OFA, PAD, DecoderState, Memory


@dataclass(frozen=True)
class Search:
    """Settings of the search; the defaults are those of the released models.

    Attributes:
        beam: hypotheses kept at a time; 1 is greedy search.
        max_length, min_length: answer tokens, the end token not counted.
        normalise: rank by log-probability a token, not by its sum.
        length_penalty: exponent of the length in that mean.
    """

    beam: int = 5
    max_length: int = 200
    min_length: int = 1
    normalise: bool = True
    length_penalty: float = 1.0

    def __post_init__(self) -> None:
        if self.beam < 1 or not 0 <= self.min_length <= self.max_length:
            raise InputError(
                f"search: found {self}, expected beam >= 1 and 0 <= min_length <= max_length"
            )


@dataclass(frozen=True)
class Hypothesis:
    """One answer: its tokens with the end token, without the start token, and its score."""

    tokens: tuple[int, ...]
    score: float


@torch.no_grad()
def beam_search(model: OFA, memory: Memory, search: Search) -> list[list[Hypothesis]]:
    """The best answers of every image and question, best first.

    Args:
        model: in evaluation mode.
        memory: ``model.decoder.remember(model.encode(...))`` of B images and questions.
        search: settings; the beam is cut to the vocabulary.

    Returns:
        For each of B up to ``beam`` hypotheses.
    """
    batch = memory.cross[0][0].shape[0]
    device = memory.position_keys.device
    beam = min(search.beam, model.config.vocabulary - 1)
    longest = min(search.max_length, model.config.max_positions - 1)
    offsets = torch.arange(batch, device=device)[:, None] * beam
    finished: list[list[Hypothesis]] = [[] for _ in range(batch)]
    state = DecoderState()
    tokens = torch.full((batch * beam, 1), BOS, device=device)
    scores = torch.zeros(batch, beam, device=device)
    dead = torch.zeros(batch, beam, dtype=torch.bool, device=device)
    for step in range(longest + 1):
        chances = _chances(model.step(tokens[:, -1:], memory, state), step, longest, search)
        value, token, row = _candidates(chances.view(batch, beam, -1), scores, step)
        ends = (token == EOS) & (value > -torch.inf)
        ends[:, :beam] &= ~dead
        _finish(finished, ends[:, :beam], value, row + offsets, tokens, step, beam, search)
        if step == longest or all(len(found) == beam for found in finished):
            break
        # Candidates that ended, or stem from a row without a live hypothesis, go last.
        ends[:, :beam] |= dead
        place = torch.arange(ends.shape[1], device=device)
        order, chosen = (place + ends * ends.shape[1]).topk(beam, largest=False)
        dead = order >= ends.shape[1]
        rows = (row + offsets).gather(1, chosen).flatten()
        tokens = torch.cat([tokens[rows], token.gather(1, chosen).view(-1, 1)], 1)
        scores = value.gather(1, chosen)
        state.select(rows)
    return [sorted(found, key=lambda hypothesis: -hypothesis.score) for found in finished]


def _chances(logits: Tensor, step: int, longest: int, search: Search) -> Tensor:
    """Log-probabilities (N, V) of the next token, minus infinity where it is not allowed."""
    chances = logits.log_softmax(-1, dtype=torch.float32)
    chances = chances.masked_fill(chances.isnan(), -torch.inf)
    chances[:, PAD] = -torch.inf
    if step >= longest:
        chances[:, :EOS] = -torch.inf
        chances[:, EOS + 1 :] = -torch.inf
    elif step < search.min_length:
        chances[:, EOS] = -torch.inf
    return chances


def _candidates(chances: Tensor, scores: Tensor, step: int) -> tuple[Tensor, Tensor, Tensor]:
    """The 2 beam best continuations of every image: scores, tokens and rows, each (B, K)."""
    beam, vocabulary = chances.shape[1:]
    # At first all rows of an image are equal: use one.
    total = chances[:, :1] if step == 0 else chances + scores[:, :, None]
    total = total.flatten(1)
    value, index = total.topk(min(2 * beam, total.shape[1] - 1))
    return value, index % vocabulary, index // vocabulary


def _finish(
    finished: list[list[Hypothesis]],
    ends: Tensor,
    value: Tensor,
    rows: Tensor,
    tokens: Tensor,
    step: int,
    beam: int,
    search: Search,
) -> None:
    """Add the candidates that end to ``finished``, at most ``beam`` an image."""
    divisor = (step + 1) ** search.length_penalty if search.normalise else 1.0
    for image, place in ends.nonzero().tolist():
        if len(finished[image]) < beam:
            answer = tokens[rows[image, place], 1:].tolist()
            score = value[image, place].item() / divisor
            finished[image].append(Hypothesis((*answer, EOS), score))
