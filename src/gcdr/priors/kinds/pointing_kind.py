"""A vision-language model that is asked to point."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

from gcdr.base.errors import InputError
from gcdr.base.files import read_json
from gcdr.base.jsonconfig import setting
from gcdr.base.outlines import tensor_shapes
from gcdr.models.contents import known_model, what_is
from gcdr.priors.kinds.kind import People, PriorKind, unknown
from gcdr.priors.kinds.outline import InShards, Outlined, Texts

RECORD = ".digest.json"  # beside what was downloaded
LABEL = '"label"'  # beside a place in an answer
_HOW = (
    "Locate what {} is looking at with one point, report its point coordinates in JSON format like "
    f'this: {{{{"point_2d": [x, y], {LABEL}: "what is there"}}}}'
)


@dataclass(frozen=True)
class Prompts(Texts):
    """What the model is asked, in the wording that Qwen-VL documents."""

    body: str = setting(
        "Asked where the body is outlined.",
        _HOW.format("the person in the green bounding box"),
        format="prose",
    )
    head: str = setting(
        "Asked where the head is outlined.",
        _HOW.format("the person whose head is in the green bounding box"),
        format="prose",
    )
    none: str = setting("Asked where nothing is.", _HOW.format("the person"), format="prose")


@dataclass(frozen=True, kw_only=True)
class Pointed(Outlined):
    """What decides the maps of a store, beside the model and whose they are."""

    questions: Prompts = setting("What is asked, by what points at the person.", Prompts)
    precision: Literal["fp32", "bf16"] = setting("In which the model computes.", "bf16")
    batch: int = setting("People computed together, at most.", 8, minimum=1, maximum=4096)
    max_new_tokens: int = setting("Longest answer in tokens.", 128, minimum=1, maximum=4096)
    max_pixels: int = setting(
        "Pixels of a picture beyond which it is made smaller.", 1048576, minimum=784, maximum=10**9
    )
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
class PointingPrior(Pointed, InShards, PriorKind):
    """A vision-language model, and how it is asked."""

    KIND: ClassVar[str] = "pointing"
    TITLE: ClassVar[str] = "A vision-language model that is asked to point."

    weights: str = setting(
        "Folder of the model as the package transformers writes it.", format="path"
    )

    def settings(self, overlay: str, which: str) -> PointingSettings:
        """What a job is told that makes the store of an overlay, for all people or those of a split."""
        named = {name: getattr(self, name) for name in Pointed.__dataclass_fields__}
        return PointingSettings(**named | {"overlay": overlay, "which": which})

    def names_things(self, dataset: str) -> bool:
        """Where its question asks for a name as well: a model that is asked for a place says none."""
        return LABEL in getattr(self.questions, self.overlay)

    def made_by(self, overlay: str | None, which: str) -> dict[str, Any]:
        return self.settings(overlay or self.overlay, which).to_json()

    def model_files(self, planned: Collection[str] = ()) -> list[str]:
        """The files of the model, weights, settings and vocabulary: those there and those to be fetched."""
        endings = (".safetensors", ".json", ".txt", ".model", ".jinja")
        folder = Path(self.weights)
        fetched = [Path(path) for path in planned if Path(path).parent == folder]
        found = {path for path in (*folder.glob("*"), *fetched) if path.suffix in endings}
        return sorted(str(path) for path in found if not path.name.endswith(RECORD))

    def problems(
        self, datasets: Collection[str], planned: Collection[str], people: People = unknown
    ) -> list[str]:
        files = self.model_files(planned)
        if not any(path.endswith(".safetensors") for path in files):
            return [f"weights: no .safetensors file in {self.weights}"]
        try:
            self._check_model([Path(path) for path in files if Path(path).is_file()])
        except InputError as error:
            return [f"weights: {error}"]
        return []

    def _check_model(self, files: Sequence[Path]) -> None:
        """Check that what is there of the model is what the package transformers writes.

        Raises:
            InputError: it is not.
        """
        for file in files:
            if file.suffix == ".safetensors":
                shapes = tensor_shapes(file) or {}
                if not shapes or known_model(shapes):
                    raise InputError(
                        f"{file}: holds {what_is(shapes)}, expected a vision-language model"
                    )
            elif file.name == "config.json":
                content = read_json(file)
                if not isinstance(content, dict) or "model_type" not in content:
                    raise InputError(
                        f"{file}: names no model_type, expected the settings of a model of transformers"
                    )
