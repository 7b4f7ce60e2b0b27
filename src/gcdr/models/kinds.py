"""The gaze models by name, a line each: the module that says and builds one. No torch: planning asks."""

from gcdr.methods import TEACHERS
from gcdr.models.description import BLIND, DENOISER, read_description

GAZE_MODELS = {
    name: read_description(module)
    for name, module in {
        "vat": "gcdr.models.vat",
        "video-vat": "gcdr.models.video_vat",
        "gazelle": "gcdr.models.gazelle_released",
        "gazelle-tower": "gcdr.models.tower_gazelle",
        "semgaze": "gcdr.models.semgaze_released",
        "pdp": "gcdr.models.pdp",
        "video-pdp": "gcdr.models.video_pdp",
    }.items()
}
"""By the name in the configuration and in ``model.json``."""


def model_title(kind: str, prior: bool) -> str:
    """What a gaze model of a kind is called; one that is given prior maps is another model."""
    return GAZE_MODELS[kind].titled(prior)


def title_as(name: str, kind: str | None) -> str:
    """What a model must be that takes the place of a teacher or of a method's student.

    Args:
        name: a name of :data:`gcdr.methods.TEACHERS`, or of a method with a student.
        kind: of the gaze model; None where it is none.
    """
    about = TEACHERS.get(name)  # of a method it is the student, which sees no prior map
    if about is None or about.family == "gaze":
        assert kind is not None
        return model_title(kind, about is not None and about.gradcam)
    return DENOISER if about.features else BLIND
