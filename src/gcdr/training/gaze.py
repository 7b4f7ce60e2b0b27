"""Training a gaze model: a teacher on labels, a student on labels and pseudo-labels."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gcdr.base.provenance import code_of
from gcdr.base.tensors import each_tensor
from gcdr.data.lookup import places
from gcdr.data.prior_maps import prior_maps
from gcdr.models.encoding import check_backbone
from gcdr.models.interface import GazeModel, GazeOutput, SeesPeople
from gcdr.models.kinds import GAZE_MODELS
from gcdr.models.named import initial_gaze_model
from gcdr.training.batches import Batch
from gcdr.training.loop import check_held
from gcdr.training.recipes import GazeTraining
from gcdr.training.run import Run, training_run
from gcdr.training.semantics import Names, names_of_people, semantic_terms
from gcdr.training.targets import (
    Targets,
    heatmap_targets,
    join,
    labelled_targets,
    pseudo_targets,
)

Relabel = Callable[[Batch, int], tuple[Tensor, Tensor]]
"""(batch, step) -> targets (N, G, G) in place of the batch's, and which of them count (N,) bool."""


def train_gaze_model(
    samples: Path,
    originals: Path,
    labels: Path,
    pseudo: Path | None,
    prior: Path | None,
    init: Path | None,
    settings: GazeTraining,
    seed: int,
    device: torch.device,
    out: Path,
    *,
    relabel: Relabel | None = None,
    deciding: Sequence[Path] = (),
    space: Path | None = None,
    named: Path | None = None,
    pseudo_made_by: Mapping[str, Any] | None = None,
    prior_made_by: Mapping[str, Any] | None = None,
) -> None:
    """Train a gaze model (VAT-GC, for example, with a prior) on labels and, if given, pseudo-labels.

    Args:
        samples: the picture cache.
        originals: larger pictures of the labelled people (:mod:`gcdr.data.originals`).
        labels: what the split shows.
        pseudo: label store of pseudo-labels; None trains a supervised teacher.
        prior: prior store, for a model that sees its maps.
        init: folder or checkpoint that the model starts from, or None.
        settings: which model, and its optimisation.
        seed: seed of initial weights, order and augmentation.
        device: where to compute.
        out: folder of the model; the loss goes to ``log.csv`` in it.
        relabel: see :func:`train_gaze`.
        deciding: what ``relabel`` is made of, files and folders.
        space: the vocabulary, where ``settings.semantics`` is asked for.
        named: names of people who show none, see :mod:`gcdr.priors.named_people`; None: they have none.
        pseudo_made_by, prior_made_by: the settings that must have made the stores, as far as they are known.

    Raises:
        InputError: files that are damaged, of other people, another split or other settings, or that hold
            nothing to learn from.
    """
    model = initial_gaze_model(settings.model, prior is not None, init, seed, settings.in_frame)
    if settings.recipe.learned == "in_time" and model.needs.tracks:
        with redirect_stdout(None):  # what starts has been said
            other = initial_gaze_model(
                settings.model, prior is not None, init, seed + 1, settings.in_frame
            )
        check_held(model, other, settings.in_frame is not None)
    head = GAZE_MODELS[model.kind].in_frame_head
    model.rates = {**model.rates, **dict.fromkeys(head, settings.in_frame_rate)}
    backbone = settings.model.backbone and Path(settings.model.backbone)
    deciding = [pseudo, prior, init, backbone, space, named, *deciding, *code_of(__file__, model)]
    with training_run(
        "gaze",
        model,
        samples,
        originals,
        labels,
        settings,
        settings.sigma,
        seed,
        device,
        out,
        deciding,
    ) as run:
        check_backbone(run.samples, settings.model.backbone, samples)
        learns_in_frame, empty = settings.in_frame is not None, settings.out_of_frame
        labelled = labelled_targets(labels, run.samples, learns_in_frame, empty)
        ids, size = labelled.sample_id, model.map_size
        extra = priors = None
        if pseudo is not None:
            how = (run.split["digest"], pseudo_made_by, settings.keep)
            extra = pseudo_targets(pseudo, run.samples, *how)
            ids = np.union1d(ids, extra.sample_id)
        if prior is not None:
            how = (settings.layer, size, prior_made_by)
            aside = () if run.validation is None else run.validation.sample_id
            ids = np.union1d(ids, aside).astype(np.int64)
            maps, _ = prior_maps(prior, run.samples.people, ids, *how)
            if empty:  # as released: who looks out of the frame has no map either
                outside = labelled.sample_id[np.isnan(labelled.gaze).any(1)]
                maps[places(ids, outside, "the people of the training")] = 0
            priors = heatmap_targets(ids, maps)
        names = None
        if settings.semantics is not None and space is not None:
            how = (run.samples.people, settings.semantics.least, model.config.label_width)
            names = names_of_people(labels, space, named, *how)
        trained = train_gaze(run, labelled, extra, priors, settings, relabel, names)
        named = settings.model.backbone
        about = None if names is None else names.about
        run.save(trained, named, about, labelled=labelled, pseudo_labelled=extra)


