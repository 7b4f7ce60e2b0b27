"""A pilot's second half: is the supervised model of a run near what was published, and if not, why?

It is trained as the run itself would train it, so nothing of it is lost.
"""

from collections.abc import Mapping
from pathlib import Path

from gcdr.base.errors import InputError
from gcdr.base.plain import Config, JsonTable, changed_keys
from gcdr.config.asked import sees_depth
from gcdr.config.deciding import deciding_gaze
from gcdr.config.schema import first_study, study_share
from gcdr.data.split_name import CHOSEN, SplitName
from gcdr.datasets.layout import Source
from gcdr.verification.claims import other_reading

SLACK = 0.1
"""How much further than the interval over pictures a trained model may be from a published number, as a part
of it (of AUC and AP, of what they lack to 1): other weights and batches were drawn there."""
DECIDING = ("split", "samples", "heatmap", "gaze")
"""Sections of the configuration that a supervised model depends on."""
OF_OTHERS = ("gaze.mean_teacher", "gaze.unlabelled", "gaze.labelled_per_batch")
"""What in them other models alone depend on."""


def supervised_model(config: Config) -> tuple[Source, str, Path]:
    """The supervised model of the report's first study.

    Returns:
        the study's data set; the name of the publication's claim on it; the model's folder in ``results``.

    Raises:
        InputError: it sees depth, which a pilot has none of.
    """
    name, gaze = first_study(config), config["gaze"]["model"]
    if sees_depth(config, gaze):
        raise InputError(
            f"gaze.model: found {gaze}, which sees depth, of which a pilot has none; expected one "
            "of pictures alone"
        )
    study = config["studies"][name]
    split = SplitName(study_share(config, name))
    claim = {CHOSEN: "vat-shows", 100: "vat"}.get(split.labelled, f"vat-{split.labelled}")
    folder = f"results/{name}/labels{split}-seed{study['seed']}/teachers"
    return (
        config["datasets"][study["dataset"]],
        claim,
        Path(folder, f"vat+{config['gaze']['model']}"),
    )


def cause_in_training(result: JsonTable, config: Config, paper: Config) -> str | None:
    """Why a supervised model is not near what was published; None where it is.

    Args:
        result: of :func:`gcdr.verification.verify.beside_claim`, with ``SLACK``.
        config: what it was trained by.
        paper: the configuration of the paper's run.
    """
    found = result["metrics"].values()
    if all(one["agrees"] for one in found):
        return None
    if not _begins_from_weights(config) and _begins_from_weights(paper):
        return "the first weights: neither the gaze model nor the study has an init, so they were random"
    changed = sorted(
        key
        for section in DECIDING
        for key in changed_keys(_used(config, section), _used(paper, section), section)
        if not key.startswith(OF_OTHERS)
    )
    if changed:
        return f"settings: other than the paper's are {', '.join(changed)}"
    if reading := other_reading(result):
        return f"the protocol: the published {reading} of the same maps"
    if not any(one["agrees"] for name, one in result["metrics"].items() if name != "AUC"):
        return (
            "boxes or labels: settings are the paper's; are these the data set's own annotations?"
        )
    return "none that is known: settings and first weights are the paper's; try another seed"


def _used(config: Config, section: str) -> Config:
    """A section, without gaze models that are not used."""
    return deciding_gaze(config) if section == "gaze" else dict(config[section])


def _begins_from_weights(config: Config) -> bool:
    """Whether the supervised model of the first study has first weights."""
    gaze, begun = config["gaze"]["model"], config["studies"][first_study(config)].get("init")
    own = begun.get(gaze) if isinstance(begun, Mapping) else begun
    return (own or config["gaze"]["models"][gaze].get("init")) is not None
