"""Pools: the data set of a study whose people come from several ones."""

from gcdr.base.plain import Config, JsonTable

SOURCES = ("labelled", "unlabelled", "test")  # of a study's people


def sources_of(study: Config) -> dict[str, list[str]]:
    """A study's data sets by :data:`SOURCES`; a study of one data set takes everybody from it."""
    if "dataset" in study:
        return {role: [study["dataset"]] for role in SOURCES}
    return {
        "labelled": list(study["labelled"]),
        "unlabelled": list(study["unlabelled"]),
        "test": [study["test"]],
    }


def pool_name(study: Config) -> str:
    """The name of a study's pool says what is in it, so two studies of the same sources share it."""
    return "--".join(".".join(names) for names in sources_of(study).values())


def add_pools(config: JsonTable) -> None:
    """Give, in place, each study with several sources a data set of its own: the pool of their people."""
    for study in config["studies"].values():
        if "dataset" not in study:
            sources = sources_of(study)
            study["dataset"] = pool_name(study)
            config["datasets"][study["dataset"]] = {
                "kind": "pool",
                **sources,
                "test": sources["test"][0],
            }


def members_of(pool: Config) -> list[str]:
    """Data sets that a pool is made of, each once; a pool as :func:`add_pools` describes it."""
    return list(dict.fromkeys([*pool["labelled"], *pool["unlabelled"], pool["test"]]))
