"""GCDR: gaze-following labels from few annotations (Miao et al., ECCV 2024)."""

from typing import Any

__version__ = "0.1.0"


def load(source: Any, device: str = "auto", backbone: Any = None) -> Any:
    """A gaze model that is ready to be asked.

    Args:
        source: a path, or a model's name such as ``demo/gcdr``, see :func:`gcdr.models.finding.find_model`.
        device, backbone: see :func:`gcdr.predictor.predictor.load`.

    Raises:
        InputError: as these two.
    """
    from gcdr.models.finding import find_model
    from gcdr.predictor.predictor import (
        load as load_predictor,  # not above: it needs torch, planning does not
    )

    path, stands_on = find_model(source)
    return load_predictor(path, device, backbone or stands_on)


def predict(sources: Any, model: Any, **wanted: Any) -> Any:
    """Where the people in somebody's pictures look.

    Args:
        sources: a picture or a folder, or several in a list.
        model: a path, or a name such as ``gazelle-vitb14``, which is fetched once.
        **wanted: ``heads`` (a CSV), ``finder``, ``score``, ``backbone``, ``device``, ``downloads``,
            ``vocabulary``, ``tower``, ``depth``, see :class:`gcdr.prediction.predictions.PredictionRequest`.

    Returns:
        a pandas table, a row a person: see :func:`gcdr.prediction.predicting.predict_people`.

    Raises:
        InputError: see :func:`gcdr.prediction.predictions.predict_pictures`.
    """
    from pathlib import Path

    from gcdr.prediction.predictions import PredictionRequest, predict_pictures

    several = [sources] if isinstance(sources, str | Path) else list(sources)
    return predict_pictures(PredictionRequest(several, model, **_as_paths(wanted))).people


def predict_video(video: Any, model: Any, out: Any = None, **wanted: Any) -> Any:
    """Where the people in somebody's video look, frame by frame.

    Args:
        video: a file, or a folder of frames.
        model: as in :func:`predict`.
        out: a folder, which gets what ``gcdr predict VIDEO`` writes; None writes nothing.
        **wanted: as in :func:`predict`, and ``every``, ``fps``, ``find_every``, ``frame_rate``, ``gap``, see
            :class:`gcdr.prediction.videos.Timing`.

    Returns:
        a pandas table, a row a person and frame: see :func:`gcdr.prediction.over_time.follow_people`.

    Raises:
        InputError: see :func:`gcdr.prediction.videos.predict_over_time`.
    """
    from dataclasses import fields
    from pathlib import Path

    from gcdr.prediction import videos
    from gcdr.prediction.predictions import PredictionRequest

    names = {field.name for field in fields(videos.Timing)}
    timing = videos.Timing(**{key: value for key, value in wanted.items() if key in names})
    asked = PredictionRequest(
        [video], model, **_as_paths({k: v for k, v in wanted.items() if k not in names})
    )
    drawing = None if out is None else videos.Drawing(Path(out))
    models = videos.models_for_videos(asked)
    predicted = videos.predict_over_time(Path(video), asked, timing, models, drawing)
    if out is not None:
        videos.write_video_predictions(predicted, Path(out))
    return predicted.people


def _as_paths(wanted: dict[str, Any]) -> dict[str, Any]:
    """Settings of a prediction, the places among them as paths."""
    from pathlib import Path

    places = ("heads", "finder", "backbone", "downloads", "vocabulary", "tower", "depth")
    return {
        key: Path(value) if key in places and value is not None else value
        for key, value in wanted.items()
    }
