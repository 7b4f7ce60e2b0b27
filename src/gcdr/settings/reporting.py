"""Settings of the report, from the configuration: whose people it shows, and what it says of the numbers."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Literal, Protocol

from gcdr.base.errors import InputError
from gcdr.base.jsonconfig import JsonConfig
from gcdr.base.plain import Config, JsonTable
from gcdr.config.asked import labeller_of, method_entries, models_of_studies
from gcdr.config.gaze_checks import token_teachers, untaught
from gcdr.config.schema import by_share, study_timestep
from gcdr.models.kinds import GAZE_MODELS
from gcdr.priors.kinds.registry import named_prior
from gcdr.refine.options import MapSettings
from gcdr.world.dataset import DRAWN

UNSEEN = (
    "These numbers are of {}. It was not at hand when this software was written: its reader follows "
    "what is published of the format, and no figure was ever held against a published one."
)
NOTICES = {
    "world": "These numbers are of the demo world, rendered pictures in which everything is known. They say "
    "that the method works end to end, not how well it does on GazeFollow, which was never measured here.",
    "world-show": "These numbers are of clips of the demo world, in which everything is known. They say "
    "that the method works end to end on video, not how well it does on recordings of people.",
    "gazefollow": UNSEEN.format("GazeFollow"),
    "videoattentiontarget": UNSEEN.format("VideoAttentionTarget"),
    "gazelle": UNSEEN.format("a data set in Gaze-LLE's JSON"),
    "childplay": UNSEEN.format("ChildPlay"),
    "gooreal": UNSEEN.format("GOO-Real"),
    "semgaze": UNSEEN.format("GazeFollow with the names of the semantic gaze paper"),
    "gazehoi": UNSEEN.format("GazeHOI"),
    "folder": "These numbers are of own images. They hold for these people and their annotators, and cannot "
    "be compared with figures of published data sets.",
    "video": "These numbers are of own films. They hold for these people and their annotators, and cannot be "
    "compared with figures of published data sets.",
}
HIDDEN = (
    "HIDDEN LABELS WERE READ: split.out_of_frame reference leaves out unlabelled people who look out of the "
    "frame, as the released code does. These figures are for comparison with it alone."
)
ASIDE = "Test people are labelled people that test_share {:g} set aside, unless the table itself names some."
GUESSES = "Pseudo-labels and predictions are what models guess. Look at them before you use them."
SHIPPED = "/assets/world/"  # weights that have seen drawings only


@dataclass(frozen=True)
class VariantSampling:
    """What of refinement stands in a variant's name.

    Attributes:
        timestep: how far a map is noised, or "auto".
        steps: DDIM steps.
        draws: noise draws of each person.
        redraw: what becomes of the draws: ``mean``, ``sampled`` or ``online``.
    """

    timestep: int | Literal["auto"]
    steps: int
    draws: int
    redraw: str


@dataclass(frozen=True)
class ShownStudy(JsonConfig):
    """Where the study lies whose people are shown in pictures.

    Attributes:
        study: folder of its split.
        manifest: manifest of its data set.
        images: folder of the pictures.
        annotations: the test annotators.
        bodies: the body boxes.
        prior: the prior store.
        layer: the layer of that store whose maps are used.
        variant: the variant of the paper's method as the study makes it.
        choice: file of its timestep, where labels choose it.
        prior_made_by: the settings that must have made the prior store, as far as they are known.
    """

    study: str
    manifest: str
    images: str
    annotations: str
    bodies: str
    prior: str
    layer: int
    variant: str
    choice: str | None = None
    prior_made_by: JsonTable | None = None


@dataclass(frozen=True)
class ReportSettings(JsonConfig):
    """What decides the report beside the results.

    Attributes:
        methods: variants in the order of the rows.
        examples: people shown in pictures.
        notice: what the numbers must not be taken for.
        shown: the study whose people these are.
        curves: files of the curves over labels, where the report advises by them.
        others: further studies of the same variant, over which errors by slice are taken as well.
        configuration: the whole configuration, which the page lists.
    """

    methods: tuple[str, ...]
    examples: int
    notice: str
    shown: ShownStudy
    configuration: JsonTable
    curves: tuple[str, ...] = ()
    others: tuple[ShownStudy, ...] = ()


@dataclass(frozen=True)
class FigureSettings(JsonConfig):
    """What decides a figure of the paper beside its study's files.

    Attributes:
        shown: the study whose people are shown.
        maps: how prior maps become heatmaps.
        timesteps: T of the noise schedule.
    """

    shown: ShownStudy
    maps: MapSettings
    timesteps: int


@dataclass(frozen=True)
class GallerySettings(JsonConfig):
    """What decides a gallery beside its study's files.

    Attributes:
        images: folder of the pictures.
        layer: the layer of the prior store whose maps are shown.
        notice: what the maps must not be taken for.
        blur: whether heads are blurred.
    """

    images: str
    layer: int
    notice: str
    blur: bool = False


def variant_sampling(config: Config, study: str, share: int | str) -> VariantSampling:
    """As configured for a study at a label share in per cent, ``OWN`` or ``CHOSEN``."""
    refine = by_share(config["refine"], share) | {"timestep": study_timestep(config, study, share)}
    return VariantSampling(**{entry.name: refine[entry.name] for entry in fields(VariantSampling)})


def show_title(config: Config, dataset: str) -> str:
    """What people call a data set: the name of its one show, the style of a drawn one, or its own name."""
    source = config["datasets"][dataset]
    if source["kind"] == "world-show":
        return source["style"]
    shows = source.get("shows", [])
    return shows[0].strip() if len(shows) == 1 else dataset


def gaze_titles(config: Config) -> dict[str, str]:
    """What people read of gaze models, by their names in ``gaze.models``; of two of a kind that
    have rows, the name too."""
    titles = {
        name: GAZE_MODELS[one["kind"]].title for name, one in config["gaze"]["models"].items()
    }
    own = config["gaze"]["model"]
    reported = {own, *(entry.get("gaze", own) for entry in method_entries(config))}
    count = Counter(title for name, title in titles.items() if name in reported)
    return {
        name: f"{title} ({name})" if count[title] > 1 and name in reported else title
        for name, title in titles.items()
    }


def report(
    config: Config,
    methods: list[str],
    shown: ShownStudy,
    curves: Sequence[str] = (),
    others: Sequence[ShownStudy] = (),
) -> ReportSettings:
    """Of the report of ``report.studies``."""
    return ReportSettings(
        tuple(methods),
        config["report"]["examples"],
        notice_of(config),
        shown,
        dict(config),
        tuple(curves),
        tuple(others),
    )


def notice_of(config: Config) -> str:
    """What the numbers must not be taken for: the data set of the test people, and shipped weights.

    Args:
        config: the whole configuration; the report's studies are of one data set.
    """
    datasets, studies = config["datasets"], config["studies"]
    reported = [studies[name] for name in config["report"]["studies"]]
    source = datasets[reported[0]["dataset"]]
    tested = datasets[source["test"]] if source["kind"] == "pool" else source
    kind, share = tested["kind"], tested.get("test_share", 0)
    drawn = kind not in DRAWN and _from_drawings(config, reported)
    read = config["split"].get("out_of_frame") == "reference"
    said = [(ASIDE.format(share), share), (HIDDEN, read), (config["notice"], drawn)]
    return " ".join([NOTICES[kind], *(text for text, counts in said if counts)])


def notice_of_gallery(config: Config, study: str) -> str:
    """What a gallery's maps must not be taken for, whose teacher may be another study."""
    named = [study, config["studies"][study].get("teacher", study)]
    named += [model["study"] for name in named for _, model in models_of_studies(config, name)]
    taught = [config["studies"][name] for name in named]
    datasets = config["datasets"]
    kinds = {datasets[one["dataset"]]["kind"] for one in taught if "dataset" in one}
    drawn = kinds & {*DRAWN} or _from_drawings(config, taught)
    return str(config["notice"]) if drawn else GUESSES


