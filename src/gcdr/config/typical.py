"""What several worlds gave with the very settings of a run: beside one world, in which chance decides much.

The figures lie in a file with a digest of the settings that made them. A run with other settings does not
show them, and a change of the defaults takes them away until they are measured again
(``benchmarks/typical.py``).
"""

import json
from pathlib import Path

from gcdr.base.files import read_json, text_digest
from gcdr.base.plain import Config

TYPICAL = Path("assets/world/typical.json")
DECIDING = ("split", "detect", "heatmap", "samples", "gaze", "diffusion", "refine")


def settings_digest(config: Config) -> str | None:
    """What tells the settings of a report from others, but for the seeds of its worlds and studies.

    Args:
        config: the configuration, with all defaults.

    Returns:
        None where a study is of no drawn world, has settings of its own, or is of another sort of world than
        the others.
    """
    studies = [config["studies"][name] for name in config["report"]["studies"]]
    if not studies or any(study.keys() - {"dataset", "seed"} for study in studies):
        return None
    sources = [config["datasets"][study["dataset"]] for study in studies]
    worlds = {
        json.dumps({key: value for key, value in source.items() if key != "seed"}, sort_keys=True)
        for source in sources
    }
    if len(worlds) > 1 or any(source["kind"] != "world" for source in sources):
        return None
    settings = {key: config[key] for key in DECIDING} | {"prior": config["priors"][config["prior"]]}
    return text_digest(*worlds, json.dumps(settings, sort_keys=True))


def typical_file(config: Config, path: Path = TYPICAL) -> list[str]:
    """The file of figures of several worlds, where they were made with a configuration's settings.

    One report of several studies has a spread of its own, and none is set beside it.
    """
    if len(config["report"]["studies"]) != 1 or not path.is_file():
        return []
    return [str(path)] if read_json(path)["settings"] == settings_digest(config) else []
