"""Models of others in the layout of the package transformers: whole, from a local folder, as safetensors.

Only architectures that transformers itself holds are loaded; code that comes with weights is never run, and
nothing is downloaded.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError

from gcdr.base.download import check_digest
from gcdr.base.errors import InputError


def load_transformers(
    folder: Path,
    called: str,
    model: str,
    processor: str | None,
    files: Sequence[str],
    dtype: torch.dtype = torch.float32,
    part: bool = False,
) -> tuple[Any, Any]:
    """A model in evaluation mode without gradients, on the CPU, and what prepares its inputs.

    Args:
        folder: where it lies.
        called: what it is, for messages.
        model: transformers' class of the model.
        processor: that of what prepares its inputs; None for none.
        files: what the folder must hold, for messages.
        dtype: of its weights.
        part: whether the folder may hold more than this model, as CLIP's holds two towers.

    Raises:
        InputError: transformers is not installed, or the folder does not hold a whole such model.
    """
    try:
        import transformers
    except ImportError as error:
        raise InputError(
            f"{folder}: a {called}, but the package transformers is not installed ({error}); expected it: "
            "pip install 'transformers>=5'"
        ) from error
    for file in sorted(folder.iterdir()):
        check_digest(file)
    local = {"local_files_only": True, "trust_remote_code": False}
    try:
        loaded, report = getattr(transformers, model).from_pretrained(
            folder, **local, use_safetensors=True, dtype=dtype, output_loading_info=True
        )
        prepares = processor and getattr(transformers, processor).from_pretrained(folder, **local)
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        raise InputError(
            f"{folder}: not a whole {called} ({' '.join(str(error).split())}); expected {', '.join(files)}"
        ) from error
    # transformers gives a tensor that it does not find random values, and only warns.
    for kind in ("missing", "mismatched") if part else ("missing", "unexpected", "mismatched"):
        if names := sorted(str(name) for name in report.get(f"{kind}_keys", ())):
            raise InputError(
                f"{folder}: not a whole {called}; {len(names)} tensors are {kind}, expected none; the first "
                f"is {names[0]}"
            )
    return loaded.eval().requires_grad_(False), prepares
