"""The methods by name: what each one trains, and how it makes its pseudo-labels. Data, and no torch.

To add a method, add an entry to ``METHODS``; if it needs a model that none of ``TEACHERS`` is, one there too.
Results are named after a method and what identifies them: :mod:`gcdr.variants`.
"""

from dataclasses import dataclass
from typing import Literal

Unlabelled = Literal["mean-teacher", "pi-model", "temporal-ensembling", "fixmatch", "freematch"]
"""What a model does with people without a label while it is trained, see :mod:`gcdr.training.strategies`."""


@dataclass(frozen=True)
class Teacher:
    """A model that is trained on labels.

    Attributes:
        family: "gaze" predicts heatmaps, "diffusion" refines or samples them, "mapping" turns a
            Grad-CAM map into one at once.
        gradcam: whether it is trained with Grad-CAM maps.
        unlabelled: what it does with the unlabelled people while it is trained; None: it learns from labels.
        features: whether it sees the picture.
    """

    family: Literal["gaze", "diffusion", "mapping"]
    gradcam: bool = False
    unlabelled: Unlabelled | None = None
    features: bool = True

    @property
    def labels_alone(self) -> bool:
        """Whether it learns from labels and nothing else."""
        return self.unlabelled is None

    @property
    def unlabelled_settings(self) -> str:
        """Where the configuration says how it learns from the unlabelled people, in its family's section."""
        return "mean_teacher" if self.unlabelled == "mean-teacher" else "unlabelled"


TEACHERS = {
    "vat": Teacher("gaze"),
    "vat-gc": Teacher("gaze", gradcam=True),
    "vat-mt": Teacher("gaze", unlabelled="mean-teacher"),
    "vat-pi": Teacher("gaze", unlabelled="pi-model"),
    "vat-te": Teacher("gaze", unlabelled="temporal-ensembling"),
    "vat-fixmatch": Teacher("gaze", unlabelled="fixmatch"),
    "vat-freematch": Teacher("gaze", unlabelled="freematch"),
    "diffusion": Teacher("diffusion"),
    "diffusion-mt": Teacher("diffusion", unlabelled="mean-teacher"),
    "mapping": Teacher("mapping", gradcam=True),
    "mapping-plain": Teacher("mapping", gradcam=True, features=False),
}
LABELS_ALONE = "vat"
"""The teacher, and the method, that learns from labels and nothing else: what others are compared with, and
what the diffusion model's towers may start from."""


@dataclass(frozen=True)
class Method:
    """How labels are made, or which model is judged.

    Attributes:
        title: the name that people read.
        definition: what it is, in one sentence: reports show it beside the numbers.
        teacher: the model that makes the labels; None takes the Grad-CAM map itself.
        gradcam: whether the labels start from the Grad-CAM map.
        gaussian: whether a label is a Gaussian at the peak of what was made.
        student: whether a student is trained on the labels; else ``teacher`` itself is judged.
        sampler: the sampler of ``gcdr.refine.diffusion.SAMPLERS`` that it always takes, as it is there; None
            the configured.
        tokens: whether the student learns the teacher's tokens in place of labels (PaGE's recipe).
    """

    title: str
    definition: str
    teacher: str | None
    gradcam: bool = False
    gaussian: bool = False
    student: bool = True
    sampler: Literal["consistent", "reference"] | None = None
    tokens: bool = False

    @property
    def family(self) -> Literal["gaze", "diffusion", "mapping"] | None:
        """The family of the teacher."""
        return None if self.teacher is None else TEACHERS[self.teacher].family

    @property
    def labels_by_gaze(self) -> bool:
        """Whether a gaze model makes the labels."""
        return self.family == "gaze"

    @property
    def teacher_apart(self) -> bool:
        """Whether its gaze model may be another than the student's: it sees prior maps, or is larger."""
        return self.labels_by_gaze and (self.gradcam or self.tokens) and self.student


