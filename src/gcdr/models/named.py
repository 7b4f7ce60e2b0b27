"""The gaze models by name, built: what the module of a line of :mod:`gcdr.models.kinds` has as its ``KIND``.

The table holds modules' names and no modules: a job depends on the code of the model that it trains or
asks, not on that of all others; and planning needs no torch.
"""

from importlib import import_module
from pathlib import Path

import torch

from gcdr.base.errors import InputError
from gcdr.base.seeds import derive
from gcdr.models.description import GazeModelSettings
from gcdr.models.interface import GazeModel, Kind
from gcdr.models.kinds import GAZE_MODELS


def kind_of(name: str, where: str = "gaze model") -> Kind:
    """The kind of a name.

    Raises:
        InputError: there is none of this name; the known ones are listed.
    """
    if name not in GAZE_MODELS:
        known = ", ".join(GAZE_MODELS)
        raise InputError(f"{where}: found {name!r}, expected one of {known}")
    return import_module(GAZE_MODELS[name].module).KIND


def initial_gaze_model(
    settings: GazeModelSettings,
    prior: bool,
    init: Path | None,
    seed: int,
    in_frame: float | None = None,
) -> GazeModel:
    """A gaze model with its first weights.

    Args:
        settings: which, and how large.
        prior: whether it sees prior maps (VAT-GC).
        init: folder or checkpoint that it starts from, or None.
        seed: seed of the random ones.
        in_frame: where it is not None, the model gets an in/out head, if it has none.

    Raises:
        InputError: no such kind or size, or weights of another model.
    """
    kind, about = kind_of(settings.kind), GAZE_MODELS[settings.kind]
    title = about.title
    if not about.has_size(settings.size):
        raise InputError(
            f"{title}: found size {settings.size!r}, expected one of {', '.join(about.sizes)}"
        )
    torch.manual_seed(derive(seed, "gaze weights"))
    sizes = kind.sized(settings.size, prior).to_json()
    config = kind.config.from_json({**sizes, **settings.options}, f"{title}, options")
    model = kind.build(config if in_frame is None else kind.with_in_frame(config))
    if kind.load_backbone is not None:
        if settings.backbone is None:
            raise InputError(f"{title}: found no backbone, expected the file of its weights")
        kind.load_backbone(model, settings.backbone)
    if init is not None:
        kind.start(model, init)
    return model
