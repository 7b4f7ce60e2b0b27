"""Whether own tables have people enough for the studies that are to learn from them, before the first job."""

from pathlib import Path

from gcdr.base.plain import Config
from gcdr.config.asked import diffuses, models_of_studies, reported_methods, used_studies
from gcdr.config.label_checks import online_groups
from gcdr.config.preflight import SUPERVISED
from gcdr.config.schema import by_share, study_share, study_timestep
from gcdr.datasets.enough import Finding, Plan, people_findings
from gcdr.datasets.folder import people_of_table
from gcdr.datasets.layout import Source, annotation_files, is_of_test
from gcdr.variants import AUTO

OWN = ("folder", "video")
"""Kinds whose people of all splits stand in one table."""


def table_findings(config: Config) -> dict[str, list[Finding]]:
    """What will fail or mislead in the studies that learn from a folder's table, by study.

    Tables alone are read, with their labels, as the label split does. Of tables with wrong rows nothing is
    said, and of published data sets only whether files of both sides are there: their reader says the rest.

    Args:
        config: a configuration that was checked.
    """
    found = {}
    for study in _learning(config):
        about = config["studies"][study]
        source = config["datasets"].get(about.get("dataset"), {})
        by_name = "labels" in about or about.get("adapt")  # its split is not one that a share draws
        both = not about.get("adapt") and not about.get("pretrained")  # else one side may be enough
        if both and (sides := _lacking_side(source, study in config["report"]["studies"])):
            found[study] = [sides]
            continue
        if source.get("kind") != "folder" or config["split"]["released"] or by_name:
            continue
        if "table" not in source:
            lacking = "labels: found no table, so that nobody has one; give datasets.NAME.table"
            found[study] = [Finding(lacking, True)]
            continue
        share = source.get("test_share", 0)
        people = people_of_table(Path(source["images"]), Path(source["table"]), share)
        if people is not None:
            found[study] = people_findings(people, plan_of(config, study))
            named = (
                [about["dataset"]] if "group" in people and people["group"].notna().any() else []
            )
            found[study] += [Finding(text, True) for text in online_groups(config, study, named)]
    return found


def _lacking_side(source: Source, judged: bool) -> Finding | None:
    """What to say where test people alone have annotations, or none of them where a report measures."""
    if "root" not in source or source["kind"] in OWN or not (files := annotation_files(source)):
        return None
    root = Path(source["root"])
    tested = [path for path in files if is_of_test(path, root)]
    of_shows = f" of the shows {', '.join(source['shows'])}" if source.get("shows") else ""
    if len(tested) == len(files):
        return Finding(
            f"training people: {root} has annotations of test people alone{of_shows} "
            f"({tested[0].relative_to(root)}); expected those of training people beside them (gcdr verify "
            "and gcdr predict do without)",
            True,
        )
    if not tested and judged:
        return Finding(
            f"test people: {root} has annotations of training people alone{of_shows} "
            f"({files[0].relative_to(root)}), and a report measures on test people; expected theirs too",
            True,
        )
    return None


def plan_of(config: Config, study: str) -> Plan:
    """What a study is to learn from its people, as configured."""
    split, share, refine = config["split"], study_share(config, study), config["refine"]
    timestep = study_timestep(config, study, share)
    shown = [name for name in config["galleries"] if _teacher(config, name) == study]
    reported = study in config["report"]["studies"]
    chosen = timestep == AUTO and (bool(shown) or diffuses(config))
    needs = [name for name in reported_methods(config) if name not in SUPERVISED] * reported
    needs += ["the galleries' student (predictions)"] * bool(shown and config["predictions"])
    batches = (by_share(config[model]["recipe"], share)["batch"] for model in ("gaze", "diffusion"))
    return Plan(
        share if isinstance(share, int) else None,
        split["validation"],
        config["studies"][study]["seed"],
        split["by"],
        split["unlabelled"],
        max(batches),
        refine["auto"]["folds"] if chosen else 0,
        reported,
        ", ".join(dict.fromkeys(needs)),
    )


def _learning(config: Config) -> list[str]:
    """Studies in which models are trained: not those that are only shown with another one's."""
    teachers = [_teacher(config, name) for name in config["galleries"]]
    starts = (
        model["study"]
        for name in used_studies(config)
        for _, model in models_of_studies(config, name)
    )
    return list(dict.fromkeys([*config["report"]["studies"], *teachers, *starts]))


def _teacher(config: Config, study: str) -> str:
    """The study that teaches another one, or itself."""
    return config["studies"][study].get("teacher", study)