METHODS = {
    "vat": Method(
        "VAT (supervised)",
        "The gaze model trained on the labelled people alone, without any pseudo-label.",
        "vat",
        student=False,
    ),
    "vat-gc": Method(
        "VAT-GC",
        "The gaze model trained on the labelled people alone, which also sees the prior's map of the person, "
        "in the test too.",
        "vat-gc",
        gradcam=True,
        student=False,
    ),
    "vat-mt": Method(
        "VAT-MT",
        "The gaze model trained on labels, and held to a running average of itself on all (Mean Teacher).",
        "vat-mt",
        student=False,
    ),
    "vat-pi": Method(
        "VAT-Π",
        "The gaze model trained on labels, and to say the same of everybody in two random views (Π-Model).",
        "vat-pi",
        student=False,
    ),
    "vat-te": Method(
        "VAT-TE",
        "The gaze model trained on labels, and held to the running average of what it said of an unlabelled "
        "person before (Temporal Ensembling).",
        "vat-te",
        student=False,
    ),
    "vat-fixmatch": Method(
        "VAT-FixMatch",
        "The gaze model trained on labels, and on where it is sure that an unlabelled person looks: a weakly "
        "changed view makes the target of a strongly changed one (as FixMatch).",
        "vat-fixmatch",
        student=False,
    ),
    "vat-freematch": Method(
        "VAT-FreeMatch",
        "As VAT-FixMatch, where sure is surer than the model was of late, in a running mean (as FreeMatch).",
        "vat-freematch",
        student=False,
    ),
    "semi-vat": Method(
        "Semi-VAT",
        "A student trained on the labels and on what the supervised gaze model predicts of the unlabelled.",
        "vat",
    ),
    "semi-vat-gaussian": Method(
        "Semi-VAT-Gaussian",
        "As Semi-VAT, with a Gaussian at each prediction's peak in place of the predicted map.",
        "vat",
        gaussian=True,
    ),
    "semi-vat-gc": Method(
        "Semi-VAT-GC",
        "A student trained on the labels and on what a gaze model that sees the prior's maps predicts of the "
        "unlabelled.",
        "vat-gc",
        gradcam=True,
    ),
    "semi-vat-gc-gaussian": Method(
        "Semi-VAT-GC-Gaussian",
        "As Semi-VAT-GC, with a Gaussian at each prediction's peak in place of the predicted map.",
        "vat-gc",
        gradcam=True,
        gaussian=True,
    ),
    "token-student": Method(
        "Token student",
        "A smaller gaze model that learns a supervised one's tokens, without labels, and takes its heads.",
        "vat",
        tokens=True,
    ),
    "gcdr": Method(
        "GCDR",
        "The paper's method: a student trained on the labels and on prior maps refined by a diffusion model, "
        "which has itself learned from the labels.",
        "diffusion",
        gradcam=True,
    ),
    "gcdr-consistent": Method(
        "GCDR (the equations' sampler)",
        "GCDR whose maps are refined by the sampler that the paper's equations spell out.",
        "diffusion",
        gradcam=True,
        sampler="consistent",
    ),
    "gcdr-reference": Method(
        "GCDR (the released sampler)",
        "GCDR whose maps are refined by the sampler of the paper's released code.",
        "diffusion",
        gradcam=True,
        sampler="reference",
    ),
    "gcdr-mt": Method(
        "GCDR-MT",
        "GCDR whose diffusion model also learned from the unlabelled people's pictures (Mean Teacher).",
        "diffusion-mt",
        gradcam=True,
    ),
    "no-gradcam": Method(
        "No Grad-CAM (from noise)",
        "As GCDR, but the diffusion model makes the pseudo-labels from pure noise and sees no prior map.",
        "diffusion",
    ),
    "raw": Method(
        "No refinement (raw Grad-CAM)",
        "A student trained on the labels and on the prior's maps as they are.",
        None,
        gradcam=True,
    ),
    "argmax": Method(
        "Argmax refinement",
        "A student trained on the labels and on a Gaussian at the peak of each prior map.",
        None,
        gradcam=True,
        gaussian=True,
    ),
    "direct-mapping": Method(
        "Direct mapping",
        "A student trained on the labels and on what a network makes of picture and prior map in one go.",
        "mapping",
        gradcam=True,
    ),
    "direct-mapping-plain": Method(
        "Direct mapping (map alone)",
        "A student trained on the labels and on what a network makes of the prior map alone in one go.",
        "mapping-plain",
        gradcam=True,
    ),
}
