"""The methods by name: what each one trains, and how it makes its pseudo-labels. Data, and no torch.

To add a method, add an entry to ``METHODS``; if it needs a model that none of ``TEACHERS`` is, one
there too. A *recipe* is a method's name with the numbers that identify its result,
``gcdr-t250-n2-k1``: timestep, steps, and the draws of the noise (``k4``: four averaged, ``s4``: four of
which each batch takes one, ``online``: made again in every batch, as in the released code).
"""

import re
from dataclasses import dataclass, replace
from typing import Any, Literal

from gcdr.base.errors import InputError

REDRAWS = {"mean": "k", "sampled": "s"}
ONLINE = "online"
CHANGES = ("eta", "noise_offset", "last_alpha")
"""What may be set of a sampler beside its name."""


@dataclass(frozen=True)
class Teacher:
    """A model that is trained on labels.

    Attributes:
        family: "gaze" predicts heatmaps, "diffusion" refines or samples them, "mapping" turns a
            Grad-CAM map into one at once.
        gradcam: whether it is trained with Grad-CAM maps.
        mean_teacher: whether it also learns from the unlabelled people (Mean Teacher).
        features: whether it sees the picture.
    """

    family: Literal["gaze", "diffusion", "mapping"]
    gradcam: bool = False
    mean_teacher: bool = False
    features: bool = True


TEACHERS = {
    "vat": Teacher("gaze"),
    "vat-gc": Teacher("gaze", gradcam=True),
    "vat-mt": Teacher("gaze", mean_teacher=True),
    "diffusion": Teacher("diffusion"),
    "diffusion-mt": Teacher("diffusion", mean_teacher=True),
    "mapping": Teacher("mapping", gradcam=True),
    "mapping-plain": Teacher("mapping", gradcam=True, features=False),
}


@dataclass(frozen=True)
class Method:
    """How labels are made, or which model is judged.

    Attributes:
        title: the name that people read.
        teacher: the model that makes the labels; None takes the Grad-CAM map itself.
        gradcam: whether the labels start from the Grad-CAM map.
        gaussian: whether a label is a Gaussian at the peak of what was made.
        student: whether a student is trained on the labels; else ``teacher`` itself is judged.
        sampler: the sampler of ``gcdr.refine.diffusion.SAMPLERS`` that it always takes, as it is there; None
            the configured.
    """

    title: str
    teacher: str | None
    gradcam: bool = False
    gaussian: bool = False
    student: bool = True
    sampler: str | None = None

    @property
    def family(self) -> str | None:
        """The family of the teacher."""
        return None if self.teacher is None else TEACHERS[self.teacher].family


METHODS = {
    "vat": Method("VAT (supervised)", "vat", student=False),
    "vat-gc": Method("VAT-GC", "vat-gc", gradcam=True, student=False),
    "vat-mt": Method("VAT-MT", "vat-mt", student=False),
    "semi-vat": Method("Semi-VAT", "vat"),
    "semi-vat-gaussian": Method("Semi-VAT-Gaussian", "vat", gaussian=True),
    "semi-vat-gc": Method("Semi-VAT-GC", "vat-gc", gradcam=True),
    "semi-vat-gc-gaussian": Method("Semi-VAT-GC-Gaussian", "vat-gc", gradcam=True, gaussian=True),
    "gcdr": Method("GCDR", "diffusion", gradcam=True),
    "gcdr-consistent": Method(
        "GCDR (the equations' sampler)", "diffusion", gradcam=True, sampler="consistent"
    ),
    "gcdr-reference": Method(
        "GCDR (the released sampler)", "diffusion", gradcam=True, sampler="reference"
    ),
    "gcdr-mt": Method("GCDR-MT", "diffusion-mt", gradcam=True),
    "no-gradcam": Method("No Grad-CAM (from noise)", "diffusion"),
    "raw": Method("No refinement (raw Grad-CAM)", None, gradcam=True),
    "argmax": Method("Argmax refinement", None, gradcam=True, gaussian=True),
    "direct-mapping": Method("Direct mapping", "mapping", gradcam=True),
    "direct-mapping-plain": Method("Direct mapping (map alone)", "mapping-plain", gradcam=True),
}


