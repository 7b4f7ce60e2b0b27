"""What of a configuration decides the numbers of its report, for the record beside them."""

from typing import Any

from gcdr.base.plain import Config, JsonTable
from gcdr.config.weight_checks import weight_uses
from gcdr.priors.kinds.registry import named_prior

SECTIONS = ("split", "samples", "heatmap", "detect", "diffusion", "refine")


def deciding_settings(config: Config) -> JsonTable:
    """The sections that decide numbers: of gaze models and priors those that the report uses."""
    gaze: dict[str, Any] = dict(config["gaze"])
    gaze["models"] = {gaze["model"]: gaze["models"][gaze["model"]]}
    priors = {name: config["priors"][name] for name in _priors(config)}
    return {**{name: config[name] for name in SECTIONS}, "gaze": gaze, "priors": priors}


def weights_used(config: Config) -> dict[str, str]:
    """Files and folders of weights that its models begin from, by the key that names them."""
    gaze = f"gaze.models.{config['gaze']['model']}."
    found = {
        use.key: use.source
        for use in weight_uses(config)
        if not use.key.startswith("gaze.models.") or use.key.startswith(gaze)
    }
    asked = {name: config["priors"][name].get("weights") for name in _priors(config)}
    return found | {f"priors.{name}.weights": str(path) for name, path in asked.items() if path}


def _priors(config: Config) -> list[str]:
    studies = (config["studies"][name] for name in config["report"]["studies"])
    return sorted({named_prior(config, study) for study in studies})
