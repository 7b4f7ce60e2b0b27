"""What is checked of whose labels a study keeps by name, and of adapting to a data set, beyond the schema."""

from collections.abc import Collection, Iterator

from gcdr.base.plain import Config
from gcdr.config.asked import (
    diffuses,
    labelled_online,
    models_of_studies,
    same_people,
    used_studies,
)
from gcdr.config.schema import study_share, study_timestep
from gcdr.data.chosen import ChosenLabels
from gcdr.methods import TEACHERS
from gcdr.variants import AUTO

RATED = ("student", *TEACHERS)
"""What a study may have a learning rate of its own for."""

CHOOSE = tuple(name for name, about in TEACHERS.items() if about.labels_alone)
"""Whose rate may be chosen among several. A student's is given, one a show for all teachers (paper, S1)."""

TRACKED = ("videoattentiontarget", "childplay", "world-show", "video")
"""Kinds of data sets whose people are rows of tracks."""

GROUPED = ("videoattentiontarget", "childplay", "gooreal", "world-show")
"""Kinds of data sets whose people are in groups; those of a folder are where its table has the column."""


def label_problems(config: Config) -> Iterator[str]:
    """Studies that say twice, or not at all, whose labels they keep, or rates for what is not trained."""
    for name, study in config["studies"].items():
        labels = study.get("labels")
        if labels is not None:
            named = ChosenLabels.from_json(labels).named
            if len(named) != 1:
                yield (
                    f"studies.{name}.labels: found {named or 'nothing'}, expected one of clips, frames and "
                    "shows"
                )
            if "share" in study:
                yield f"studies.{name}: found labels and share, expected one of them"
        yield from _clips_for_folds(config, name)
        if name in used_studies(config):
            kinds = {one: config["datasets"].get(one, {}).get("kind") for one in _labelled(study)}
            grouped = [one for one, kind in kinds.items() if kind in GROUPED]
            yield from online_groups(config, name, grouped)
        if study.get("adapt") or labels:
            yield from (
                f"studies.{name}: takes or starts from a model of study {model['study']}, which has labels "
                "of the same data set, of people whom this one hides; expected a model of other people"
                for _, model in models_of_studies(config, name)
                if model["study"] in config["studies"] and same_people(config, name, model["study"])
            )
        yield from (
            f"studies.{name}.lr: found {rated!r}, expected one of {', '.join(RATED)}"
            for rated in study.get("lr", {})
            if rated not in RATED
        )
        yield from (
            f"studies.{name}.lr.{rated}: found several rates, expected one; among several chooses the "
            f"training of {', '.join(CHOOSE)}"
            for rated, rate in study.get("lr", {}).items()
            if isinstance(rate, list) and rated in RATED and rated not in CHOOSE
        )
        for key in ("labels", "adapt"):
            if study.get(key) and "dataset" not in study:
                yield (
                    f"studies.{name}.{key}: found it beside labelled, unlabelled and test; expected "
                    "dataset, of which everybody is"
                )


def _clips_for_folds(config: Config, name: str) -> Iterator[str]:
    """A study whose timestep is to be chosen by folds and that has fewer labelled clips than folds."""
    study, refine = config["studies"][name], config["refine"]
    labels = study.get("labels") or {}
    clips = 1 if "frames" in labels else len(labels.get("clips", ()))
    named = study_timestep(config, name, study_share(config, name))
    folds = refine["auto"]["folds"]
    if (
        clips
        and named == AUTO
        and clips < folds
        and diffuses(config)
        and name in used_studies(config)
    ):
        yield (
            f"studies.{name}.timestep: found auto, which deals labelled clips to {folds} folds, and {clips} "
            "clip of them; expected a timestep by number, as the paper takes 250 or 300"
        )


def online_groups(config: Config, name: str, sources: Collection[str]) -> list[str]:
    """A study whose groups have timesteps of their own, with labels that are made in the batch.

    Args:
        config: the configuration.
        name: the study.
        sources: names of its data sets whose people are in groups.
    """
    named = study_timestep(config, name, study_share(config, name))
    if not sources or named != AUTO or not labelled_online(config):
        return []
    return [
        f"studies.{name}: found groups in {', '.join(sources)}, which may have timesteps of their own "
        "(auto), and refine.redraw online, which refines everybody alike; expected redraw sampled or mean, "
        "or a timestep by number"
    ]


def torn_tracks(config: Config) -> list[str]:
    """Studies whose label split tears the tracks of their data set: a sentence each, with what to do.

    Neighbouring frames of a track are nearly one picture. Where one is labelled and the next is not, little
    is learned of how a method does with few labels.
    """
    by = config["split"]["by"]
    if by not in ("image", "person"):
        return []
    return [
        f"studies.{name}: split.by {by} tears tracks, so that most unlabelled frames have a labelled "
        "neighbour; split.by: sequence keeps clips whole, group shows, and studies.NAME.labels names clips"
        for name in used_studies(config)
        if isinstance(share := study_share(config, name), int)
        and share < 100
        and any(
            config["datasets"].get(source, {}).get("kind") in TRACKED
            for source in _labelled(config["studies"][name])
        )
    ]


def _labelled(study: Config) -> list[str]:
    """Data sets from which a study's labelled people are."""
    return list(study.get("labelled", [])) or [study["dataset"]]
