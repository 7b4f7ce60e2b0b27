"""Labels of people whose place is known, and what can be said of them without knowing it."""

from dataclasses import replace

import numpy as np
import torch

from gcdr.data.heatmaps import peak_points
from gcdr.data.tokens import Cache
from gcdr.evaluation.metrics import energy_score, point_distances
from gcdr.models.denoiser import Denoiser
from gcdr.refine.labels import refinement_of, trust_columns
from gcdr.refine.maps import pseudo_labels, refine_maps
from gcdr.refine.options import ChoiceSettings
from gcdr.refine.reliability import Judged


def judged_labels(
    model: Denoiser,
    samples: Cache,
    sample_id: np.ndarray,
    gaze: np.ndarray,
    maps: np.ndarray,
    settings: ChoiceSettings,
    seed: int,
    device: torch.device,
) -> Judged:
    """Every candidate's labels, averaged over repeats of the noise, whose draws are one forecast.

    Args:
        model: a diffusion model that has not seen these people.
        samples: the picture cache.
        sample_id: (N,) ascending.
        gaze: (N, 2) where they look.
        maps: (N, G, G) prior maps in [0, 1].
        settings: the candidates, and how they refine.
        seed: seed of the noise.
        device: where to compute.

    Returns:
        of C candidates, each (C, N) float64.
    """
    refinements = [
        replace(refinement_of(refine, seed + repeat), average=True)
        for refine in settings.refinements()
        for repeat in range(settings.repeats)
    ]
    places, found, drawn = gaze[:, None].astype(float), [], []
    for made in refine_maps(model, samples, sample_id, maps, refinements, device):
        labels, _ = pseudo_labels(made.heatmap, None, settings.refine.stretch)  # as they are made
        trust = trust_columns(torch.from_numpy(labels), None, maps)
        error = point_distances(peak_points(made.heatmap).numpy(), places)["dist_to_mean"]
        found.append([trust["entropy"], trust["prior_distance"], error])
        drawn.append(made.points.numpy())
    repeats, people = settings.repeats, len(sample_id)
    means = np.reshape(found, (-1, repeats, 3, people)).mean(1).transpose(1, 0, 2)
    several = [np.concatenate(drawn[i : i + repeats], 1) for i in range(0, len(drawn), repeats)]
    return Judged(*means, np.array([energy_score(points, gaze) for points in several]))
