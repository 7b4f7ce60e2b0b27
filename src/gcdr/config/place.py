"""Where the workflow is started: in its own top folder, which all its paths are relative to, or as a module.

As a module of another Snakefile (``docs/module.md``) its results lie where that one works, and what the
repository ships is named by its whole path.
"""

import copy
import shlex
from pathlib import Path
from typing import Any

from gcdr.base.errors import InputError
from gcdr.base.plain import Config, JsonTable
from gcdr.base.provenance import PACKAGE
from gcdr.base.texts import FORMATS, is_path
from gcdr.config.checked import lay_over, read_config

SHIPPED = "assets/world/"
USE = "module gcdr: snakefile: ..., config: config"


def check_start(top: Path, here: Path | None) -> None:
    """Check that paths such as ``config.yaml``, ``assets`` and ``results`` are those of this repository.

    Args:
        top: the repository's top folder.
        here: the folder that Snakemake works in; None where that is another workflow's.

    Raises:
        InputError: the workflow is started otherwise than it can be; says how to start it.
    """
    start = f"cd {shlex.quote(str(top))} && snakemake --cores all --configfile YOUR.yaml"
    if here is not None and top.resolve() != here.resolve():
        raise InputError(
            f"GCDR was started in {here}, expected in the top folder of its repository, without --directory: "
            f"{start}. Paths in YOUR.yaml may be absolute; results lie in {top / 'results'}. To have "
            "them elsewhere, use it as a module of a Snakefile of your own (docs/module.md)"
        )
    if not is_path(str(top)):
        raise InputError(
            f"{str(top)!r}: found this path of the repository, expected {FORMATS['path'].words}; rename it"
        )
    library = PACKAGE.resolve().parent
    if library != (top / "src").resolve():
        raise InputError(
            f"{top}: found the library gcdr of {library}, expected that of this repository, {top / 'src'}; "
            f"pip install --no-deps --editable {shlex.quote(str(top))}, or uninstall the other"
        )


def check_module(config: Config | None, results: str) -> None:
    """Check how another Snakefile uses this one as a module.

    Args:
        config: the configuration that it hands on; None where it hands on none.
        results: what it makes of the path ``results/``.

    Raises:
        InputError: it hands on no configuration, or gives paths a prefix; says what to write.
    """
    if config is None:
        raise InputError(f"GCDR as a module: found no config, expected one: {USE}")
    if results != "results/":
        raise InputError(
            f"GCDR as a module: found a prefix that makes {results!r} of 'results/', expected none: commands "
            f"name files too. Write {USE}, and start Snakemake with --directory, or give report.name "
            "and studies names of their own"
        )


def as_module(top: Path, given: Config) -> JsonTable:
    """A module's configuration: what it is given, over the defaults, with whole paths of what is shipped.

    Args:
        top: the repository's top folder.
        given: what the other workflow hands on; it stays as it is.
    """
    config = read_config([top / "config.yaml"])
    lay_over(config, copy.deepcopy(dict(given)))
    return {key: _whole(value, top) for key, value in config.items()}


def _whole(value: Any, top: Path) -> Any:
    """The same with whole paths."""
    if isinstance(value, dict):
        return {key: _whole(one, top) for key, one in value.items()}
    if isinstance(value, list):
        return [_whole(one, top) for one in value]
    return f"{top}/{value}" if isinstance(value, str) and value.startswith(SHIPPED) else value
