"""How maps are refined and labels made, as settings that travel as JSON. No torch: planning reads them."""

from dataclasses import dataclass, replace
from typing import Literal

from gcdr.base.jsonconfig import JsonConfig
from gcdr.base.plain import JsonTable
from gcdr.refine.choice import Chosen

NOISE_OFFSETS = {"consistent": -1, "reference": 0}
"""Schedule index at which a sampler noises a map, minus the timestep; where nothing else is said."""


@dataclass(frozen=True)
class MapSettings(JsonConfig):
    """How prior maps become heatmaps.

    Attributes:
        size: side in cells.
        sigma: standard deviation of a label's Gaussian in cells.
        layer: decoder layer whose maps are taken, counted from 1.
    """

    size: int
    sigma: float
    layer: int = 1


@dataclass(frozen=True)
class SamplerSettings(JsonConfig):
    """The noise and the sampler; what is None is as the sampler has it.

    Attributes:
        timesteps: T of the noise schedule.
        schedule: "linear" or "cosine".
        sampler: a name of :data:`gcdr.refine.diffusion.SAMPLERS`.
        eta, noise_offset, last_alpha: see :class:`gcdr.refine.diffusion.SamplerConfig`.
    """

    timesteps: int
    schedule: Literal["linear", "cosine"] = "linear"
    sampler: Literal["reference", "consistent"] = "reference"
    eta: float | None = None
    noise_offset: int | None = None
    last_alpha: Literal["one", "first"] | None = None

    def as_defined(self, sampler: Literal["reference", "consistent"]) -> "SamplerSettings":
        """The same noise under a sampler as it is defined."""
        return SamplerSettings(self.timesteps, self.schedule, sampler)


@dataclass(frozen=True)
class RefineSettings(JsonConfig):
    """How maps are refined.

    Attributes:
        sampling: noise and sampler.
        timestep: how far a map is noised; None starts from pure noise, "auto" is yet to be chosen.
        steps: DDIM steps; None with "auto".
        draws: noise draws of each person.
        redraw: what becomes of them: "mean", "sampled" or "online".
        start: what of the prior is noised: "stretched", the map from 0 to 1 (paper), or "expected", it as
            a distribution of places, blurred as a label is.
        stretch: whether a refined map becomes a label by stretching it from 0 to 1 (paper).
        precision: in which the diffusion model computes products: "fp32" or "bf16".
    """

    sampling: SamplerSettings
    timestep: int | Literal["auto"] | None
    steps: int | None = 2
    draws: int = 1
    redraw: Literal["mean", "sampled", "online"] = "mean"
    start: Literal["stretched", "expected"] = "stretched"
    stretch: bool = True
    precision: Literal["fp32", "bf16"] = "fp32"

    def to_json(self) -> JsonTable:
        """float32 is not mentioned: what was made before there was another precision says nothing of it."""
        told = super().to_json()
        return (
            told
            if self.precision != "fp32"
            else {k: v for k, v in told.items() if k != "precision"}
        )


@dataclass(frozen=True)
class LabelSettings(JsonConfig):
    """How labels are made.

    Attributes:
        maps: how prior maps become heatmaps.
        family: of the model that makes them, see :mod:`gcdr.methods`; None takes the prior map itself.
        gaussian: whether the peak of what was made alone counts.
        refine: of a diffusion model, how it refines.
    """

    maps: MapSettings
    family: Literal["gaze", "diffusion", "mapping"] | None = None
    gaussian: bool = False
    refine: RefineSettings | None = None


@dataclass(frozen=True)
class SweepSettings(JsonConfig):
    """A sweep over noise timesteps.

    Attributes:
        maps: how prior maps become heatmaps.
        refine: how maps are refined; its timestep does not count.
        timesteps: those that are tried.
    """

    maps: MapSettings
    refine: RefineSettings
    timesteps: tuple[int, ...]


@dataclass(frozen=True)
class ChoiceSettings(JsonConfig):
    """How a timestep is chosen.

    Attributes:
        maps: how prior maps become heatmaps.
        refine: how maps are refined; its timestep and steps do not count.
        timesteps, steps: the candidates are all pairs of them, of which none has more steps than timesteps.
        repeats: how often each person is refined with fresh noise; their errors are averaged.
        group_least: labelled people from which a group has a choice of its own, if they are of two images or
            films at least.
        group_strength: how many people of a group everybody together counts for there.
    """

    maps: MapSettings
    refine: RefineSettings
    timesteps: tuple[int, ...]
    steps: tuple[int, ...]
    repeats: int = 1
    group_least: int = 20
    group_strength: float = 10.0

    def candidates(self) -> list[Chosen]:
        """Timesteps and steps that are compared."""
        return [Chosen(t, n) for t in self.timesteps for n in self.steps]

    def refinements(self) -> list[RefineSettings]:
        """How each candidate refines."""
        return [
            replace(self.refine, timestep=one.timestep, steps=one.steps)
            for one in self.candidates()
        ]
