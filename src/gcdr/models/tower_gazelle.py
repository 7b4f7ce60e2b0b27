"""Gaze-LLE's decoder on a small tower that learns: what a student of Gaze-LLE's tokens is.

In the demo world it sees fewer pixels and has fewer blocks, at the published size it stands on a smaller
vision transformer. Its tokens are as many and as wide as the teacher's, whose heads it takes over
(:mod:`gcdr.models.token_loss`).
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from torch import Tensor, nn

from gcdr.base.errors import InputError
from gcdr.base.files import CHECKPOINTS
from gcdr.base.tensors import read_tensors
from gcdr.data.views import Colours
from gcdr.models.backbone import Backbone, SceneTower, ViT
from gcdr.models.checkpoints import check_finite, read_state
from gcdr.models.description import SCENE_TOWER, TOWERS, VIT, Description
from gcdr.models.gazelle import Gazelle
from gcdr.models.gazelle_config import WORLD, GazelleConfig
from gcdr.models.interface import GazeInputs, GazeModel, GazeOutput, Kind, Needs
from gcdr.models.precision import in_precision
from gcdr.models.sizes import TowersConfig, weights_file
from gcdr.models.weights import load_weights

INNER = "gazelle."  # before the names of tensors of a whole model


def small_tower(config: GazelleConfig) -> Backbone:
    """The tower that a configuration names, with initial weights, which learns.

    Raises:
        InputError: there is no such tower.
    """
    if config.backbone == WORLD:
        return SceneTower(TowersConfig.world()).learn()
    return ViT(config.backbone, config.picture_size).learn()


class TowerGazelle(GazeModel):
    """A tower that learns, and Gaze-LLE's decoder; an image is encoded once, however many people are in it.

    Args:
        config: sizes.
    """

    kind: ClassVar[str] = "gazelle-tower"

    def __init__(self, config: GazelleConfig) -> None:
        super().__init__()
        self.config = config
        self.gazelle = Gazelle(config, small_tower(config))

    @property
    def needs(self) -> Needs:
        return Needs(per="image")

    @property
    def input_size(self) -> int:
        return self.config.input_size

    @property
    def colours(self) -> Colours:
        return self.gazelle.colours

    @property
    def map_size(self) -> int:
        return self.config.map_size

    @property
    def objective(self) -> Callable[[Tensor, Tensor], Tensor]:
        return self.gazelle.objective

    @property
    def tells_in_frame(self) -> bool:
        return self.config.inout

    @property
    def output_heads(self) -> Mapping[str, nn.Module]:
        return self.gazelle.output_heads

    @in_precision
    def decoder_tokens(self, inputs: GazeInputs) -> tuple[Tensor, Tensor]:
        """As Gaze-LLE's, of images alone."""
        return self.gazelle.decoder_tokens(inputs)

    @in_precision
    def forward(self, inputs: GazeInputs) -> GazeOutput:
        """Predict heatmaps in [0, 1] of the people, and in-frame logits with ``inout``.

        Raises:
            InputError: there are no images, or they have another size.
        """
        return self.gazelle(inputs)


def start_tower(model: TowerGazelle, source: str | Path) -> None:
    """Load a whole model, or the tower alone from towers of VAT or a vision transformer.

    Args:
        model: of the file's sizes.
        source: a folder with ``model.safetensors``, or a file.

    Raises:
        InputError: the file is absent or unreadable, or its tensors are not exactly those expected.
    """
    path = Path(source) if Path(source).is_file() else weights_file(source)
    weights = read_state(path)[0] if path.suffix in CHECKPOINTS else read_tensors(path)
    if any(name.startswith(INNER) for name in weights):
        load_weights(model, weights, str(path))
    else:
        tower = model.gazelle.backbone
        load_weights(tower.model, tower.prepared(weights, str(path)), str(path))
    check_finite(model.state_dict(), path)


def _sized(config: GazelleConfig) -> Callable[[bool], GazelleConfig]:
    def sizes(prior: bool) -> GazelleConfig:
        if prior:
            raise InputError("Tower-Gaze-LLE: sees no prior map; expected a method without VAT-GC")
        return config

    return sizes


DESCRIPTION = Description(
    title="Tower-Gaze-LLE",
    sizes={"world": (56, 32), "paper": (448, 64)},
    marked_by=("gazelle.head_token.weight", "gazelle.backbone."),
    marks={
        "world": {
            "gazelle.linear.weight": (64, 128, 1, 1),
            "conv1_scene.weight": (16, 4, 5, 5),
        },
        "paper": {
            "gazelle.linear.weight": (256, 384, 1, 1),
            "patch_embed.proj.weight": (384, 3, 14, 14),
        },
    },
    starts=(TOWERS, SCENE_TOWER, VIT),
    in_frame_head=("gazelle.inout_token.", "gazelle.inout_head."),
    tokens_of=("gazelle",),
)

KIND = Kind(
    config=GazelleConfig,
    build=TowerGazelle,
    sizes={
        "world": _sized(replace(GazelleConfig.world(), input_size=56, blocks=1)),
        "paper": _sized(GazelleConfig.on("vit_small_patch14_dinov2")),
    },
    with_in_frame=lambda config: replace(config, inout=True),
    start=start_tower,
)
