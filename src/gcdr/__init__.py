"""GCDR: gaze-following labels from few annotations (Miao et al., ECCV 2024)."""

from typing import Any

__version__ = "0.1.0"


def load(source: Any, device: str = "auto", backbone: Any = None) -> Any:
    """A gaze model that is ready to be asked.

    Args:
        source: a path, or a model's name such as ``demo/gcdr``, see :func:`gcdr.models.finding.find_model`.
        device, backbone: see :func:`gcdr.predictor.load`.

    Raises:
        InputError: as these two.
    """
    from gcdr.models.finding import find_model
    from gcdr.predictor import (
        load as load_predictor,  # not above: it needs torch, planning does not
    )

    path, stands_on = find_model(source)
    return load_predictor(path, device, backbone or stands_on)
