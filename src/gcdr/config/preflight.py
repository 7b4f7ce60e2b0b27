"""What is checked and set before any work begins, beyond the schema."""

import os
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from gcdr.base.download import planned_files
from gcdr.base.errors import InputError
from gcdr.base.plain import Config
from gcdr.config.asked import reported_methods, used_datasets, used_studies
from gcdr.config.gaze_checks import gaze_problems
from gcdr.config.label_checks import label_problems
from gcdr.config.name_checks import name_problems
from gcdr.config.place_checks import place_problems
from gcdr.config.pools import SOURCES, sources_of
from gcdr.config.prior_checks import prior_problems
from gcdr.config.recipe_checks import asked_recipes, recipe_problems
from gcdr.config.schema import study_share
from gcdr.config.semantic_checks import semantic_problems
from gcdr.config.size_checks import size_problems
from gcdr.config.start_checks import start_problems
from gcdr.config.weight_checks import weight_problems
from gcdr.data.split_name import CHOSEN, OWN
from gcdr.datasets.layout import released_list
from gcdr.methods import METHODS, TEACHERS
from gcdr.world.dataset import DRAWN

CONTROL_GROUP = Path("/sys/fs/cgroup/memory.max")
SUPERVISED = [  # methods that need no people without a label
    name
    for name, method in METHODS.items()
    if method.tokens or not (method.student or not TEACHERS[method.teacher].labels_alone)
]


def check_references(config: Config) -> None:
    """Check what a schema cannot: names that point to other names, sizes that must fit, files.

    Args:
        config: a configuration that fits the schema.

    Raises:
        InputError: lists every problem by its dotted path.
    """
    problems = []
    datasets, studies = config["datasets"], config["studies"]
    for name, study in studies.items():
        problems += _source_problems(name, study, datasets)
        if config["split"]["released"] and len(study.get("labelled", [])) > 1:
            problems.append(
                f"studies.{name}.labelled: found {study['labelled']}, expected one data set with "
                "split.released, which names people of one"
            )
        if study.get("teacher", name) not in studies:
            problems.append(
                f"studies.{name}.teacher: no study {study['teacher']!r}; there are {list(studies)}"
            )
    for key, names in (
        ("report.studies", config["report"]["studies"]),
        ("galleries", config["galleries"]),
    ):
        problems += [
            f"{key}: no study {name!r}; there are {list(studies)}"
            for name in names
            if name not in studies
        ]
    for name in config["galleries"]:
        if name in studies and "teacher" not in studies[name]:
            problems.append(
                f"studies.{name}.teacher: missing; a gallery needs a study that teaches"
            )
    problems += [
        f"report.methods: found {name!r}, expected one of {', '.join(METHODS)}"
        for name in reported_methods(config)
        if name not in METHODS
    ]
    problems += name_problems(config)
    problems += label_problems(config)
    problems += gaze_problems(config)
    problems += start_problems(config)
    problems += size_problems(config)
    problems += recipe_problems(config, asked_recipes(config))
    if config["processes"] > 1 and ":" in config["device"]:
        problems.append(
            f"device: found {config['device']!r} for {config['processes']} processes, expected auto, "
            "cpu or cuda"
        )
    problems += _split_problems(config)
    for share in dict.fromkeys(study_share(config, name) for name in used_studies(config)):
        try:
            released_list(config["split"]["released"], share)
        except InputError as error:
            problems.append(str(error))
    planned = planned_files(config["downloads"])
    problems += weight_problems(config, planned)
    problems += semantic_problems(config, planned)
    used = used_datasets(config)
    problems += prior_problems(config, used, planned)
    problems += place_problems(config, (name for sources in used.values() for name in sources))
    if problems:
        raise InputError(
            "\n".join(
                [
                    f"configuration: {len(problems)} problem{'s' * (len(problems) > 1)}",
                    *(f"  {p}" for p in problems),
                ]
            )
        )


