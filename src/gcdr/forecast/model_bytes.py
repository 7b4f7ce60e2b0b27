"""Disk of trained models, and of the states of those that train."""

import math
from collections.abc import Mapping
from functools import cache

from gcdr.base.plain import Config
from gcdr.config.asked import used_shares
from gcdr.models.interface import GazeModel, SeesPeople
from gcdr.models.named import kind_of
from gcdr.models.weights import Undrawn
from gcdr.settings.learning import denoiser_training, gaze_model
from gcdr.settings.people_counts import people_of_job
from gcdr.training.denoising import initial_denoiser
from gcdr.training.recipes import NetworkSettings
from gcdr.variants import parse_teacher, parse_variant

PARTS = 4  # of a state: weights, their running average and two moments of the optimiser
TEACHERS, STUDENTS = "teachers", "students"


def trained_bytes(config: Config, wildcards: Mapping[str, str]) -> tuple[float, float]:
    """Bytes of the model that a training makes, and of the state that lies beside it while it trains.

    Args:
        config: the configuration.
        wildcards: of the job; one without ``kind`` and ``name`` of a model makes none.
    """
    kind, name, remembered = wildcards.get("kind"), wildcards.get("name", ""), 0.0
    if kind == STUDENTS:
        own = weights_bytes(_gaze(config, parse_variant(name).gaze))
    elif kind == TEACHERS:
        named = parse_teacher(name)
        gaze = named.about.family == "gaze"
        own = weights_bytes(_gaze(config, named.gaze) if gaze else _denoiser(config))
        if named.about.unlabelled == "temporal-ensembling":  # a map a person, in half precision
            remembered = 2.0 * config["heatmap"]["size"] ** 2 * people_of_job(config, wildcards)
    else:
        return 0.0, 0.0
    return own, PARTS * own + remembered


def token_values(config: Config) -> int:
    """Values of an image's tokens, of the largest frozen backbone in the configuration; 0 without any."""
    names = config["gaze"]["models"]
    models = [_gaze(config, name) for name in names if "backbone" in names[name]]
    shapes = [model.token_shape for model in models if model.needs.tokens]
    return max((math.prod(shape) for shape in shapes), default=0)


def share_of(config: Config) -> int:
    """A label share that the configuration has: recipes may have values by it."""
    return next((share for share in used_shares(config) if isinstance(share, int)), 10)


def weights_bytes(model: SeesPeople) -> float:
    """Bytes of what is stored of a model; a frozen backbone lies in a file of its own."""
    return float(sum(one.numel() * one.element_size() for one in model.stored_state().values()))


def _gaze(config: Config, name: str | None) -> GazeModel:
    settings = gaze_model(config, name)
    return _built(settings.kind, settings.size)


def _denoiser(config: Config) -> SeesPeople:
    return _built_denoiser(denoiser_training(config, share_of(config)).network)


@cache
def _built(kind: str, size: str) -> GazeModel:
    about = kind_of(kind)
    with Undrawn():
        return about.build(about.sized(size, False))


@cache
def _built_denoiser(network: NetworkSettings) -> SeesPeople:
    with Undrawn():
        return initial_denoiser(network, None, 0)