def train_gaze(
    run: Run,
    labelled: Targets,
    pseudo: Targets | None,
    priors: Targets | None,
    settings: GazeTraining,
    relabel: Relabel | None = None,
    names: Names | None = None,
) -> nn.Module:
    """Train with the model's own objective of heatmaps, labels and pseudo-labels alike (paper, Sec. 3.5).

    Args:
        run: the run of a gaze model.
        labelled: people with a gaze point inside the frame; with ``settings.in_frame`` also those who
            look out of it, who count for that loss alone, or with ``settings.out_of_frame`` as an empty map.
        pseudo: people with a pseudo-label; None trains on labels alone, with batches full of them.
        priors: prior maps of all these people, for a model that needs them.
        settings: the optimisation.
        relabel: makes the pseudo-labels of a batch from its own view, as the released code does.
        names: of people, for a model that also says what is looked at.

    Raises:
        InputError: fewer people than places in a batch, or a loss that is not finite.
    """
    targets = labelled if pseudo is None else join(labelled, pseudo)
    recipe, in_frame, semantics = settings.recipe, settings.in_frame, settings.semantics
    people = run.compose(labelled, pseudo, recipe, settings.labelled_per_batch)
    batches = run.batches(targets, people, priors=priors, named=names and names.of)

    def loss_of_step(step: int) -> Tensor:
        (batch,) = batches(step)
        with batch.share:
            output = run.model(batch.inputs)
        output = each_tensor(replace(output, memory=None), batch.share.whole)
        target, counts, looks_out = batch.target, None, None
        if relabel is not None:
            target, counts = relabel(batch, step)
        if in_frame is not None and not settings.out_of_frame:
            looks_out = batch.in_frame == 0
        error = student_loss(run.model, output, target, recipe.loss_scale, counts, looks_out)
        if names is not None and semantics is not None:
            error = error + semantic_terms(run.model, output, batch, names, semantics.missing)
        if in_frame is None or not run.model.in_frame_apart:
            return error
        return error + in_frame * in_frame_loss(output.in_frame, batch.in_frame)

    def loss_of(model: GazeModel, batch: Batch) -> Tensor:
        return student_loss(model, model(batch.inputs), batch.target, recipe.loss_scale)

    return run.fit(loss_of_step, recipe, people.per_epoch, priors=priors, loss_of=loss_of)


def student_loss(
    model: SeesPeople,
    output: GazeOutput,
    target: Tensor,
    scale: float,
    counts: Tensor | None = None,
    looks_out: Tensor | None = None,
) -> Tensor:
    """The model's objective over labelled and pseudo-labelled people together (Eq. 6).

    Args:
        model: whose objective it is; VAT's is the paper's mean squared error. A further branch's is added.
        output: of the n people of a batch.
        target: (n, H, W) of them, whichever sort it is.
        scale: factor of the objective.
        counts: (n,) bool, whose target is one; None: everybody's.
        looks_out: (n,) bool, whose heatmap is not compared, though a further branch may learn of them.
    """
    if counts is not None:
        output, target = output.people(counts), target[counts]
        looks_out = None if looks_out is None else looks_out[counts]
    heatmap, shown = output.heatmap, target
    if looks_out is not None:
        heatmap, shown = heatmap[~looks_out], target[~looks_out]
    # Where everybody looks out of the frame, or nobody's target is one, there is no map to compare.
    error = model.objective(heatmap, shown) if len(heatmap) else heatmap.sum()
    branch = model.branch_loss(output, target)
    return scale * (error if branch is None else error + branch)


def in_frame_loss(logit: Tensor, in_frame: Tensor) -> Tensor:
    """Binary cross entropy of in or out of the frame, over the people of whom it is known.

    Args:
        logit: (N,) float, positive for inside.
        in_frame: (N,) 1 inside, 0 outside, NaN unknown.

    Returns:
        the mean, 0 where it is known of nobody.
    """
    known = ~torch.isnan(in_frame)
    total = F.binary_cross_entropy_with_logits(logit[known], in_frame[known], reduction="sum")
    return total / known.sum().clamp(min=1)
