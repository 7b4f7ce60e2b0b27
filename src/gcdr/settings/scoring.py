"""What a metrics file says it is of, from the configuration."""

from dataclasses import dataclass

from gcdr.base.plain import Config

TITLES = {
    "world": "demo world",
    "world-show": "moving demo world",
    "gazefollow": "GazeFollow",
    "videoattentiontarget": "VideoAttentionTarget",
    "gazelle": "Gaze-LLE's JSON",
    "childplay": "ChildPlay",
    "gooreal": "GOO-Real",
    "semgaze": "GazeFollow with names",
    "gazehoi": "GazeHOI",
    "folder": "own images",
    "video": "own films",
}


@dataclass(frozen=True)
class About:
    """What is scored; the first keys of a metrics file.

    Attributes:
        study: the study.
        dataset: what its data set is, for people.
        share: labelled share in per cent, or ``OWN``.
        seed: seed of the split.
        variant: by which the maps, or the model that makes them, came about.
        method: the method of that variant, or what stands in its place in a table.
        kind: "teacher", "student", "maps" or "baseline".
        timestep: how far maps were noised, where they were.
        prior: the prior store that was seen, if any.
        gaze: the gaze model, if one was trained.
    """

    study: str
    dataset: str
    share: int | str
    seed: int
    variant: str
    method: str
    kind: str
    timestep: int | None = None
    prior: str | None = None
    gaze: str | None = None


def title_of(config: Config, dataset: str) -> str:
    """What kind of data set it is, for people; of a pool, where test people and labels are from."""
    source = config["datasets"][dataset]
    if source["kind"] != "pool":
        return TITLES[source["kind"]]
    test = source["test"]
    return f"{title_of(config, test)} {test}, labels of {', '.join(source['labelled'])}"