def _split_problems(config: Config) -> list[str]:
    """Shares that leave nobody with a label, or nobody without one where methods need such people."""
    problems = []
    reported = [name for name in config["report"]["studies"] if name in config["studies"]]
    shares = {name: study_share(config, name) for name in reported}
    if len(set(shares.values())) > 1:
        found = ", ".join(f"{name} {share}" for name, share in shares.items())
        problems.append(
            f"report.studies: found label shares {found}; expected one, as a table is of one share "
            "(studies.<name>.share)"
        )
    untaught = [name for name in reported_methods(config) if name not in SUPERVISED]
    for name in used_studies(config):
        about = config["studies"][name]
        if not ("dataset" in about or all(role in about for role in SOURCES)):
            continue  # said elsewhere
        sources = sources_of(about)
        share, unlabelled = study_share(config, name), config["split"]["unlabelled"]
        key = f"studies.{name}.share" if "share" in about else "split.share"
        kinds = [config["datasets"].get(source, {}) for source in sources["labelled"]]
        if share == OWN:
            everybody = all(kind.get("kind") in DRAWN for kind in kinds)
        elif share == CHOSEN:
            everybody = False
        else:
            everybody = share == 100
            problems += _share_problems(name, key, share, unlabelled, kinds)
        only = set(sources["unlabelled"]) <= set(sources["labelled"])
        if name in reported and untaught and (not sources["unlabelled"] or (everybody and only)):
            problems.append(
                f"{key}: {'null' if share == OWN else share} leaves study {name} nobody without a label, "
                f"but report.methods asks for {', '.join(untaught)}; expected a smaller share, unlabelled "
                f"people of another data set, or of the methods only {', '.join(SUPERVISED)}"
            )
    return list(dict.fromkeys(problems))


def _share_problems(
    study: str, key: str, share: int, unlabelled: int | None, datasets: list[Config]
) -> list[str]:
    """A share in per cent that does not go together with the unlabelled one, or is too small."""
    problems = []
    if share + (unlabelled or 0) > 100:
        problems.append(
            f"split.unlabelled: found {unlabelled}, expected at most {100 - share}, what a labelled share "
            f"of {share} % leaves"
        )
    counts = [source.get("train_people", 100) for source in datasets]
    if counts and round(sum(counts) * share / 100) < 1:
        problems.append(
            f"{key}: {share} % of the {sum(counts)} training people of study {study} leaves "
            f"nobody labelled; expected a larger share or more people"
        )
    return problems


def _source_problems(
    name: str,
    study: Config,
    datasets: Config,
) -> list[str]:
    """What is wrong with where a study takes its people from."""
    several = ("labelled", "unlabelled", "test")
    named = [key for key in ("dataset", *several) if key in study]
    if named != ["dataset"] and named != list(several):
        return [
            f"studies.{name}: found {named}, expected dataset, or labelled, unlabelled and test"
        ]
    return [
        f"studies.{name}.{key}: no data set {source!r}; there are {list(datasets)}"
        for key in named
        for source in ([study[key]] if isinstance(study[key], str) else study[key])
        if source not in datasets
    ]


def check_writable(folder: Path) -> None:
    """Check that results can be written, before hours of work and not after.

    Raises:
        InputError: they cannot.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise InputError(f"{folder}: results cannot be written there ({error.strerror})") from error


def wants_gpu(device: str) -> bool:
    """Whether jobs of a configuration's ``device`` compute on a GPU; found without importing torch."""
    return device.startswith("cuda") or (
        device == "auto" and Path("/proc/driver/nvidia/gpus").is_dir()
    )


def machine_memory() -> int:
    """Memory of this machine in MB, or what its control group leaves to this process."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    with suppress(OSError, ValueError):  # no such group, or "max"
        total = min(total, int(CONTROL_GROUP.read_text()))
    return total // 1_000_000


def prepare_environment() -> None:
    """Set what the jobs of a workflow inherit; what the user has set stays.

    ``python`` in commands becomes the interpreter that runs now, also if no environment is active. The
    allocator keeps freed memory: small models on a CPU otherwise spend a fifth of their time giving
    pages back to the system and asking for them again.
    """
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    for name in ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_"):
        os.environ.setdefault(name, str(4 << 30))
