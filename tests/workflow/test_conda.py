"""Snakemake deploys envs/gcdr.yaml; conda itself is played by a script, so nothing is installed."""

import os
import subprocess
import sys
from pathlib import Path

import yaml
from PIL import Image
from workflow_runs import ROOT, SMOKE, Workspace

CONDA = """#!/bin/bash
echo "conda $*" >> {base}/said.txt
case "$1" in
    info) echo '{{"conda_prefix": "{base}", "platform": "linux-64"}}' ;;
    --version) echo "conda 25.1.0" ;;
    config) echo '{{"get": {{"channel_priority": "strict"}}}}' ;;
    env)
        while [ "$1" != --prefix ]; do shift; done
        mkdir -p "$2/bin" && cp {base}/python "$2/bin/python" ;;
esac
"""
PYTHON = """#!/bin/bash
echo "python ${{PYTHONPATH-none}} $*" >> {base}/said.txt
[ "$1 $2" = "-m pip" ] || exec {python} "$@"
"""
START = [sys.executable, "-m", "snakemake", "--sdm", "conda", "--cores", "1"]
HEADS = "image,head_x0,head_y0,head_x1,head_y1\n1.png,1,1,20,20\n"


def play_conda(base: Path) -> None:
    """A conda that writes down what it is asked for, and makes environments of one interpreter."""
    files = {
        "bin/conda": CONDA.format(base=base),
        "bin/activate": 'export PATH="$1/bin:$PATH"\n',
        "python": PYTHON.format(base=base, python=sys.executable),
    }
    (base / "bin").mkdir(parents=True)
    for name, text in files.items():
        (base / name).write_text(text)
        (base / name).chmod(0o755)


def test_jobs_run_the_checkout_s_code_in_the_environment_of_the_pins(
    workspace: Workspace, tmp_path: Path
) -> None:
    """Whatever package is installed where the job runs: Snakemake takes PYTHONPATH away there."""
    folder, base = workspace.folder, tmp_path / "conda"
    play_conda(base)
    (folder / "photos").mkdir()
    Image.new("RGB", (64, 48)).save(folder / "photos/1.png")
    workspace.write("heads.csv", HEADS)
    photos = {"kind": "folder", "images": "photos", "table": "heads.csv", "drawn": True}
    workspace.write("own.yaml", yaml.safe_dump({"datasets": {"photos": photos}}))
    with (folder / "src/gcdr/data/parquet.py").open("a") as file:
        file.write("\nprint('of the checkout')\n")
    run = subprocess.run(
        [*START, "results/data/photos/manifest.parquet", "--configfile", SMOKE, "own.yaml"],
        cwd=folder,
        env={
            **os.environ,
            "PATH": f"{base}/bin:{os.environ['PATH']}",
            "PYTHONPATH": str(folder / "src"),
        },
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert run.returncode == 0, run.stdout[-3000:]
    said = (base / "said.txt").read_text().splitlines()
    made = [line for line in said if line.startswith("conda env create")]
    environments = sorted((folder / ".snakemake/conda").glob("*.yaml"))
    assert len(made) == len(environments) == 1
    assert environments[0].read_bytes() == (ROOT / "envs/gcdr.yaml").read_bytes()
    ran = [line for line in said if line.startswith("python")]
    assert ran[0].endswith(f"-m pip install --no-deps {photo_pin()}")
    assert ran[1].startswith("python none workflow/scripts/own_manifest.py --source=")
    assert len(ran) == 2
    assert "of the checkout" in (folder / "logs/photos/manifest.log").read_text()


def photo_pin() -> str:
    return (ROOT / "envs/gcdr.post-deploy.sh").read_text().split()[-1]
