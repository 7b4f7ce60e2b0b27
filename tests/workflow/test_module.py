"""The workflow as a module of another one, which works in a folder of its own."""

import subprocess
from pathlib import Path

import pytest
import yaml
from PIL import Image
from preloaded import run_snakemake
from workflow_runs import ROOT, SMOKE, Workspace, jobs_in

from gcdr.config.place import as_module

PHOTOS = {"photos": {"kind": "folder", "images": "photos", "table": "heads.csv", "drawn": True}}
"""Own pictures, in paths as the other workflow sees them."""


class Host:
    """Another workflow, with a rule and a configuration of its own."""

    def __init__(self, top: Path, folder: Path, lines: str = "config: config['gaze']") -> None:
        self.top, self.folder = top, folder
        folder.mkdir()
        overlay = yaml.safe_load((ROOT / SMOKE).read_text())
        (folder / "mine.yaml").write_text(yaml.safe_dump({"ours": 1, "gaze": overlay}))
        (folder / "Snakefile").write_text(
            "configfile: 'mine.yaml'\n"
            "rule all:\n    input: 'count.txt'\n"
            f"module gcdr:\n    snakefile: '{top}/Snakefile'\n    {lines}\n"
            "use rule * from gcdr as gaze_*\n"
            "rule count:\n    input: 'results/data/photos/bodies.parquet'\n    output: 'count.txt'\n"
            "    shell: 'wc -c < {input} > {output}'\n"
        )

    def snakemake(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run Snakemake there; stdout and stderr together."""
        return run_snakemake(self.folder, self.top / "src", ["--cores", "2", *arguments])


def test_a_module_plans_what_the_workflow_plans(planning: Workspace, tmp_path: Path) -> None:
    run = Host(planning.folder, tmp_path / "host").snakemake("-n", "gaze_all")
    assert run.returncode == 0, run.stdout
    planned = {name.removeprefix("gaze_"): n for name, n in jobs_in(run.stdout).items()}
    assert planned == planning.planned() | {"all": 1}
    assert len(planned) > 15


def test_a_module_may_lack_rules(planning: Workspace, tmp_path: Path) -> None:
    """Those that its host leaves out, or writes anew."""
    host = Host(planning.folder, tmp_path / "host")
    file = host.folder / "Snakefile"
    changed = (
        "exclude table_s7 as gaze_*\n"
        "use rule bodies from gcdr as gaze_bodies with:\n    priority: 5"
    )
    file.write_text(file.read_text().replace("as gaze_*", changed))
    run = host.snakemake("-n", "gaze_all")
    assert run.returncode == 0, run.stdout
    assert jobs_in(run.stdout)["gaze_bodies"] == 1


def files_made(workspace: Workspace) -> set[Path]:
    """What lies in the module's own folder, in which other tests may have run."""
    made = (path for name in ("results", "logs") for path in (workspace.folder / name).rglob("*"))
    return {path for path in made if path.is_file()}


def test_a_module_works_where_its_host_works(planning: Workspace, tmp_path: Path) -> None:
    """Own pictures through the shipped detector: scripts and weights are the module's."""
    host = Host(planning.folder, tmp_path / "host")
    (host.folder / "photos").mkdir()
    Image.new("RGB", (64, 48)).save(host.folder / "photos/1.png")
    table = "image,head_x0,head_y0,head_x1,head_y1\n1.png,1,1,20,20\n"
    (host.folder / "heads.csv").write_text(table)
    (host.folder / "smaller.yaml").write_text(yaml.safe_dump({"gaze": {"datasets": PHOTOS}}))
    chosen = ("--configfile", "smaller.yaml")
    before = files_made(planning)
    run = host.snakemake(*chosen)
    assert run.returncode == 0, run.stdout[-3000:]
    assert jobs_in(run.stdout) == dict.fromkeys(
        ("count", "gaze_own_manifest", "gaze_detect", "gaze_bodies"), 1
    )
    assert (host.folder / "count.txt").exists()
    assert files_made(planning) == before
    assert jobs_in(host.snakemake("-n", *chosen).stdout) == {}


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("skip_validation: False", "found no config, expected one"),
        ("config: config['gaze']\n    prefix: 'gaze'", "found a prefix that makes 'gaze/results/'"),
        (
            "config: config['gaze']\n    replace_prefix: {'results/': 'out/'}",
            "found a prefix that makes 'out/'",
        ),
        ("config: config", "ours: unknown key"),
    ],
)
def test_a_module_says_what_it_needs(
    planning: Workspace, tmp_path: Path, lines: str, said: str
) -> None:
    run = Host(planning.folder, tmp_path / "host", lines).snakemake("-n")
    assert run.returncode != 0 and "Traceback" not in run.stdout
    assert said in run.stdout


def test_a_module_s_configuration_is_laid_over_the_defaults() -> None:
    given = {"detect": {"shards": 3}, "report": {"studies": ["a"]}}
    made = as_module(ROOT, given)
    assert made["detect"] == yaml.safe_load((ROOT / "config.yaml").read_text())["detect"] | {
        "shards": 3, "weights": f"{ROOT}/assets/world/detector",
    }  # fmt: skip
    made["report"]["studies"].append("b")
    assert given == {"detect": {"shards": 3}, "report": {"studies": ["a"]}}
