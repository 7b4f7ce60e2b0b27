"""What is checked of the names that results lie under, beyond the schema."""

from collections.abc import Iterator

from gcdr.base.plain import Config
from gcdr.base.texts import LONGEST, folded
from gcdr.config.asked import DIFFUSION, method_entries
from gcdr.config.pools import pool_name, sources_of
from gcdr.priors.kinds.registry import named_prior

TAKEN = ("benchmarks", "data", "downloads", "weights", "world-weights")
"""Folders of results and of logs that are no study's and no report's."""

PARTS = ("report", "tables", "figures", "logs", "results")
"""What stands in the folder of a report: a study of such a name would be taken for that."""

ENDING = 60  # characters that are left for what is added to a name in a path


def name_problems(config: Config) -> list[str]:
    """Names that are taken, that stand for two things, or that join to more than a path takes."""
    problems = [
        f"studies.{name}: found a name that is taken for other results, expected another one"
        for name in config["studies"]
        if folded(name) in (*TAKEN, *PARTS)
    ]
    problems += [
        f"gaze.models.{name}: found the name of the diffusion teacher (studies.NAME.init); expected "
        "another one"
        for name in config["gaze"]["models"]
        if folded(name) == DIFFUSION
    ]
    if folded(config["report"]["name"]) in TAKEN:
        problems.append(
            f"report.name: found {config['report']['name']!r}, a name that is taken for other results, "
            "expected another one"
        )
    return [*problems, *_alike(config), *_pool_problems(config), *_same_rows(config)]


def _alike(config: Config) -> Iterator[str]:
    """Names of a table that are one name on a disk that knows no capitals."""
    tables = {key: config[key] for key in ("datasets", "studies", "priors")}
    for key, table in (tables | {"gaze.models": config["gaze"]["models"]}).items():
        seen: dict[str, str] = {}
        for name in table:
            if (other := seen.setdefault(folded(name), name)) != name:
                yield (
                    f"{key}.{name}: found a name that is {other} on a disk that knows no capitals; "
                    "expected different names"
                )


def _pool_problems(config: Config) -> Iterator[str]:
    datasets = {folded(name): name for name in config["datasets"]}
    pools: dict[str, tuple[str, list[list[str]]]] = {}
    for name, study in config["studies"].items():
        if "dataset" in study or not {"labelled", "unlabelled", "test"} <= set(study):
            continue
        pool = pool_name(study)
        sources = list(sources_of(study).values())
        if len(pool) > LONGEST["part of a path"] - ENDING:
            yield (
                f"studies.{name}: its data sets' names join to {len(pool)} characters, expected at most "
                f"{LONGEST['part of a path'] - ENDING}; shorten them"
            )
        other, theirs = pools.setdefault(folded(pool), (name, sources))
        if theirs != sources:
            yield (
                f"studies.{name}: its data sets {sources} join to the name {pool!r}, as {theirs} of study "
                f"{other} do; expected data sets whose names tell them apart"
            )
        if folded(pool) in datasets:
            yield (
                f"datasets.{datasets[folded(pool)]}: found the name that the joined data sets of study "
                f"{name} get, {sources}; expected another one"
            )


def _same_rows(config: Config) -> Iterator[str]:
    """Methods of a report that are the same with what they leave out filled in."""
    for study in config["report"]["studies"][:1]:
        seen: dict[tuple[str, str, str], int] = {}
        about = config["studies"].get(study, {})
        for number, entry in enumerate(method_entries(config)):
            prior, gaze = named_prior(config, about), config["gaze"]["model"]
            row = (entry["method"], entry.get("prior", prior), entry.get("gaze", gaze))
            if row in seen:
                yield (
                    f"report.methods[{number}]: found {entry['method']} with prior {row[1]} and gaze model "
                    f"{row[2]}, which is report.methods[{seen[row]}] already; expected it once"
                )
            seen.setdefault(row, number)
