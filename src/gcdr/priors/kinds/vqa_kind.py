"""A VQA model that is asked about every person, its answer explained by Grad-CAM (paper, Sec. 3.2)."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

from gcdr.base.errors import InputError
from gcdr.base.files import read_json
from gcdr.base.jsonconfig import setting
from gcdr.base.plain import JsonTable
from gcdr.models.contents import BLIP as BLIP_VQA
from gcdr.models.contents import OFA, check_weights
from gcdr.priors.kinds.kind import People, PriorKind, check_layer, unknown
from gcdr.priors.kinds.outline import InShards, Outlined, Texts
from gcdr.priors.vqa.nouns import SPACY_MODELS, missing_for_spacy
from gcdr.priors.vqa.ofa.config import OFAConfig
from gcdr.priors.vqa.ofa.layouts import BLIP, OURS, Layout, Released, find_layout

TABLE = "encoder.embed_tokens.weight"
DECODER_LAYER = re.compile(r"decoder\.layers\.(\d{1,4})\.")
ABOUT_BOX = "What is the person in the green bounding box looking at?"


@dataclass(frozen=True)
class Questions(Texts):
    """What a VQA model is asked (paper, Sec. 3.2)."""

    body: str = setting("Asked where the body is outlined.", ABOUT_BOX, format="prose")
    head: str = setting("Asked where the head is outlined.", ABOUT_BOX, format="prose")
    none: str = setting(
        "Asked where nothing is: without overlay, or where no body was found.",
        "What is the person looking at?",
        format="prose",
    )


@dataclass(frozen=True, kw_only=True)
class Asked(Outlined):
    """What decides the maps of a store, beside the model and whose they are."""

    questions: Questions = setting("What is asked, by what points at the person.", Questions)
    layers: tuple[int, ...] = setting(
        "Decoder layers whose maps are stored, counted from 1.",
        minItems=1,
        uniqueItems=True,
        items={"minimum": 1, "maximum": 100},
        maxItems=100,
    )
    tagger: Literal["auto", "rules", "spacy"] = setting(
        f'What finds nouns in answers: "spacy" with its model {SPACY_MODELS[0]}, "rules" (word lists), or '
        '"auto": spaCy where both are installed. The store says which it was.',
        "auto",
    )
    word: Literal["paper", "compound", "reference"] = setting(
        'The word that is explained: "paper" takes the first noun ("tennis" of "tennis racket"), '
        '"compound" the last word of the first run of nouns ("racket"), "reference" the same with '
        "pronouns, and the word's number as the token's, as the released code does.",
        "compound",
    )
    beam: int = setting("Beams of the answer search.", 5, minimum=1, maximum=100)
    normalise: bool = setting(
        "Whether answers are ranked by log-probability a token, not by its sum.", True
    )
    length_penalty: float = setting(
        "Exponent of the length in that mean.", 1.0, minimum=0, maximum=100
    )
    max_length: int = setting("Longest answer in tokens.", 200, minimum=1, maximum=4096)
    every: int = setting(
        "In films one frame in so many of each person is asked about; the frames after it share its answer, "
        "and its map moves with the head.",
        1,
        minimum=1,
        maximum=10000,
    )
    precision: Literal["fp32", "bf16"] = setting(
        "In which the model reads and answers; Grad-CAM is computed in fp32 in either case.", "fp32"
    )

    def to_json(self) -> JsonTable:
        """Asking about every frame is not mentioned: stores that were made before there was another way say
        nothing of it, and pictures have no frames."""
        told = super().to_json()
        return told if self.every > 1 else {k: v for k, v in told.items() if k != "every"}


@dataclass(frozen=True, kw_only=True)
class AskSettings(Asked):
    """What a job is told.

    Attributes:
        which: whose maps are made: everybody's, or those of the test people.
    """

    which: Literal["all", "test"] = "all"


@dataclass(frozen=True, kw_only=True)
class VqaPrior(Asked, InShards, PriorKind):
    """A VQA model, and how it is asked and explained."""

    KIND: ClassVar[str] = "vqa"
    TITLE: ClassVar[str] = "The VQA model that is asked, and its Grad-CAM."

    weights: str = setting(
        "The VQA model: a folder of this package, a Hugging Face folder of OFA, a fairseq .pt with "
        "encoder.json, vocab.bpe and dict.txt beside it, or BLIP-VQA in the layout of the package "
        "transformers, which it needs.",
        format="path",
    )
    released: Released = setting("What weights in a released layout must be.", Released)
    layer: int = setting("Decoder layer whose maps are used.", minimum=1, maximum=100)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_layer(self.layer, self.layers)

    @property
    def converted(self) -> str:
        """Folder of its weights where they are converted from a released layout."""
        return f"results/weights/{Path(self.weights).name}-{self.released.image_size}px"

    @property
    def read_from(self) -> Path:
        """Folder that jobs read its weights from; what is not there yet will be converted."""
        try:
            as_it_is = find_layout(self.weights).kind in (OURS, BLIP)
        except InputError:
            as_it_is = False
        return Path(self.weights if as_it_is else self.converted)

    @property
    def used_layer(self) -> int:
        return self.layer

    def settings(self, overlay: str, which: str) -> AskSettings:
        """What a job is told that makes the store of an overlay, for all people or those of a split."""
        named = {name: getattr(self, name) for name in Asked.__dataclass_fields__}
        return AskSettings(**named | {"overlay": overlay, "which": which})

    def names_things(self, dataset: str) -> bool:
        return True

    def made_by(self, overlay: str | None, which: str) -> dict[str, Any]:
        """All that a job is told; of the tagger "auto" the store says what was found."""
        told = self.settings(overlay or self.overlay, which).to_json()
        return {key: value for key, value in told.items() if (key, value) != ("tagger", "auto")}

    def problems(
        self, datasets: Collection[str], planned: Collection[str], people: People = unknown
    ) -> list[str]:
        problems = []
        if self.tagger == "spacy" and (missing := missing_for_spacy()):
            problems.append(f"tagger: {missing}")
        try:
            layout = find_layout(self.weights, planned)
            if all(Path(file).is_file() for file in layout.files):
                self._check_model(layout)
        except InputError as error:
            problems.append(f"weights: {error}")
        return problems

    def _check_model(self, layout: Layout) -> None:
        """Check that its files are those of a VQA model, and that it has the layers that are asked for.

        Raises:
            InputError: they are not, or it has not.
        """
        marks = {}
        if layout.kind == OURS:
            file = Path(self.weights) / "config.json"
            config = OFAConfig.from_json(read_json(file), str(file))
            marks = {TABLE: (config.vocabulary, config.width)}
        shapes = check_weights(layout.files[0], [BLIP_VQA if layout.kind == BLIP else OFA], marks)
        numbers = (DECODER_LAYER.match(name) for name in shapes)
        depth = max((int(found[1]) + 1 for found in numbers if found), default=None)
        if depth is not None and max(self.layers) > depth:
            raise InputError(
                f"{self.weights}: has {depth} decoder layers, found {list(self.layers)} as layers"
            )
