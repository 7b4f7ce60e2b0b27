"""Training a student on a teacher's tokens, without any label (the recipe of PaGE).

The teacher has learned from labels; the student sees everybody's picture and head box and learns what the
teacher makes of them before and after its decoder's blocks. The heads that turn tokens into a heatmap are the
teacher's.
"""

from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn

from gcdr.base.errors import InputError
from gcdr.base.provenance import code_of
from gcdr.data.scratch import near
from gcdr.data.shown import check_split, split_identity
from gcdr.data.tokens import open_cache
from gcdr.models.build import read_card
from gcdr.models.encoding import check_backbone
from gcdr.models.interface import GazeModel
from gcdr.models.named import initial_gaze_model
from gcdr.models.token_loss import take_heads, token_loss
from gcdr.predictor.predictor import load_gaze_model
from gcdr.training.batches import Batch
from gcdr.training.recipes import Recipe, TokenTraining
from gcdr.training.run import Run, training_run
from gcdr.training.targets import Targets, pictured_targets

NO_BLUR = 1.0  # cells: of labels' Gaussians, of which there are none


def train_token_student(
    samples: Path,
    originals: Path,
    labels: Path,
    teacher: Path,
    shown: Path,
    init: Path | None,
    settings: TokenTraining,
    seed: int,
    device: torch.device,
    out: Path,
) -> None:
    """Train a student on the tokens of a teacher about everybody but those set aside.

    Of the label split it reads who is set aside; nobody's label, and no validation loss is made of any.

    Args:
        samples: the picture cache of the student.
        originals: larger pictures of the labelled people; nobody's is cropped, as crops need labels.
        labels: the label split under which the teacher has learned.
        teacher: folder of the teacher.
        shown: the cache of the teacher: pictures, or the tokens of its frozen backbone.
        init: folder or checkpoint that the student starts from, or None.
        settings: the student, its teacher and the optimisation.
        seed: seed of initial weights, order and augmentation.
        device: where to compute.
        out: folder of the model; the loss goes to ``log.csv`` in it.

    Raises:
        InputError: the teacher is of another split or kind, its tokens are not as many or as wide as the
            student's, or caches are damaged or of other people.
    """
    card = read_card(teacher)
    check_split(teacher, card.get("split"), split_identity(labels), labels)
    master = load_gaze_model(teacher).requires_grad_(False)
    if master.kind != settings.teacher.kind:
        raise InputError(
            f"{teacher}: found a {master.kind}, expected a {settings.teacher.kind} whose tokens are learned"
        )
    in_frame = 1.0 if master.tells_in_frame else None
    model = initial_gaze_model(settings.model, False, init, seed, in_frame)
    take_heads(model, master, teacher)
    deciding = [teacher, shown, init, *code_of(__file__, model), *code_of(__file__, master)]
    with training_run(
        "token student",
        model,
        samples,
        originals,
        labels,
        settings,
        NO_BLUR,
        seed,
        device,
        out,
        deciding,
    ) as run:
        cache = open_cache(near(shown), run.samples.people)
        check_backbone(cache, (card.get("backbone") or {}).get("file"), shown)
        people = pictured_targets(labels, run.samples, cache)
        taught = replace(run, model=master.to(run.device), samples=cache)
        run.save(train_by_tokens(run, taught, people, settings.recipe), pictured=people)


def train_by_tokens(run: Run, taught: Run, people: Targets, recipe: Recipe) -> nn.Module:
    """Train a student towards its teacher's tokens.

    Args:
        run: the run of the student, whose heads are the teacher's.
        taught: the same run as the teacher sees it: its model, which learns nothing, and its cache. Views are
            drawn alike, so both see the same flips and, of pictures, the same colours.
        people: whom they are shown, without labels.
        recipe: the optimisation.

    Raises:
        InputError: fewer people than places in a batch, tokens of other shapes, or a loss that is not finite.
    """
    who = run.compose(people, None, recipe)
    batches, shown = run.batches(people, who), taught.batches(people, who)

    def loss_of_step(step: int) -> Tensor:
        (mine,), (theirs,) = batches(step), shown(step)
        with torch.no_grad():
            expected = _tokens(taught.model, theirs)
        return recipe.loss_scale * token_loss(_tokens(run.model, mine), expected)

    return run.fit(loss_of_step, recipe, who.per_epoch)


def _tokens(model: GazeModel, batch: Batch) -> tuple[Tensor, ...]:
    with batch.share as share:
        return tuple(share.whole(tokens) for tokens in model.decoder_tokens(batch.inputs))
