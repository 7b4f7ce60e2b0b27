"""OFA's released checkpoints: fairseq's ``.pt`` files and the Hugging Face folders.

Both hold the same tensors. Names are those of fairseq, which our modules follow; the Hugging Face port
renames a few. Everything else in the files (optimizer, running averages, buffers) is left alone.
"""

import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gcdr.base.download import check_digest
from gcdr.base.errors import InputError
from gcdr.base.files import file_digest, read_json, write_sealed
from gcdr.base.tensors import read_tensors
from gcdr.base.unpickling import attributes, read_torch
from gcdr.priors.vqa.ofa.checkpoint import TABLE, TIED, build_ofa, save_weights
from gcdr.priors.vqa.ofa.config import OFAConfig
from gcdr.priors.vqa.ofa.layouts import FAIRSEQ, find_layout
from gcdr.priors.vqa.ofa.model import OFA
from gcdr.priors.vqa.ofa.tokenizer import TOKENIZER_FILES, Tokenizer

# Classes that settings in old files may be of; what they hold is read, their code is not.
SETTINGS_CLASSES = (
    "argparse.Namespace",
    "omegaconf.dictconfig.DictConfig",
    "omegaconf.listconfig.ListConfig",
    "omegaconf.base.ContainerMetadata",
    "omegaconf.base.Metadata",
    "omegaconf.nodes.AnyNode",
    "typing.Any",
    "builtins.dict",
    "__builtin__.dict",
)

# Buffers that are computed again: fairseq's version marks and the position tables.
RECOMPUTED = re.compile(
    r"(en|de)coder\.(version|token_rp_bucket|image_rp_bucket|image_position_idx)"
)
# Heads of fine-tuned classifiers, which answering does not use.
UNUSED = re.compile(r"classification_heads\.")
# Counters that files of very old PyTorch lack; evaluation never reads them.
COUNTER = "num_batches_tracked"

# Hugging Face's names to ours, tried in this order within ``encoder.`` or ``decoder.``.
RENAMED = (
    (r"\.cross_attn\.", ".encoder_attn."),
    (r"\.cross_attn_layer_norm\.", ".encoder_attn_layer_norm."),
    (r"\.cross_attn_mid_layer_norm\.", ".cross_attn_ln."),
    (r"^(encoder\.layers\.\d+)\.self_attn_mid_layer_norm\.", r"\1.attn_ln."),
    (r"^(decoder\.layers\.\d+)\.self_attn_mid_layer_norm\.", r"\1.self_attn_ln."),
    (r"\.ffn_layer_norm\.", ".ffn_layernorm."),
)

# Settings that change the arithmetic, with the only value that our model computes.
FIXED = {
    # fairseq
    "disable_entangle": True,
    "interpolate_position": False,
    "sync_bn": False,
    "no_scale_embedding": True,
    "attn_scale_factor": 2,
    "activation_fn": "gelu",
    # Hugging Face
    "entangle_position_embedding": False,
    "scale_embedding": False,
    "normformer": True,
    "add_type_embedding": True,
    "activation_function": "gelu",
}


# Ways of asking in which the decoder starts as ours does: with the start token alone.
PLAIN_PROMPTS = (None, "none")


def read_ofa(path: str | Path, size: str | None = None, image_size: int = 480) -> OFA:
    """A model with the weights of a released checkpoint, in float32.

    Tensors are mapped into memory and read when used, so the file is never held beside the model.

    Args:
        path: ``.pt``, ``pytorch_model.bin`` or ``model.safetensors``; the names inside tell the rest.
        size: the released size that it must have, "tiny" to "huge"; None takes any.
        image_size: side of the images in pixels; no file says it reliably (480 in the VQA scripts).

    Raises:
        InputError: the file is foreign or truncated, holds code, lacks a tensor or has one too many,
            is of another size, or was trained with settings that change the arithmetic, or to be
            asked otherwise.
    """
    path = Path(path)
    content = (
        read_tensors(path) if path.suffix == ".safetensors" else read_torch(path, SETTINGS_CLASSES)
    )
    content = attributes(content)
    _check_settings(content, path)
    _check_task(content, path, image_size)
    state = _our_state(content.get("model", content), path)
    config = find_config(state, path, image_size)
    if size is not None:
        _check_size(config, size, path)
    return build_ofa(config, {**_counters(state), **state}, path)


def convert_ofa(
    weights: str | Path, out: str | Path, size: str | None = None, image_size: int = 480
) -> None:
    """Write a released model as a folder of this package, with a card that names its files' digests.

    Files that were downloaded are held to the digest recorded then.

    Args:
        weights: a Hugging Face folder, or a fairseq ``.pt`` with its vocabulary beside it.
        out: the folder.
        size, image_size: see :func:`read_ofa`. A file that names other images is said on stderr.

    Raises:
        InputError: see :func:`read_ofa`; or a file is missing, or the vocabulary does not fit.
    """
    layout = find_layout(weights)
    for file in layout.files:
        check_digest(file)
    source, folder = Path(layout.files[0]), Path(out)
    if layout.kind == FAIRSEQ:
        tokenizer = Tokenizer.load_fairseq(source.parent)
    else:
        tokenizer = Tokenizer.load(source.parent)
        config = source.parent / "config.json"
        _check_settings(attributes(read_json(config)), config)
    model = read_ofa(source, size, image_size)
    if len(tokenizer) != model.config.vocabulary:
        raise InputError(
            f"{source.parent}: its vocabulary has {len(tokenizer)} tokens, "
            f"the embedding in {source.name} has {model.config.vocabulary} rows"
        )
    write_sealed(folder / "config.json", model.config.to_json())
    tokenizer.save(folder)
    card = {
        "what": f"OFA, {size_of(model.config) or 'no released size'}, converted",
        "layout": layout.kind,
        "files": {Path(file).name: file_digest(file) for file in layout.files},
    }
    save_weights(model, folder / "model.safetensors", card, TOKENIZER_FILES)


