"""Names of results: a method, or a teacher, with what it depends on. No torch.

A *variant* is a method's name with what identifies its result,
``gcdr-t250-n2-k1+ofa-world-body+vat``: timestep and steps (``tauto`` where labels choose both), the draws
of the noise (``k4``: four averaged, ``s4``: four of which each batch takes one, ``online``: made again in
every batch, as in the released code), the prior store whose maps it sees, and the gaze model that is
trained. What a method has no use for is left out, so that results that do not depend on it are made once.
Where another gaze model teaches, since it sees prior maps and the student cannot, or since the student learns
its tokens, its name stands before the student's: ``semi-vat-gc+ofa-world-body+vat+gazelle``.
"""

import re
from dataclasses import dataclass, replace
from typing import Final, Literal, NamedTuple

from gcdr.base.errors import InputError
from gcdr.methods import METHODS, TEACHERS, Method, Teacher

REDRAWS = {"mean": "k", "sampled": "s"}
ONLINE: Final = "online"
AUTO: Final = "auto"  # in place of a timestep: labels choose it, and the steps with it
Redraw = Literal["mean", "sampled", "online"]
JOINT = "+"  # before the names of prior store and gaze model, which never hold it


@dataclass(frozen=True)
class Variant:
    """A method with what identifies its result; None where it has no use for it.

    Attributes:
        method: key of ``METHODS``.
        timestep: how far the prior map is noised, or "auto": chosen by labels, and the steps with it.
        steps: DDIM steps; None with "auto".
        draws: noise draws of each person.
        redraw: what becomes of them: "mean", "sampled" or "online".
        prior: name of the prior store whose maps are seen.
        gaze: name of the gaze model in the configuration.
        labeller: that of the gaze model whose teacher makes the labels, or tokens, where it is another one.
    """

    method: str
    timestep: int | Literal["auto"] | None = None
    steps: int | None = None
    draws: int | None = None
    redraw: Redraw | None = None
    prior: str | None = None
    gaze: str | None = None
    labeller: str | None = None

    @property
    def about(self) -> Method:
        """The entry of ``METHODS``."""
        return METHODS[self.method]

    @property
    def model(self) -> str | None:
        """The folder name of what makes the labels, or is judged: a teacher with what it depends on."""
        name = self.about.teacher
        return None if name is None else teacher_name(name, self.prior, self.labeller or self.gaze)

    def __str__(self) -> str:
        numbers = ""
        if self.redraw is not None:
            numbers = "" if self.timestep is None else f"-t{self.timestep}"
            numbers += "" if self.steps is None else f"-n{self.steps}"
            drawn = ONLINE if self.redraw == ONLINE else f"{REDRAWS[self.redraw]}{self.draws}"
            numbers += f"-{drawn}"
        return self.method + numbers + _suffixes(self.prior, self.labeller, self.gaze)


CONFIGURED = "configured"
"""In place of a sampler that a method always takes, in the name of a chosen timestep's file."""


def choice_name(asked: Variant) -> str:
    """What a variant's choice is named after, beside the prior: ``configured``, ``configured-k8``."""
    sampler = asked.about.sampler or CONFIGURED
    return sampler if asked.draws in (None, 1) else f"{sampler}-k{asked.draws}"


def parse_choice_name(name: str) -> tuple[str | None, int]:
    """The sampler, None for the configured one, and the noise draws of :func:`choice_name`."""
    sampler, _, drawn = name.partition("-k")
    return None if sampler == CONFIGURED else sampler, int(drawn or 1)


def _suffixes(*names: str | None) -> str:
    return "".join(JOINT + name for name in names if name is not None)


def teacher_name(teacher: str, prior: str | None, gaze: str | None) -> str:
    """Name of a teacher with the prior store and the gaze model that it depends on."""
    about = TEACHERS[teacher]
    named = gaze if about.family == "gaze" else None
    return teacher + _suffixes(prior if about.gradcam else None, named)


class NamedTeacher(NamedTuple):
    """What a teacher's name with what it depends on says."""

    name: str
    about: Teacher
    prior: str | None
    gaze: str | None


def parse_teacher(name: str) -> NamedTeacher:
    """A teacher of :func:`teacher_name`, its prior store and its gaze model."""
    first, *names = name.split(JOINT)
    about = TEACHERS[first]
    prior = names.pop(0) if about.gradcam and names else None
    return NamedTeacher(first, about, prior, names.pop(0) if names else None)


NAMES = "|".join(sorted(METHODS, key=len, reverse=True))
SUFFIXES = r"(?:\+[^+/]+){0,3}"


def ending_with(gaze: str) -> str:
    """Regular expression of those suffixes whose last name is a gaze model's."""
    return r"(?:\+[^+/]+){0,2}" + re.escape(JOINT + gaze)


