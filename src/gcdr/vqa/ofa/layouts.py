"""Which files make up an OFA model, in our layout and in those it was released in.

Nothing heavy is imported: the workflow asks before its first job.
"""

import json
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from gcdr.errors import InputError

OURS, HUGGING_FACE, FAIRSEQ = "gcdr", "huggingface", "fairseq"
WEIGHTS = "model.safetensors"
TEXT = ("config.json", "vocab.json", "merges.txt")
FAIRSEQ_TEXT = ("encoder.json", "vocab.bpe", "dict.txt")


@dataclass(frozen=True)
class Layout:
    """Files of a model.

    Attributes:
        kind: "gcdr" (a folder as this package writes it), "huggingface" (a released folder) or
            "fairseq" (a released ``.pt`` with its vocabulary beside it).
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

    if weights.suffix in (".pt", ".pth"):
        folder, kind, names = weights.parent, FAIRSEQ, (weights.name, *FAIRSEQ_TEXT)
    else:
        released = present("pytorch_model.bin") or _is_released(weights / "config.json")
        binary = released and not (weights / WEIGHTS).is_file()
        folder, kind = weights, HUGGING_FACE if released else OURS
        names = ("pytorch_model.bin" if binary else WEIGHTS, *TEXT)
    files = tuple(f"{folder / name}" for name in names)
    if missing := [file for file in files if file not in planned and not Path(file).is_file()]:
        raise InputError(f"no file {missing[0]}; expected {', '.join(names)} in {folder}")
    return Layout(kind, files)


def _is_released(config: Path) -> bool:
    try:
        return json.loads(config.read_text()).get("model_type") == "ofa"
    except (OSError, ValueError, AttributeError):
        return False