def find_config(state: Mapping[str, Tensor], path: str | Path, image_size: int) -> OFAConfig:
    """The architecture that tensors of these names and shapes belong to.

    Raises:
        InputError: a tensor that tells a size is missing, or the sizes fit no OFA.
    """

    def rows(name: str, axis: int = 0) -> int:
        if name not in state:
            raise InputError(f"{path}: found no tensor {name!r}; not a checkpoint of OFA")
        shape = tuple(state[name].shape)
        if len(shape) <= axis:
            raise InputError(
                f"{path}: {name!r} has shape {shape}, expected {axis + 1} axes or more"
            )
        return shape[axis]

    def depth(prefix: str) -> int:
        numbered = re.compile(re.escape(prefix) + r"(\d+)\.")
        return len({match[1] for name in state if (match := numbered.match(name))})

    cells = rows("encoder.embed_image_positions.weight") - 1
    side = round(cells**0.5)
    if side**2 != cells:
        raise InputError(
            f"{path}: the image position table has {cells + 1} rows, expected a square and one more"
        )
    stem = "encoder.embed_images"
    try:
        return OFAConfig(
            width=rows(TABLE, 1),
            ffn=rows("encoder.layers.0.fc1.weight"),
            heads=rows("encoder.layers.0.self_attn.c_attn"),
            encoder_layers=depth("encoder.layers."),
            decoder_layers=depth("decoder.layers."),
            resnet_blocks=tuple(depth(f"{stem}.layer{stage}.") for stage in (1, 2, 3)),
            resnet_width=rows(f"{stem}.conv1.weight"),
            vocabulary=rows(TABLE),
            token_bucket=(rows("encoder.token_rel_pos_table_list.0.weight") + 1) // 2,
            image_bucket=side,
            max_positions=rows("encoder.embed_positions.weight") - 2,
            image_size=image_size,
        )
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def size_of(config: OFAConfig) -> str | None:
    """Name of the released size with this architecture, if there is one."""
    for name in OFAConfig.RELEASED:
        if config == OFAConfig.released(name, image_size=config.image_size):
            return name
    return None


def _check_size(config: OFAConfig, size: str, path: Path) -> None:
    expected = OFAConfig.released(size, image_size=config.image_size)
    for key, value in expected.to_json().items():
        if config.to_json()[key] != value:
            found = size_of(config) or "of no released size"
            raise InputError(
                f"{path}: asked for OFA {size}, found one that is {found}: "
                f"{key} is {config.to_json()[key]}, expected {value}"
            )


def _check_settings(content: Mapping[str, Any], path: Path) -> None:
    """Refuse settings that mean another arithmetic than ours."""
    stored = attributes(content.get("cfg"))
    for settings in (content, attributes(content.get("args")), attributes(stored.get("model"))):
        for key, value in FIXED.items():
            if key in settings and settings[key] is not None and settings[key] != value:
                raise InputError(
                    f"{path}: trained with {key} = {settings[key]!r}, expected {value!r}"
                )


def _check_task(content: Mapping[str, Any], path: Path, image_size: int) -> None:
    """Refuse models that expect more than a start token, and say that images are of another size."""
    stored = attributes(content.get("cfg"))
    for settings in (attributes(content.get("args")), attributes(stored.get("task"))):
        if (prompt := settings.get("prompt_type")) not in PLAIN_PROMPTS:
            raise InputError(
                f"{path}: trained with prompt_type = {prompt!r}, expected none: its answers continue a "
                "prompt, and without one they mean nothing. Take the model before fine-tuning"
            )
        if (side := settings.get("patch_image_size")) not in (None, image_size):
            print(
                f"{path}: trained on images of {side} pixels a side, used with {image_size}",
                file=sys.stderr,
            )


def _our_state(tensors: Any, path: Path) -> dict[str, Tensor]:
    """Tensors by our names, without buffers and copies of the token table."""
    state = {}
    for key, value in attributes(tensors).items():
        if not isinstance(key, str) or not isinstance(value, Tensor):
            raise InputError(
                f"{path}: {key!r} is of type {type(value).__name__}, expected a tensor"
            )
        if not RECOMPUTED.fullmatch(key) and not UNUSED.match(key):
            state[our_name(key)] = value
    for name in TIED:
        copy = state.pop(name, None)
        if copy is not None and TABLE in state and not torch.equal(copy, state[TABLE]):
            raise InputError(f"{path}: {name!r} differs from {TABLE!r}, expected the same table")
    return state


def our_name(key: str) -> str:
    """Our name of a tensor of either layout."""
    for pattern, name in RENAMED:
        key = re.sub(pattern, name, key)
    return key


def _counters(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Zeros for the counters beside the running statistics in ``state``."""
    ending = "running_mean"
    return {
        name.removesuffix(ending) + COUNTER: torch.tensor(0)
        for name in state
        if name.endswith(ending)
    }
