"""GCDR: gaze-following labels from few annotations (Miao et al., ECCV 2024)."""

from typing import Any

__version__ = "0.1.0"


def load(source: Any, device: str = "auto", backbone: Any = None) -> Any:
    """A gaze model that is ready to be asked, see :func:`gcdr.predictor.load`."""
    from gcdr.predictor import (
        load as load_predictor,  # not above: it needs torch, planning does not
    )

    return load_predictor(source, device, backbone)
