"""A small Gaze-LLE and people in made-up pictures."""

from collections.abc import Mapping

import torch
from torch import Tensor

from gcdr.models.backbone import Backbone, ViT
from gcdr.models.gazelle import Gazelle
from gcdr.models.gazelle_config import GazelleConfig
from gcdr.models.interface import GazeInputs

SMALL = {"embed_dim": 24, "depth": 2, "num_heads": 2}
CONFIG = GazelleConfig(
    input_size=56, grid=(4, 4), channels=24, width=32, blocks=2, heads=4, map_size=8, inout=True
)


class NoBackbone(Backbone):
    """Of the sizes that a configuration asks for, and nothing else."""

    def __init__(self, config: GazelleConfig) -> None:
        super().__init__(torch.nn.Identity())
        self.grid, self.channels = tuple(config.grid), config.channels
        self.picture_size = config.picture_size

    def features(self, images: Tensor) -> Tensor:
        raise AssertionError("has none")

    def prepared(self, weights: Mapping[str, Tensor], where: str) -> dict[str, Tensor]:
        return dict(weights)


def small(inout: bool = True, seed: int = 0) -> Gazelle:
    torch.manual_seed(seed)
    config = GazelleConfig(**{**CONFIG.to_json(), "grid": (4, 4), "inout": inout})
    model = Gazelle(config, ViT("vit_base_patch14_dinov2", (56, 56), **SMALL))
    torch.nn.init.normal_(model.linear.weight)
    return model.eval()


def people(images: int, count: int, seed: int = 0) -> GazeInputs:
    generator = torch.Generator().manual_seed(seed)
    corner = torch.rand(count, 2, generator=generator) * 0.6
    return GazeInputs(
        images=torch.randn(images, 3, 56, 56, generator=generator),
        image_of=torch.randint(images, (count,), generator=generator),
        head_box=torch.cat([corner, corner + 0.4], dim=1),
    )


def people_of(inputs: GazeInputs) -> tuple[Tensor, Tensor]:
    return inputs.image_of, inputs.head_box


def with_tokens(inputs: GazeInputs, tokens: Tensor) -> GazeInputs:
    return GazeInputs(
        images=None, tokens=tokens, image_of=inputs.image_of, head_box=inputs.head_box
    )
