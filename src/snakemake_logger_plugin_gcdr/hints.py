"""What to do about errors of Snakemake that name no remedy."""

import re
from collections.abc import Iterable
from pathlib import Path

from gcdr.base.errors import InputError
from gcdr.config.yamlfiles import read_yaml

HINTS = {
    "No rule to produce": "snakemake --list-target-rules names what can be asked for",
    "Config entry must start with": "a key below another is given as --config 'split={share: 5}'",
    "Directory cannot be locked": "docs/troubleshooting.md says when to use snakemake --unlock",
}
PAGES = {
    "gaze": "weights.md", "diffusion": "weights.md", "heads": "weights.md", "detect": "weights.md",
    "priors": "priors.md", "datasets": "datasets.md", "split": "datasets.md",
}  # fmt: skip
"""Where to read on about a problem of the configuration, by the first part of its key."""


def advice(said: str, arguments: Iterable[str]) -> list[str]:
    """Lines to add to an error.

    Args:
        said: what Snakemake says.
        arguments: those that it was started with; of a configuration that is no YAML they tell which file.
    """
    found = [hint for text, hint in HINTS.items() if text in said]
    if keys := re.findall(r"^  (\w+)\.", said, re.M) * said.startswith("configuration: "):
        pages = dict.fromkeys([*(PAGES[key] for key in keys if key in PAGES), "configuration.md"])
        found.append(f"read {', '.join(f'docs/{page}' for page in pages)}")
    if "not valid JSON or YAML" in said:
        found += [line for name in arguments if (line := _no_yaml(Path(name)))]
    return found


def _no_yaml(path: Path) -> str | None:
    if path.suffix not in (".yaml", ".yml", ".json") or not path.is_file():
        return None
    try:
        read_yaml(path)
    except InputError as error:
        return str(error)
    return None
