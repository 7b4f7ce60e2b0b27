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


def predict(sources: Any, model: Any, **wanted: Any) -> Any:
    """Where the people in somebody's pictures look.

    Args:
        sources: a picture or a folder, or several in a list.
        model: a path, or a name such as ``gazelle-vitb14``, which is fetched once.
        **wanted: ``heads`` (a CSV), ``finder``, ``score``, ``backbone``, ``device``, ``downloads``, see
            :class:`gcdr.prediction.predictions.Wanted`.

    Returns:
        a pandas table, a row a person: see :func:`gcdr.prediction.predicting.predict_people`.

    Raises:
        InputError: see :func:`gcdr.prediction.predictions.predict_pictures`.
    """
    from pathlib import Path

    from gcdr.prediction.predictions import Wanted, predict_pictures

    several = [sources] if isinstance(sources, str | Path) else list(sources)
    for key in ("heads", "finder", "backbone", "downloads"):
        if wanted.get(key) is not None:
            wanted[key] = Path(wanted[key])
    return predict_pictures(Wanted(several, model, **wanted)).people
