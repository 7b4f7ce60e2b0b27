"""Models by name: those of finished runs by study and method, released ones by their own."""

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from gcdr.base.download import download
from gcdr.base.errors import InputError
from gcdr.base.files import CHECKPOINTS
from gcdr.methods import TEACHERS
from gcdr.models.kinds import GAZE_MODELS
from gcdr.models.sizes import WEIGHTS_FILE
from gcdr.variants import parse_variant

SHOWN = 12


@dataclass(frozen=True)
class Finished:
    """A gaze model that a run of the workflow has made.

    Attributes:
        study, split, name: as in its path ``results/{study}/{split}/students/{name}``.
        method: whose student it is; of a teacher its own name.
        folder: where it lies.
    """

    study: str
    split: str
    name: str
    method: str
    folder: Path

    def __str__(self) -> str:
        return f"{self.study}/{self.split}/{self.name}"

    def is_called(self, name: str) -> bool:
        """Whether ``study/method``, ``study/name``, or either with the split between, is this model."""
        places = [self.study], [self.study, self.split]
        return any(
            name == "/".join([*at, last]) for at in places for last in (self.method, self.name)
        )


def find_model(
    source: str | Path,
    results: Path = Path("results"),
    weights: Path = Path("weights"),
    fetch: bool = False,
) -> tuple[Path, Path | None]:
    """Where a model is, and the file of its frozen backbone if the model's own place does not tell.

    Args:
        source: a path; or, as text, the name of a model that lies below ``results`` (``demo/gcdr``,
            ``demo/labels10-seed0/vat``, or in place of the method the whole name of its folder), or of a
            released one below ``weights`` (``gazelle-vitb14-inout``, or ``gazelle_dinov2_vitb14_inout`` as
            its file).
        results: the folder of results.
        weights: the folder of downloads (``downloads.folder``).
        fetch: whether a released one that is not there is downloaded, once; its digest is kept.

    Raises:
        InputError: no model is called that, and the known names are listed; several are; or a released one
            is not there, and it is said how to fetch it, or it cannot be fetched.
    """
    path = Path(source)
    if isinstance(source, Path) or path.exists() or path.suffix in CHECKPOINTS:
        return path, None
    released = {short_name(file): (file, on) for file, on in released_files().items()}
    if short_name(source) in released:
        places = released[short_name(source)]
        if fetch:
            _fetch(places, weights)
        file, backbone = (weights / place for place in places)
        absent = [str(place) for place in (file, backbone) if not place.is_file()]
        if absent:
            raise InputError(
                f"{source}: no file {absent[0]}; to fetch it: snakemake --cores 1 {' '.join(absent)}"
            )
        return file, backbone
    known = list(finished_models(results))
    found = [model for model in known if model.is_called(source)]
    if len(found) == 1:
        return found[0].folder, None
    if found:
        raise InputError(f"{source}: found {len(found)} models, expected one of {_listed(found)}")
    names = dict.fromkeys([*(f"{model.study}/{model.method}" for model in known), *released])
    near = difflib.get_close_matches(source, names, n=1)
    raise InputError(
        f"{source}: no folder or file, and no model's name{f', did you mean {near[0]}?' if near else '.'} "
        f"Expected one of {_listed(names)}"
    )


def released_files() -> dict[str, str]:
    """Released models below the folder of downloads, each with the file of the backbone it stands on."""
    return {file: on for kind in GAZE_MODELS.values() for file, on in kind.released.items()}


def short_name(file: str) -> str:
    """What a released file is called in short: ``gazelle-vitb14`` is ``gazelle_dinov2_vitb14.pt``."""
    return Path(file).stem.replace("_dinov2_", "-").replace("_", "-")


def _fetch(places: Iterable[str], weights: Path) -> None:
    """Download released files that are not there, from where their kind's description says."""
    addresses = {
        folder: at for kind in GAZE_MODELS.values() for folder, at in kind.addresses.items()
    }
    for place in places:
        folder, name = place.split("/")
        if not (weights / place).is_file():
            download(f"{addresses[folder]}/{name}", weights / place)


def finished_models(results: Path) -> Iterator[Finished]:
    """Gaze models that runs have made, teachers and students, in the order of their names."""
    for file in sorted(results.glob(f"*/labels*/*/*/{WEIGHTS_FILE}")):
        folder = file.parent
        study, split, sort, name = folder.relative_to(results).parts
        method = _method(sort, name)
        if method is not None:
            yield Finished(study, split, name, method, folder)


def _method(sort: str, name: str) -> str | None:
    """The method of a student, or a teacher's own name; None of what is no gaze model."""
    if sort == "teachers":
        teacher = name.split("+")[0]
        return teacher if teacher in TEACHERS and TEACHERS[teacher].family == "gaze" else None
    try:
        return parse_variant(name).method if sort == "students" else None
    except InputError:
        return None


def _listed(names: Iterable[object]) -> str:
    shown = [str(name) for name in names]
    more = [f"and {len(shown) - SHOWN} more"] if len(shown) > SHOWN else []
    return ", ".join([*shown[:SHOWN], *more])
