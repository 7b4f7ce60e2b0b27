"""Frozen backbones of any size by timm's name."""

from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import save_file

from gcdr.base.errors import InputError
from gcdr.models.contents import check_backbone_file
from gcdr.models.description import GazeModelSettings
from gcdr.models.kinds import GAZE_MODELS
from gcdr.models.named import initial_gaze_model
from gcdr.models.vits import is_timms, vit_sizes

TINY = "vit_tiny_patch16_224"


@pytest.mark.parametrize(
    "name",
    [
        TINY,
        "vit_tiny_patch16_224.augreg_in21k",
        "vit_small_patch14_reg4_dinov2",
        "vit_small_plus_patch16_dinov3",
        "vit_base_patch16_siglip_224",
        "vit_base_patch16_plus_240",
        "vit_giant_patch14_clip_224",
        "vit_giant_patch14_dinov2",
        "deit3_medium_patch16_224",
    ],
)
def test_sizes_are_those_of_timm(name: str) -> None:
    said = vit_sizes(name)
    with torch.device("meta"):
        model = timm.create_model(name, num_classes=0, img_size=said.pixels)
    assert (said.channels, said.patch) == (model.embed_dim, model.patch_embed.patch_size[0])
    assert tuple(model.patch_embed.grid_size) == (32, 32)
    assert is_timms(name)


@pytest.mark.parametrize(
    "name", ["paper", "resnet50", "vit_some_patch16_224", "vit_tiny", "VIT", ""]
)
def test_what_is_no_vision_transformer(name: str) -> None:
    assert vit_sizes(name) is None
    assert not GAZE_MODELS["gazelle"].has_size(name) or name == "paper"


def test_a_decoder_on_another_backbone(tmp_path: Path) -> None:
    """With its colours, its names, and without the classifier that such files have."""
    torch.manual_seed(0)
    timms = timm.create_model(TINY, num_classes=10, img_size=224).eval()
    save_file(timms.state_dict(), tmp_path / "tiny.safetensors")
    check_backbone_file(tmp_path / "tiny.safetensors", "gazelle", TINY)
    model = initial_gaze_model(
        GazeModelSettings("gazelle", TINY, str(tmp_path / "tiny.safetensors")), False, None, seed=0
    )
    sides = (model.input_size, model.map_size)
    assert sides == (512, 64) == GAZE_MODELS["gazelle"].sides(TINY)
    assert model.colours == ((0.5,) * 3, (0.5,) * 3)
    table = timms.pos_embed[:, 1:]
    assert model.backbone.model.pos_embed[:, 1:].shape == (1, 1024, table.shape[2])
    assert torch.equal(
        model.backbone.model.blocks[3].mlp.fc1.weight, timms.blocks[3].mlp.fc1.weight
    )


def test_files_of_another_size(tmp_path: Path) -> None:
    with torch.device("meta"):
        shapes = timm.create_model("vit_small_patch16_224", depth=1).state_dict()
    save_file({k: torch.zeros(v.shape) for k, v in shapes.items()}, tmp_path / "small.safetensors")
    for size in (TINY, "vit_small_patch32_224"):
        with pytest.raises(InputError, match=r"of another size .*patch_embed\.proj\.weight"):
            check_backbone_file(tmp_path / "small.safetensors", "gazelle", size)