def _from_drawings(config: Config, studies: Sequence[Config]) -> bool:
    """Whether studies stand on weights of the repository, which have seen drawings only."""
    gaze = config["gaze"]["models"][config["gaze"]["model"]]
    weights = [
        *(config["priors"][named_prior(config, study)].get("weights") for study in studies),
        *(study.get(key) for study in studies for key in ("init", "pretrained")),
        *(gaze.get(key) for key in ("init", "backbone")),
        config["detect"]["weights"],
        config["diffusion"]["init"],
    ]
    return any(SHIPPED in f"/{path}" or f"'{SHIPPED[1:]}" in f"{path}" for path in weights)


class AboutGaze(Protocol):
    """What a paper's table, or a row of one, says of its gaze model."""

    @property
    def kind(self) -> str | None:
        """Of the gaze model, where that is not ``gaze.model``, or may not be any other."""


class AboutTable(AboutGaze, Protocol):
    """The same of a table."""

    @property
    def title(self) -> str:
        """What it shows."""

    @property
    def overlay(self) -> str:
        """The configuration that has its gaze models."""


class AboutRow(AboutGaze, Protocol):
    """The same of a row."""

    @property
    def method(self) -> str:
        """Which method it is of."""


def otherwise(entry: Config) -> str | None:
    """What an entry of ``gaze.models`` has that makes it another model than its kind; None where nothing."""
    if entry.get("options"):
        return f"options {', '.join(entry['options'])}"
    if entry.get("depth") == "shuffled":
        return "shuffled depth"
    return f"keep {entry['keep']}" if entry.get("keep", 1) < 1 else None


def blind(entry: Config) -> str | None:
    """The size of an entry that sees no depth where its kind may; None of all others."""
    depth = GAZE_MODELS[entry["kind"]].depth
    return f"size {entry['size']}" if depth and entry["size"] not in depth else None


def gaze_of_row(config: Config, table: AboutTable, row: AboutRow) -> str:
    """The entry of ``gaze.models`` that a row of one of the paper's tables is about.

    Returns:
        the name of ``gaze.model``, or for a row of a kind of its own of the first entry of that kind;
        of the one that teaches a student of tokens, if one does.

    Raises:
        InputError: ``gaze.model`` is not of the table's kind, there is no entry of the row's, or that has
            nobody to learn from.
    """
    own, models = config["gaze"]["model"], config["gaze"]["models"]
    if table.kind not in (None, models[own]["kind"]):
        raise InputError(
            f"{table.title}: found gaze.model {own}, of kind {models[own]['kind']}; expected one of kind "
            f"{table.kind}, as {table.overlay or 'config.yaml'} has it"
        )
    if changed := otherwise(models[own]) or (table.kind and blind(models[own])):
        raise InputError(
            f"{table.title}: found gaze.model {own} with {changed}; expected the model as it was published"
        )
    found = next(
        (name for name in [own, *models] if row.kind in (None, models[name]["kind"])), None
    )
    if found is None:
        raise InputError(
            f"{table.title}: found no gaze model of kind {row.kind} in gaze.models; expected one, as "
            f"{table.overlay or 'config.yaml'} has it"
        )
    if wrong := untaught(config, row.method, found):
        raise InputError(f"{table.title}: {wrong}")
    taught = (labeller_of(config, name) for name in models if token_teachers(models[name]["kind"]))
    teachers = [one for one in taught if one and models[one]["kind"] == row.kind]
    return teachers[0] if teachers else found
