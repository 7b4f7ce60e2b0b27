"""What is checked of priors before any work begins, beyond the schema."""

from collections.abc import Collection, Iterator, Mapping
from functools import cache, partial

from gcdr.base.errors import InputError
from gcdr.base.plain import Config
from gcdr.base.texts import folded
from gcdr.config.people_checks import is_unread, people_before_jobs, read_as_its_job
from gcdr.priors.kinds.kind import PriorKind
from gcdr.priors.kinds.registry import all_stores, named_prior, parse_prior


def prior_problems(
    config: Config, used: Mapping[str, Collection[str]], planned: Collection[str]
) -> list[str]:
    """Names that are no prior's, settings that do not fit each other, and what is not there.

    Args:
        config: a configuration that fits the schema.
        used: data sets of each study whose results are asked for; what other studies lack is let pass.
        planned: files that are not there yet but will be.
    """
    problems = [
        f"{key}: no prior {name!r}; there are {list(config['priors'])}"
        for key, name in _mentions(config)
        if name not in config["priors"]
    ]
    priors: dict[str, PriorKind] = {}
    for name, entry in config["priors"].items():
        try:
            priors[name] = parse_prior(name, entry)
        except InputError as error:
            problems.append(str(error))
    problems += _same_stores(priors)
    for name, datasets in _used_with(config, used).items():
        if name in priors:
            known = partial(people_before_jobs, config["datasets"], name)
            lines = priors[name].problems(datasets, planned, known)
            problems += [f"priors.{name}.{line}" for line in lines]
    return problems + [
        f"priors.{name}.{prior.SOURCES}: no data set {dataset!r}; there are {list(config['datasets'])}"
        for name, prior in priors.items()
        for dataset in prior.sources or ()
        if dataset not in config["datasets"]
    ]


def unread_people_problems(
    config: Config, used: Mapping[str, Collection[str]], planned: Collection[str]
) -> list[str]:
    """Whom files of priors lack of data sets that no job has read yet, which are read for it.

    For the process that plans alone: its jobs' own processes know no more than it does.

    Args:
        config, used, planned: as for :func:`prior_problems`, which has found nothing.
    """
    read = cache(partial(read_as_its_job, config["failures"]))  # several may be about one data set
    problems = []
    for name, datasets in _used_with(config, used).items():
        known = partial(people_before_jobs, config["datasets"], name, read=read)
        unread = [one for one in datasets if is_unread(config["datasets"], one)]
        lines = parse_prior(name, config["priors"][name]).problems(unread, planned, known)
        problems += [f"priors.{name}.{line}" for line in lines]
    return problems


def _mentions(config: Config) -> Iterator[tuple[str, str]]:
    """Keys that name a prior, with the name."""
    yield "prior", config["prior"]
    for name, study in config["studies"].items():
        if "prior" in study:
            yield f"studies.{name}.prior", study["prior"]
    for number, method in enumerate(config["report"]["methods"]):
        if isinstance(method, Mapping) and "prior" in method:
            yield f"report.methods[{number}].prior", method["prior"]


def _used_with(config: Config, used: Mapping[str, Collection[str]]) -> dict[str, list[str]]:
    """Data sets for which the stores of each prior are needed; if nothing is asked for, the default alone."""
    methods = [method for method in config["report"]["methods"] if isinstance(method, Mapping)]
    pairs: dict[str, dict[str, None]] = {} if used else {config["prior"]: {}}
    for name, datasets in used.items():
        named = [named_prior(config, config["studies"][name])]
        if name in config["report"]["studies"]:
            named += [method["prior"] for method in methods if "prior" in method]
        for prior in named:
            pairs.setdefault(prior, {}).update(dict.fromkeys(datasets))
    return {prior: list(datasets) for prior, datasets in pairs.items()}


def _same_stores(priors: Mapping[str, PriorKind]) -> list[str]:
    """Priors whose stores would have the same file, on a disk that knows no capitals at least.

    Of those whose names are alike already, the names are said to be (:mod:`gcdr.config.name_checks`).
    """
    owners: dict[str, str] = {}
    problems = []
    for name, prior in priors.items():
        for file in all_stores({name: prior}):
            other = owners.setdefault(folded(file), name)
            if folded(other) != folded(name):
                problems.append(
                    f"priors.{name}: its store {file!r} is that of another prior too ({other}); expected "
                    "another name"
                )
    return problems
