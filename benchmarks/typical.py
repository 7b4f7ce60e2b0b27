"""Write what several worlds gave with the demo's settings, which the demo's table sets beside its one world.

    python benchmarks/typical.py RESULTS configs/worlds.yaml

RESULTS is the folder of the results of that configuration. AvgDist of each row over its runs, at the
configured label share, goes to assets/world/typical.json, with a digest of the settings.
"""

import json
import sys
from pathlib import Path

import yaml
from snakemake.utils import update_config

from gcdr.base.files import atomic
from gcdr.base.plain import Config
from gcdr.config.schema import study_share
from gcdr.config.typical import TYPICAL, settings_digest
from gcdr.data.split_name import SplitName
from gcdr.report.tables import over_runs, read_metrics


def metrics_of(results: Path, config: Config) -> list[Path]:
    """Metrics of a report's studies at their own label share and seed, not what lies beside."""
    folders = []
    for name in config["report"]["studies"]:
        share = SplitName(study_share(config, name), unlabelled=config["split"]["unlabelled"])
        folders.append(results / name / f"labels{share}-seed{config['studies'][name]['seed']}")
    return [path for folder in folders for path in sorted(folder.glob("metrics/*.json"))]


def main(results: str, overlay: str) -> None:
    config = yaml.safe_load(Path("config.yaml").read_text())
    update_config(config, yaml.safe_load(Path(overlay).read_text()))
    studies = config["report"]["studies"]
    found = read_metrics(metrics_of(Path(results), config))
    rows = {variant: over_runs(part) for variant, part in found.groupby("variant")}
    content = {
        "runs": len(studies),
        "settings": settings_digest(config),
        "rows": {
            variant: [round(row["dist_to_mean"], 5), round(row["dist_to_mean_std"], 5)]
            for variant, row in rows.items()
            if row["runs"] == len(studies)
        },
    }
    with atomic(TYPICAL) as temporary:
        temporary.write_text(json.dumps(content, indent=1) + "\n")
    print(TYPICAL.read_text())


if __name__ == "__main__":
    main(*sys.argv[1:])
