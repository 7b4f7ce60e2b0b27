"""`make gazefollow` from its first step to its last, on drawn people in its layout, and its forecast.

    python benchmarks/fake_run.py CHECKOUT [--train 60] [--test 60] [--steps 40] [--bodies] [--films]

CHECKOUT is a clone with nothing in it but what git has, set up: the data go into its folder ``data``. The
weights of the demo world are in the place of released ones. The first start of make ends after the forecast;
the second goes on after pilots that are not as expected (GO_ON=1): drawn people need not be near the paper's
numbers. With --films it is `make videoattentiontarget`, on films of drawn people under the names of shows.
Printed are the CPU seconds that `gcdr forecast` says for the jobs that are left, and those that they took.
"""

import argparse
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import yaml

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))
from fake_films import LABELLED, write_films  # noqa: E402
from fake_gazefollow import write_gazefollow, write_training  # noqa: E402


def configuration(steps: int) -> dict:
    """Table 1 on such data: the sizes of ``config.yaml``, and trainings of some steps."""
    recipe, few = {"steps": steps, "batch": 8}, {"labelled_per_batch": 2}
    return {
        "device": "cpu",
        "datasets": {
            "gazefollow": {"kind": "gazefollow", "root": "data/gazefollow", "drawn": True}
        },
        "studies": {"gazefollow": {"dataset": "gazefollow", "seed": 0}},
        "report": {"name": "gazefollow", "studies": ["gazefollow"], "methods": ["vat", "gcdr"]},
        "split": {
            **{"validation": 0, "by": "person"},
            "released": "data/gazefollow/weak_supervision",
        },
        "gaze": {"recipe": recipe, "labelled_per_batch": 2, "mean_teacher": few, "unlabelled": few},
        "diffusion": {"recipe": recipe, "mean_teacher": few},
        "refine": {"timestep": 100},
    }


def with_films(config: dict) -> dict:
    """The same configuration with Table S4 on films, as ``configs/labelled-shows.yaml`` has it."""
    shows = yaml.safe_load((ROOT / "configs/labelled-shows.yaml").read_text())
    shows["gaze"]["models"]["film"]["size"] = "world"
    shows["studies"]["gazefollow"]["share"] = 100
    shows["datasets"]["videoattentiontarget"]["drawn"] = True
    merged = {**config, **{key: shows[key] for key in ("report", "split")}}
    for key in ("datasets", "studies", "gaze", "diffusion"):
        merged[key] = {**config[key], **shows[key]}
    return merged


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("checkout", type=Path)
    parser.add_argument("--train", type=int, default=60, help="training pictures")
    parser.add_argument("--test", type=int, default=60, help="test pictures")
    parser.add_argument("--steps", type=int, default=40, help="of every training")
    parser.add_argument(
        "--bodies", action="store_true", help="annotations of 21 and 20 columns, with body boxes"
    )
    parser.add_argument("--frames", type=int, default=12, help="of a clip")
    parser.add_argument("--films", action="store_true", help="VideoAttentionTarget's table")
    options = parser.parse_args()
    os.chdir(options.checkout)
    data = Path("data/gazefollow")
    data.mkdir(parents=True)
    how = {"size": (320, 240), "bodies": options.bodies}
    write_training(data, options.train, (5, 10, 20), **how)
    write_gazefollow(data, options.test, **how)
    config, target = configuration(options.steps), "gazefollow"
    if options.films:
        config, target = with_films(config), "videoattentiontarget"
        shows = [*LABELLED, "Frozen", "Orange"]
        write_films(data.with_name(target), shows, ["Friends", "Suits"], options.frames)
    Path("fake.yaml").write_text(yaml.safe_dump(config))
    command = ["make", target, "CONFIG=fake.yaml"]
    said = run([*command, "PILOT=--expected none.json"])  # so that it ends where pilots begin
    forecast = re.findall(r"^together .*$", said, re.M)[-1]
    before = seconds()
    run([*command, "GO_ON=1"])
    took = seconds() - before
    table = json.loads(Path(f"results/{config['report']['name']}/submission.json").read_text())
    print(forecast)
    print(f"took {took:.0f} CPU s; {len(table['result']['metrics'])} numbers in submission.json")


def run(command: list[str]) -> str:
    """What a command prints, which is passed on."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    print(done.stdout, flush=True)
    return done.stdout


def seconds() -> float:
    """CPU seconds of all jobs so far."""
    files = Path("results/benchmarks").rglob("*.tsv")
    return float(sum(pd.read_csv(file, sep="\t")["cpu_time"].sum() for file in files))


if __name__ == "__main__":
    main()
