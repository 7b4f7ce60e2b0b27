"""A vision-language model that is asked to point."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from gcdr.base.jsonconfig import JsonConfig, setting
from gcdr.priors.kinds.kind import PriorKind


@dataclass(frozen=True, kw_only=True)
class Pointed(JsonConfig):
    """What decides the maps of a store, beside the model and whose they are."""

    prompt: str = setting(
        "What is asked.",
        "Point to what the person in the green bounding box is looking at.",
        minLength=1,
    )
    overlay: Literal["body", "head", "none"] = setting(
        "What points at the person: the outline of the body that was found, of the head, or nothing.",
        "body",
    )
    precision: Literal["fp32", "bf16"] = setting("In which the model computes.", "bf16")
    block: int = setting("People computed together; part of the result's bits.", 16, minimum=1)
    max_new_tokens: int = setting("Longest answer in tokens.", 128, minimum=1)
    size: int = setting("Side of the maps in cells.", 64, minimum=4, maximum=1024)
    sigma: float = setting(
        "Standard deviation of a point's Gaussian in cells.", 3.0, minimum=0.25, maximum=1024
    )


@dataclass(frozen=True, kw_only=True)
class PointingSettings(Pointed):
    """What a job is told.

    Attributes:
        which: whose maps are made: everybody's, or those of the test people.
    """

    which: Literal["all", "test"] = "all"


@dataclass(frozen=True, kw_only=True)
class PointingPrior(Pointed, PriorKind):
    """A vision-language model, and how it is asked."""

    KIND: ClassVar[str] = "pointing"
    TITLE: ClassVar[str] = "A vision-language model that is asked to point."

    weights: str = setting(
        "Folder of the model as the package transformers writes it.", minLength=1
    )
    shards: int = setting("Jobs that share the people; never changes a bit.", 4, minimum=1)
    workers: int = setting(
        "Pictures that a job reads at a time. Never changes a bit.", 1, minimum=1
    )

    @property
    def used_overlay(self) -> str:
        return self.overlay

    @property
    def jobs(self) -> int:
        return self.shards

    def settings(self, overlay: str, which: str) -> PointingSettings:
        """What a job is told that makes the store of an overlay, for all people or those of a split."""
        named = {name: getattr(self, name) for name in Pointed.__dataclass_fields__}
        return PointingSettings(**named | {"overlay": overlay, "which": which})

    def model_files(self) -> list[str]:
        """The files of the model that are there: weights, settings and vocabulary."""
        endings = (".safetensors", ".json", ".txt", ".model", ".jinja")
        found = (path for path in Path(self.weights).glob("*") if path.suffix in endings)
        return sorted(map(str, found))

    def problems(self, datasets: Collection[str], planned: Collection[str]) -> list[str]:
        if any(path.endswith(".safetensors") for path in self.model_files()):
            return []
        return [f"weights: no .safetensors file in {self.weights}"]