def pattern(methods: str, drawn: str = rf"[ks]\d+|{ONLINE}", suffixes: str = SUFFIXES) -> str:
    """Regular expression of the variants of methods (separated by ``|``), for wildcards.

    Args:
        methods: their names.
        drawn: what stands for the draws of the noise.
        suffixes: names of prior store and gaze model.
    """
    return rf"(?:{methods})(?:(?:-t{AUTO}|(?:-t\d+)?-n\d+)-(?:{drawn}))?{suffixes}"


PATTERN = pattern(NAMES)
"""Regular expression of all variants."""

TOKENS = pattern("|".join(name for name, about in METHODS.items() if about.tokens))  # not labels
BY_LABELS = "|".join(name for name in NAMES.split("|") if not METHODS[name].tokens)
STORED = pattern(BY_LABELS, r"[ks]\d+")
"""Of those whose labels are made once."""

_PARTS = re.compile(
    rf"(?P<method>{NAMES})(?:(?:-t(?P<auto>{AUTO})|(?:-t(?P<timestep>\d+))?-n(?P<steps>\d+))"
    rf"-(?:(?P<letter>[ks])(?P<draws>\d+)|{ONLINE}))?(?P<names>{SUFFIXES})"
)


def variant(
    method: str,
    timestep: int | Literal["auto"],
    steps: int,
    draws: int,
    redraw: Redraw,
    prior: str | None = None,
    gaze: str | None = None,
    labeller: str | None = None,
) -> Variant:
    """A method's variant; what it has no use for is left out.

    Args:
        method, timestep, steps, draws, redraw, prior, gaze: as in :class:`Variant`.
        labeller: the gaze model that teaches where that may be another one; None: ``gaze``.

    Raises:
        InputError: no such method.
    """
    if method not in METHODS:
        raise InputError(f"method: found {method!r}, expected one of {', '.join(METHODS)}")
    about = METHODS[method]
    seen = prior if about.gradcam else None
    trained = gaze if about.student or about.labels_by_gaze else None
    if about.family != "diffusion":
        other = labeller if about.teacher_apart and labeller != gaze else None
        return Variant(method, prior=seen, gaze=trained, labeller=other)
    drawn = 1 if redraw == ONLINE else draws
    noised = timestep if about.gradcam else None
    return Variant(method, noised, None if noised == AUTO else steps, drawn, redraw, seen, trained)


def parse_variant(name: str) -> Variant:
    """The variant of a name, as ``str`` writes it.

    Raises:
        InputError: it is none.
    """
    found = _PARTS.fullmatch(name)
    if not found:
        raise InputError(f"variant: found {name!r}, expected a name such as gcdr-t250-n2-k1")
    parts = found.groupdict()
    names = parts["names"].split(JOINT)[1:]
    about = METHODS[parts["method"]]
    prior = names.pop(0) if about.gradcam and names else None
    labeller = names.pop(0) if about.teacher_apart and len(names) == 2 else None
    gaze = names.pop(0) if names else None
    if names or (labeller is not None and labeller == gaze):
        raise InputError(f"variant: found {name!r}, expected a name with fewer parts after +")
    if parts["steps"] is None and parts["auto"] is None:
        return Variant(parts["method"], prior=prior, gaze=gaze, labeller=labeller)
    letters: dict[str | None, Redraw] = {"k": "mean", "s": "sampled", None: ONLINE}
    redraw = letters[parts["letter"]]
    timestep = _number(parts["timestep"])
    if parts["auto"] and not about.gradcam:
        raise InputError(f"variant: found {name!r}, expected no timestep: it starts from noise")
    drawn, steps = int(parts["draws"] or 1), _number(parts["steps"])
    if parts["auto"]:
        return Variant(parts["method"], AUTO, None, drawn, redraw, prior, gaze)
    return Variant(parts["method"], timestep, steps, drawn, redraw, prior, gaze)


def _number(text: str | None) -> int | None:
    return None if text is None else int(text)


def pseudo_variant(variant: Variant) -> Variant:
    """Whose label store a student reads: its own, or the raw maps that are refined in every batch.

    With the gaze model only where that makes the labels: students of several models share the store.
    """
    return Variant("raw", prior=variant.prior) if variant.redraw == ONLINE else _of_labels(variant)


def averaged(variant: Variant) -> Variant:
    """The variant with its draws averaged: whose maps of test people are scored and shown."""
    return _of_labels(variant if variant.redraw is None else replace(variant, redraw="mean"))


def _of_labels(variant: Variant) -> Variant:
    """The variant with the gaze model that makes the labels, if one does, and without the student's."""
    gaze = (variant.labeller or variant.gaze) if variant.about.labels_by_gaze else None
    return replace(variant, gaze=gaze, labeller=None)
