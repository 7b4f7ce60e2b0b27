"""Weights of the semantic gaze model: released checkpoints, MultiMAE's and Gaze360's, and safetensors.

A released checkpoint is one of Lightning: all its tensors are the model's, ``model.`` before each but
``logit_scale``; it may have been taken off. The two files of pretraining hold more than is taken of them.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from gcdr.base.errors import InputError
from gcdr.base.files import CHECKPOINTS, file_digest
from gcdr.base.tensors import read_tensors
from gcdr.models.checkpoints import COUNTER, check_finite, filled, read_state
from gcdr.models.description import GAZE360, MULTIMAE, TOWERS, VAT_MARKS, Description
from gcdr.models.interface import Kind
from gcdr.models.semgaze import PREFIX, Semgaze, pretrained_table
from gcdr.models.semgaze_config import SemgazeConfig
from gcdr.models.sizes import WEIGHTS_FILE, weights_file
from gcdr.models.weights import load_weights, warm_start

TOLD_BY = "gaze_decoder.not_a_person_embed.weight"
RGB, BLOCKS, HEAD, TABLE = "input_adapters.rgb.", "encoder.", "base_head.", "pos_emb"
HEAD_WIDTH = 64  # channels of an attention head of the image encoder


def released_semgaze(
    state: Mapping[str, Tensor], path: str | Path, backbone: str | Path | None = None
) -> tuple[Semgaze, dict[str, Any]] | None:
    """The model of a released checkpoint, its sizes told by its tensors; None for tensors of another model.

    Raises:
        InputError: a backbone is given, which it has not; or the tensors do not fit.
    """
    weights = {name.removeprefix(PREFIX): value for name, value in state.items()}
    if TOLD_BY not in weights:
        return None
    if backbone is not None:
        raise InputError(
            f"{path}: found a semantic gaze model, which stands on no frozen backbone; expected a model on "
            f"{backbone}"
        )
    config = _sizes_of(weights, path)
    model = filled(lambda: Semgaze(config), weights, f"{path}, read as a semantic gaze model")
    return model, {"released": "semantic gaze model"}


def _sizes_of(weights: Mapping[str, Tensor], path: str | Path) -> SemgazeConfig:
    """Sizes of a released layout: the encoder's attention heads are 64 channels wide, the decoder has 8."""
    table = weights.get(f"image_tokenizer.{TABLE}")
    inner = weights.get("gaze_decoder.transformer.layers.0.mlp.lin1.weight")
    label = weights.get("gaze_decoder.label_mlp.layers.5.weight")
    if table is None or inner is None or label is None or table.ndim != 4:
        raise InputError(
            f"{path}: found a semantic gaze model without its position table, its decoder's hidden layer or "
            "its label head; expected all tensors of a released checkpoint"
        )
    width, side = table.shape[1], table.shape[2]
    return SemgazeConfig(
        input_size=16 * side,
        grid=side,
        width=width,
        blocks=_count(weights, "encoder.encoder."),
        encoder_heads=max(1, width // HEAD_WIDTH),
        decoder_layers=_count(weights, "gaze_decoder.transformer.layers."),
        decoder_inner=inner.shape[0],
        label_width=label.shape[0],
        map_size=4 * side,
    )


def _count(weights: Mapping[str, Tensor], prefix: str) -> int:
    numbers = {
        name.removeprefix(prefix).split(".")[0] for name in weights if name.startswith(prefix)
    }
    return len(numbers)


def start_semgaze(model: Semgaze, source: str | Path) -> None:
    """Start a model from files of others, each taken for what it is; say what was left.

    Args:
        model: with initial weights.
        source: a released checkpoint or a folder of this package, which start all of it, its logit scale too;
            a file of MultiMAE, which starts the image encoder but for the token without a place, or of
            Gaze360, which starts the ResNet of heads; VAT's towers, for the demo world's size; or a folder
            with several such files.

    Raises:
        InputError: a file is unreadable, of another model, or lacks a tensor.
    """
    source = Path(source)
    for file in pretraining_files(source) or [weights_file(source)]:
        weights = (
            read_state(file, alone=True)[0] if file.suffix in CHECKPOINTS else read_tensors(file)
        )
        taken = _take(model, weights, str(file))
        print(f"{file}: {taken} of {len(model.state_dict())} tensors start from it")
    check_finite(model.state_dict(), source)


def pretraining_files(folder: Path) -> list[Path]:
    """Checkpoints in a folder that is no model of this package; those of pretraining, perhaps."""
    if not folder.is_dir() or (folder / WEIGHTS_FILE).exists():
        return []
    return sorted(one for one in folder.glob("*") if one.suffix in CHECKPOINTS)


def semgaze_from(folder: Path) -> tuple[Semgaze, dict[str, Any]] | None:
    """A model of the paper's size that starts from files of pretraining, and which these are.

    Returns:
        None where the folder holds no such file.

    Raises:
        InputError: as :func:`start_semgaze`.
    """
    if not pretraining_files(folder):
        return None
    torch.manual_seed(0)
    model = Semgaze(SemgazeConfig.paper()).eval()
    start_semgaze(model, folder)
    files = {file.name: file_digest(file) for file in pretraining_files(folder)}
    return model, {"released": "start of a semantic gaze model", "files": files}


def _take(model: Semgaze, weights: Mapping[str, Tensor], where: str) -> int:
    bare = {name.removeprefix(PREFIX): value for name, value in weights.items()}
    if TOLD_BY in bare:
        load_weights(model, bare, where)
        return len(bare)
    if model.config.scene == "towers":
        return _take_towers(model, weights, where)
    image, heads = _after(weights, RGB), _after(weights, HEAD)
    if image:
        blocks = _after({k: v for k, v in weights.items() if "adapters" not in k}, BLOCKS)
        image[TABLE] = pretrained_table(image.get(TABLE, torch.zeros(())), model.config.grid)
        load_weights(model.image_tokenizer, image, where)
        load_weights(model.encoder.encoder, blocks, where)
        return len(image) + len(blocks)
    if heads:
        return _load(model.gaze_encoder.backbone, heads, where)
    raise InputError(
        f"{where}: found {', '.join(list(weights)[:3])}, expected a semantic gaze model, MultiMAE or a "
        f"ResNet-18 of Gaze360"
    )


def _after(weights: Mapping[str, Tensor], mark: str) -> dict[str, Tensor]:
    """Tensors whose names hold a mark, by what stands after it."""
    return {name.split(mark, 1)[1]: value for name, value in weights.items() if mark in name}


def _load(part: nn.Module, weights: dict[str, Tensor], where: str) -> int:
    own = part.state_dict()
    counters = {name: own[name] for name in own if name.endswith(COUNTER)}
    load_weights(part, {**counters, **weights}, where)
    return len(weights)


def _take_towers(model: Semgaze, weights: Mapping[str, Tensor], where: str) -> int:
    taken = 0
    for tower in (model.image_tokenizer.tower, model.gaze_encoder.backbone[0]):
        own = {k: v for k, v in weights.items() if k.split(".")[0].endswith(f"_{tower.which}")}
        match = warm_start(tower.tower, own, where)
        taken += len(own) - len(match.unknown)
    return taken


def _sized(make: Any) -> Any:
    """Named sizes, which see no prior map."""

    def sizes(prior: bool) -> SemgazeConfig:
        if prior:
            raise InputError("Semgaze: sees no prior map; expected a method without VAT-GC")
        return make()

    return sizes


DESCRIPTION = Description(
    title="Semgaze",
    sizes={"world": (56, 32), "paper": (256, 64)},
    marked_by=("gaze_decoder.not_a_person_embed.weight", "image_tokenizer.pos_emb"),
    marks={
        "world": VAT_MARKS["world"] | {"image_tokenizer.pos_emb": (1, 64, 7, 7)},
        "paper": {
            "image_tokenizer.pos_emb": (1, 768, 16, 16),
            "model.image_tokenizer.pos_emb": (1, 768, 16, 16),
        },
    },
    starts=(TOWERS, MULTIMAE, GAZE360),
    prefix="model.",
    in_frame_head=("gaze_decoder.inout_mlp.",),
    names=True,
)

KIND = Kind(
    config=SemgazeConfig,
    build=Semgaze,
    sizes={"world": _sized(SemgazeConfig.world), "paper": _sized(SemgazeConfig.paper)},
    with_in_frame=lambda config: replace(config, inout=True),
    start=start_semgaze,
    released=released_semgaze,
    from_pretraining=semgaze_from,
)
