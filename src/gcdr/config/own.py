"""Own pictures without a configuration written by hand: what ``gcdr label`` and ``gcdr check`` take."""

from collections.abc import Sequence
from pathlib import Path

from gcdr.base.errors import InputError
from gcdr.base.plain import Config, JsonTable
from gcdr.base.texts import FORMATS, is_name
from gcdr.config.checked import SCHEMA, check_config, lay_over, read_config
from gcdr.config.enough_checks import table_findings
from gcdr.datasets.enough import Finding
from gcdr.datasets.layout import Source

DEFAULTS = Path("config.yaml")


def own_overlay(name: str, source: Source, teacher: str | None, device: str = "auto") -> JsonTable:
    """What to lay over a configuration to have pseudo-labels of a folder's people, and no student.

    Args:
        name: of the data set, and of the study that is about it.
        source: the data set, ``images`` and, where there is one, ``table``.
        teacher: the study whose diffusion model makes the labels; None for the folder's own labels, as
            ``configs/own-labels.yaml`` learns from them.
        device: where to compute.
    """
    overlay: JsonTable = {
        "device": device,
        "datasets": {name: dict(source)},
        "studies": {name: {"dataset": name, "seed": 0, "teacher": teacher or name}},
        "report": {"studies": []},
        "galleries": [name],
        "predictions": False,
    }
    if teacher is None:
        overlay["split"] = {"share": None, "validation": 0, "by": "image", "released": None}
        overlay["refine"] = {"timestep": "auto"}
    return overlay


def read_checked(files: Sequence[Path]) -> Config:
    """The configuration that files make over ``config.yaml``, checked as before a run.

    Raises:
        InputError: it is wrong, or this is not the top folder of the repository.
    """
    if not (DEFAULTS.is_file() and Path(SCHEMA).is_file()):
        raise InputError(
            f"{Path.cwd()}: no Snakefile and config.yaml; expected the top folder of the repository"
        )
    config = read_config([DEFAULTS, *files])
    check_config(config, [DEFAULTS, *files], Path(SCHEMA))
    return config


def configured_folder(files: Sequence[Path], folder: Path) -> tuple[Config, Source]:
    """A configuration, and its entry of ``datasets`` whose images are in a folder.

    Args:
        files: what is laid over ``config.yaml``.
        folder: the folder of images.

    Raises:
        InputError: the configuration is wrong, or no entry has that folder.
    """
    config = read_checked(files)
    for source in config["datasets"].values():
        if _is_of(source, folder):
            return config, source
    raise InputError(
        f"{', '.join(map(str, files))}: no entry of datasets, of kind folder, has images: {folder}"
    )


def findings_for(source: Source, config: Config | None) -> list[Finding]:
    """What will fail or mislead when studies learn from a folder, see :mod:`gcdr.datasets.enough`.

    Args:
        source: the folder, with a table.
        config: the configuration; None for ``config.yaml`` here and the folder's own labels, and nothing is
            said where there is none, or nobody in the table has a label.
    """
    from gcdr.data.manifest import has_label
    from gcdr.datasets.folder import people_of_table

    if config is None:
        people = people_of_table(Path(source["images"]), Path(source["table"]))
        if not DEFAULTS.is_file() or people is None or not has_label(people).any():
            return []
        config = read_config([DEFAULTS])
        plain = {key: str(source[key]) for key in ("images", "table")}
        lay_over(config, own_overlay("own", {"kind": "folder", **plain}, None))
    folder, found = Path(source["images"]), table_findings(config)
    ours = [name for name, other in config["datasets"].items() if _is_of(other, folder)]
    of_folder = (found[name] for name in found if config["studies"][name]["dataset"] in ours)
    return list(dict.fromkeys(one for findings in of_folder for one in findings))


def _is_of(source: Source, folder: Path) -> bool:
    """Whether a data set has the images of a folder."""
    return source["kind"] == "folder" and Path(source["images"]).resolve() == folder.resolve()


def check_own(overlay: JsonTable, files: Sequence[Path]) -> None:
    """Check a configuration with an overlay of :func:`own_overlay`, and its people, before a run.

    What may mislead the workflow says.

    Args:
        overlay: the overlay.
        files: what is laid over ``config.yaml`` below it.

    Raises:
        InputError: the configuration is wrong, has the overlay's names already, or the people are too few.
    """
    config = read_config([DEFAULTS, *files])
    (name,) = overlay["datasets"]
    if not is_name(name):
        expected = f"expected {FORMATS['name'].words} (--name)"
        raise InputError(f"{name!r}: cannot be the name of results; {expected}")
    for key in ("datasets", "studies"):
        if name in config.get(key, {}):
            raise InputError(f"{name}: is the name of one of {key} already; name another (--name)")
    teacher = overlay["studies"][name]["teacher"]
    if teacher == name and "table" not in overlay["datasets"][name]:
        raise InputError(
            f"{overlay['datasets'][name]['images']}: no table, so nobody has a label to learn from; name a "
            "study that teaches (--teacher demo, which has seen drawings alone), or give labels (--table)"
        )
    lay_over(config, overlay)
    check_config(config, [DEFAULTS, *files], Path(SCHEMA))
    failing = [one.text for one in table_findings(config).get(name, []) if one.fatal]
    if failing:
        raise InputError("\n  ".join([f"{name}: too little to learn from", *failing]))
