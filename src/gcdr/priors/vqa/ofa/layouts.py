"""Which files make up a VQA model, in our layout and in those it was released in.

Nothing heavy is imported: the workflow asks before its first job.
"""

import json
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from gcdr.base.errors import InputError
from gcdr.base.files import CHECKPOINTS
from gcdr.base.jsonconfig import JsonConfig, setting

OURS, HUGGING_FACE, FAIRSEQ, BLIP = "gcdr", "huggingface", "fairseq", "blip"
WEIGHTS = "model.safetensors"
OFA_TEXT = ("config.json", "vocab.json", "merges.txt")
BLIP_TEXT = ("config.json", "tokenizer.json")
FAIRSEQ_TEXT = ("encoder.json", "vocab.bpe", "dict.txt")


@dataclass(frozen=True)
class Released(JsonConfig):
    """What weights in a released layout must be."""

    size: Literal["tiny", "medium", "base", "large", "huge", None] = setting(
        "Size that the file must have; null takes what is found.", None
    )
    image_size: int = setting(
        "Side of the images in pixels.", 480, minimum=16, maximum=672, multipleOf=16
    )


@dataclass(frozen=True)
class Layout:
    """Files of a model.

    Attributes:
        kind: "gcdr" (a folder as this package writes it), "huggingface" (a released folder of OFA),
            "fairseq" (a released ``.pt`` with its vocabulary beside it) or "blip" (a folder of BLIP as
            transformers writes it).
        files: the weights first, then settings and vocabulary.
    """

    kind: str
    files: tuple[str, ...]


def find_layout(weights: str | Path, planned: Collection[str] = ()) -> Layout:
    """Tell the layout of a model from the files that are there.

    Args:
        weights: a folder, or a ``.pt`` file.
        planned: files that are not there yet but will be, as they are written in the result.

    Raises:
        InputError: names a file that is missing.
    """
    weights = Path(weights)

    def present(name: str) -> bool:
        return f"{weights / name}" in planned or (weights / name).is_file()

    if weights.suffix in CHECKPOINTS:
        folder, kind, names = weights.parent, FAIRSEQ, (weights.name, *FAIRSEQ_TEXT)
    elif _model_type(weights / "config.json") == BLIP:
        folder, kind, names = weights, BLIP, (WEIGHTS, *BLIP_TEXT)
    else:
        released = present("pytorch_model.bin") or _model_type(weights / "config.json") == "ofa"
        binary = released and not (weights / WEIGHTS).is_file()
        folder, kind = weights, HUGGING_FACE if released else OURS
        names = ("pytorch_model.bin" if binary else WEIGHTS, *OFA_TEXT)
    files = tuple(f"{folder / name}" for name in names)
    if missing := [file for file in files if file not in planned and not Path(file).is_file()]:
        raise InputError(f"no file {missing[0]}; expected {', '.join(names)} in {folder}")
    return Layout(kind, files)


def _model_type(config: Path) -> str | None:
    try:
        return json.loads(config.read_text()).get("model_type")
    except (OSError, ValueError, AttributeError):
        return None
