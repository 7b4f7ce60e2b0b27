"""How far a student's tokens are from its teacher's, and the teacher's heads on the student's tokens.

After PaGE, from what is told of it: the sum of absolute and cosine distance, at the towers' outputs and after
their interaction, of people without any label; the heads are the teacher's. No code of its authors was seen.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from gcdr.base.errors import InputError
from gcdr.models.interface import GazeModel


def token_loss(student: Sequence[Tensor], teacher: Sequence[Tensor]) -> Tensor:
    """Mean absolute difference plus one minus the mean cosine, averaged over the places.

    Args:
        student: tokens (N, T, C) float at each place, see ``GazeModel.decoder_tokens``.
        teacher: those that they are to become, of the same people.

    Returns:
        () float32, 0 or more.

    Raises:
        InputError: other places, or tokens of other shapes.
    """
    shapes = [[list(tokens.shape[1:]) for tokens in places] for places in (student, teacher)]
    if shapes[0] != shapes[1]:
        raise InputError(f"tokens: found {shapes[0]}, expected {shapes[1]}, as the teacher's are")
    apart = []
    for mine, theirs in zip(student, teacher, strict=True):
        mine, theirs = mine.float(), theirs.float()
        apart.append(F.l1_loss(mine, theirs) + 1 - F.cosine_similarity(mine, theirs, dim=-1).mean())
    return torch.stack(apart).mean()


def take_heads(student: GazeModel, teacher: GazeModel, where: object) -> None:
    """Give a student its teacher's output heads, bit by bit, and hold them.

    Args:
        student: whose heads have any weights.
        teacher: whose tokens the student is to learn.
        where: file or folder of the teacher, for messages.

    Raises:
        InputError: one of the two has no tokens, or its heads are of other sizes than the other's.
    """
    found, taken = student.output_heads, teacher.output_heads
    for model, heads in ((teacher, taken), (student, found)):
        if not heads:
            raise InputError(f"{where}: a {model.kind} has no tokens that a student could learn")
    sizes = [
        {
            f"{name}.{part}": list(value.shape)
            for name, head in heads.items()
            for part, value in head.state_dict().items()
        }
        for heads in (taken, found)
    ]
    for name in sizes[0] | sizes[1]:
        theirs, mine = (each.get(name, "none") for each in sizes)
        if theirs != mine:
            raise InputError(f"{where}: {name}: found {theirs}, expected {mine}, as the student's")
    for name, head in found.items():
        head.load_state_dict(taken[name].state_dict())
        head.requires_grad_(False)
