"""Where the workflow is started: in its own top folder, which all its paths are relative to."""

import shlex
from pathlib import Path

from gcdr.base.errors import InputError
from gcdr.base.texts import FORMATS, is_path


def check_start(top: Path, here: Path, module: bool) -> None:
    """Check that paths such as ``config.yaml``, ``assets`` and ``results`` are those of this repository.

    Args:
        top: the repository's top folder.
        here: the folder that Snakemake works in.
        module: whether another Snakefile uses this one as a module.

    Raises:
        InputError: the workflow is started otherwise than it can be; says how to start it.
    """
    start = f"cd {shlex.quote(str(top))} && snakemake --cores all --configfile YOUR.yaml"
    if module:
        raise InputError(
            "GCDR's Snakefile was found as a module of another one, expected to be started by itself: "
            f"{start}. Your workflow can take its files, below {top / 'results'}, as inputs"
        )
    if top.resolve() != here.resolve():
        raise InputError(
            f"GCDR was started in {here}, expected in the top folder of its repository, without --directory: "
            f"{start}. Paths in YOUR.yaml may be absolute; results lie in {top / 'results'}"
        )
    if not is_path(str(top)):
        raise InputError(
            f"{str(top)!r}: found this path of the repository, expected {FORMATS['path'].words}; rename it"
        )
