"""Grad-CAM on OFA's cross-attention (Miao et al., ECCV 2024, Sec. 3.2), in closed form.

The paper asks how the probability p of the answer's noun changes with a head's attention A to an
image token, and averages relu(A dp/dA) over the heads. The head's context is c = sum_k A_k v_k, so
dp/dA_k = <dp/dc, v_k>: the gradient at one small vector a head replaces the backward pass through
attention and encoder. Of the queries only the one that predicts the noun counts.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from gcdr.base.errors import InputError
from gcdr.priors.vqa.ofa.model import BOS, OFA, PAD, Memory
from gcdr.priors.vqa.ofa.transformer import Tap


def check_layers(layers: Sequence[int], depth: int) -> None:
    """Refuse layers that a model does not have.

    Args:
        layers: counted from 1.
        depth: number of layers there are.

    Raises:
        InputError: none is asked for, or one that is not there.
    """
    if not layers or any(not 1 <= layer <= depth for layer in layers):
        raise InputError(
            f"Grad-CAM layers: found {list(layers)}, expected layers from 1 to {depth}"
        )


def attention_gradients(
    model: OFA,
    memory: Memory,
    tokens: Sequence[Sequence[int]],
    steps: Sequence[int],
    layers: Sequence[int],
) -> tuple[Tensor, Tensor, Tensor]:
    """Attention at the query that predicts a token, and the gradient of its log-probability.

    Args:
        model: in evaluation mode, float32; its parameters need no gradient.
        memory: ``model.decoder.remember(model.encode(...))`` of B images and questions, in any
            precision: what follows it is computed in float32.
        tokens: B answers without the start token.
        steps: B positions: ``tokens[b][steps[b]]`` is the token in question.
        layers: L decoder layers, counted from 1 as in the paper.

    Returns:
        attention (B, L, heads, S), gradient (B, L, heads, S) of log p, and p (B,).

    Raises:
        InputError: the model has no such layer.
    """
    check_layers(layers, len(model.decoder.layers))
    memory = memory.float()
    device = memory.position_keys.device
    prev_tokens = torch.full((len(tokens), max(steps) + 1), PAD, device=device)
    for row, (answer, step) in enumerate(zip(tokens, steps, strict=True)):
        prev_tokens[row, : step + 1] = torch.tensor([BOS, *answer[:step]])
    every, last = torch.arange(len(tokens), device=device), torch.tensor(steps, device=device)
    target = torch.tensor(
        [answer[step] for answer, step in zip(tokens, steps, strict=True)], device=device
    )
    taps = {layer - 1: Tap() for layer in layers}
    with torch.enable_grad():
        features = model.decoder(prev_tokens, memory, taps=taps)[every, last]
        logits = model.decoder.output_projection(features)
        chance = logits.log_softmax(-1)[every, target]
        leaves = [taps[layer - 1].leaf for layer in layers]
        gradients = torch.autograd.grad(chance.sum(), leaves)
    attention, gradient = [], []
    for layer, contexts in zip(layers, gradients, strict=True):
        tap = taps[layer - 1]
        attention.append(tap.probabilities[every, :, last])
        gradient.append((tap.values @ contexts[every, :, last, :, None])[..., 0])
    return torch.stack(attention, 1), torch.stack(gradient, 1), chance.detach().exp()


def gradcam(
    model: OFA,
    memory: Memory,
    grid: tuple[int, int],
    tokens: Sequence[Sequence[int]],
    steps: Sequence[int],
    layers: Sequence[int],
) -> Tensor:
    """Raw Grad-CAM maps of answer tokens over the image tokens.

    Args:
        grid: rows and columns of image tokens; otherwise as :func:`attention_gradients`.

    Returns:
        (B, L, rows, columns) float32 >= 0, the mean over heads of relu(A dp/dA), not normalised.
    """
    attention, gradient, chance = attention_gradients(model, memory, tokens, steps, layers)
    cells = grid[0] * grid[1]
    maps = (attention * gradient)[..., :cells].relu().mean(2) * chance[:, None, None]
    return maps.unflatten(-1, grid).float()
