"""What the folder of an estimator of depth holds. No torch: planning looks at it."""

from pathlib import Path

from gcdr.base.errors import InputError
from gcdr.base.files import read_json

FAMILY = "depth_anything"
DEPTH_FILES = ("config.json", "preprocessor_config.json", "model.safetensors")


def check_family(folder: Path) -> None:
    """Check what a folder says that it holds.

    Raises:
        InputError: no relative depth of the family.
    """
    path = folder / DEPTH_FILES[0]
    config = read_json(path)
    said = config if isinstance(config, dict) else {}
    if (found := said.get("model_type")) != FAMILY:
        raise InputError(f"{path}: found model_type {found!r}, expected {FAMILY}")
    if (kind := said.get("depth_estimation_type", "relative")) != "relative":
        raise InputError(
            f"{path}: found depth_estimation_type {kind!r}, expected relative: nearer is larger"
        )