def fixed_sampler(name: str | None) -> dict[str, Any]:
    """Settings that take a sampler as it is, whatever else is configured; none for None."""
    return {} if name is None else {"sampler": name, **dict.fromkeys(CHANGES)}


@dataclass(frozen=True)
class Recipe:
    """A method with the numbers that identify its result; None where it has none.

    Attributes:
        method: key of ``METHODS``.
        timestep: how far the Grad-CAM map is noised.
        steps: DDIM steps.
        draws: noise draws of each person.
        redraw: what becomes of them: "mean", "sampled" or "online".
    """

    method: str
    timestep: int | None = None
    steps: int | None = None
    draws: int | None = None
    redraw: str | None = None

    @property
    def about(self) -> Method:
        """The entry of ``METHODS``."""
        return METHODS[self.method]

    @property
    def sampling(self) -> dict[str, Any]:
        """The numbers as settings; empty for methods without diffusion."""
        if self.about.family != "diffusion":
            return {}
        names = ("timestep", "steps", "draws", "redraw")
        return {name: getattr(self, name) for name in names} | fixed_sampler(self.about.sampler)

    def __str__(self) -> str:
        if self.steps is None:
            return self.method
        noised = "" if self.timestep is None else f"-t{self.timestep}"
        drawn = ONLINE if self.redraw == ONLINE else f"{REDRAWS[self.redraw]}{self.draws}"
        return f"{self.method}{noised}-n{self.steps}-{drawn}"


NAMES = "|".join(sorted(METHODS, key=len, reverse=True))


def pattern(methods: str) -> str:
    """Regular expression of the recipes of methods (separated by ``|``), for wildcards."""
    return rf"(?:{methods})(?:(?:-t\d+)?-n\d+-(?:[ks]\d+|{ONLINE}))?"


PATTERN = pattern(NAMES)
"""Regular expression of all recipes."""

_PARTS = re.compile(
    rf"(?P<method>{NAMES})(?:(?:-t(?P<timestep>\d+))?-n(?P<steps>\d+)"
    rf"-(?:(?P<letter>[ks])(?P<draws>\d+)|{ONLINE}))?"
)


def recipe(method: str, timestep: int, steps: int, draws: int, redraw: str) -> Recipe:
    """A method's recipe; the numbers that it has no use for are left out.

    Raises:
        InputError: no such method.
    """
    if method not in METHODS:
        raise InputError(f"method: found {method!r}, expected one of {', '.join(METHODS)}")
    about = METHODS[method]
    if about.family != "diffusion":
        return Recipe(method)
    drawn = 1 if redraw == ONLINE else draws
    return Recipe(method, timestep if about.gradcam else None, steps, drawn, redraw)


def parse_recipe(name: str) -> Recipe:
    """The recipe of a name, as ``str`` writes it.

    Raises:
        InputError: it is none.
    """
    found = _PARTS.fullmatch(name)
    if not found:
        raise InputError(f"recipe: found {name!r}, expected a name such as gcdr-t250-n2-k1")
    parts = found.groupdict()
    if parts["steps"] is None:
        return Recipe(parts["method"])
    redraw = {"k": "mean", "s": "sampled", None: ONLINE}[parts["letter"]]
    timestep = int(parts["timestep"]) if parts["timestep"] else None
    drawn = int(parts["draws"] or 1)
    return Recipe(parts["method"], timestep, int(parts["steps"]), drawn, redraw)


def pseudo_recipe(recipe: Recipe) -> Recipe:
    """Whose label store a student reads: its own, or the raw maps that are refined in every batch."""
    return Recipe("raw") if recipe.redraw == ONLINE else recipe


def averaged(recipe: Recipe) -> Recipe:
    """The recipe with its draws averaged: whose maps of test people are scored and shown."""
    return recipe if recipe.redraw is None else replace(recipe, redraw="mean")
