r"""Snakemake started in every way that people start it, counted.

    python benchmarks/starts.py              # all; about five seconds of a core each
    python benchmarks/starts.py --only link  # those with this word

A start is right where it plans what the plain one plans, or ends with one message that says what to do; there
is no traceback in either. Nothing is computed. A module is another Snakefile's (docs/module.md).
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
SMOKE = ROOT / "configs/smoke.yaml"
AS = "use rule * from gcdr as gaze_*"
GAZE = "config: config['gaze']"


@dataclass(frozen=True)
class Start:
    """One way to start.

    Attributes:
        words: what stands behind ``snakemake -n``; ``{top}`` is the repository, ``{here}`` a new folder.
        within: folder of the start; ``{top}`` or ``{here}``.
        says: what one message must hold; empty where it must plan.
        links: links made before, by place.
        host: the Snakefile of another workflow, written to ``{here}/Snakefile`` with a ``mine.yaml``.
        told: environment variables.
    """

    words: tuple[str, ...] = ("--configfile", "configs/smoke.yaml")
    within: str = "{top}"
    says: str = ""
    links: dict[str, str] = field(default_factory=dict)
    host: str = ""
    told: dict[str, str] = field(default_factory=dict)


def hosted(*lines: str, use: str = AS, snakefile: str = "{top}/Snakefile", **more: Any) -> Start:
    """A module of a Snakefile with such lines in its ``module``."""
    module = "".join(f"    {line}\n" for line in (f'snakefile: "{snakefile}"', *lines))
    host = f'configfile: "mine.yaml"\nmodule gcdr:\n{module}{use}\n'
    words = more.pop("words", "gaze_all").split()
    return Start((*words,), "{here}", more.pop("says", ""), host=host, **more)


SAYS = "cd {top} && snakemake"
STARTS: dict[str, Start] = {
    "plain": Start(),
    "configuration by its whole path": Start(("--configfile", "{top}/configs/smoke.yaml")),
    "Snakefile by its whole path": Start(("-s", "{top}/Snakefile", "--configfile", "configs/smoke.yaml")),
    "in a folder that links to it": Start(within="{here}/link", links={"link": "{top}"}),
    "Snakefile by a link in another folder": Start(
        ("-s", "Snakefile", "--configfile", "{top}/configs/smoke.yaml"),
        "{here}", "no folder workflow beside it", links={"Snakefile": "{top}/Snakefile"}),
    "Snakefile by a link, in its top folder": Start(
        ("-s", "{here}/Snakefile", "--configfile", "configs/smoke.yaml"),
        says="no folder workflow beside it", links={"Snakefile": "{top}/Snakefile"}),
    "Snakefile by the path of a linked folder": Start(
        ("-s", "{here}/link/Snakefile", "--configfile", "configs/smoke.yaml"), links={"link": "{top}"}),
    "from another folder": Start(
        ("-s", "{top}/Snakefile", "--configfile", "{top}/configs/smoke.yaml"), "{here}", SAYS),
    "from workflow/": Start(("-s", "../Snakefile", "--configfile", "../configs/smoke.yaml"),
                            "{top}/workflow", SAYS),
    "--directory elsewhere": Start(("-d", "{here}/work", "--configfile", "configs/smoke.yaml"), says=SAYS),
    "--directory elsewhere, no overlay": Start(("-d", "{here}/work"), says=SAYS),
    "--directory to it, whole paths": Start(
        ("-s", "{top}/Snakefile", "-d", "{top}", "--configfile", "{top}/configs/smoke.yaml"), "{here}"),
    "--directory to it, the overlay in the other folder": Start(
        ("-s", "{top}/Snakefile", "-d", "{top}", "--configfile", "mine/smoke.yaml"),
        "{here}", links={"mine": "{top}/configs"}),
    "--directory of a point": Start(("-d", ".", "--configfile", "configs/smoke.yaml")),
    "--profile": Start(("--profile", "profiles/default", "--configfile", "configs/smoke.yaml")),
    "--workflow-profile": Start(("--workflow-profile", "profiles/default",
         "--configfile", "configs/smoke.yaml")),
    "--workflow-profile none": Start(("--workflow-profile", "none", "--configfile", "configs/smoke.yaml")),
    "a profile that is not there": Start(
        ("--profile", "profiles/nowhere", "--configfile", "configs/smoke.yaml"), says="profiles/nowhere"),
    "a profile of the environment": Start(told={"SNAKEMAKE_PROFILE": "{top}/profiles/default"}),
    "--config of a leaf": Start(("--configfile", "configs/smoke.yaml", "--config", "device=cpu")),
    "--config of a section": Start(
        ("--configfile", "configs/smoke.yaml", "--config", 'detect={{"batch": 4}}')),
    "--config of an unknown key": Start(
        ("--configfile", "configs/smoke.yaml", "--config", "divice=cpu"), says="divice"),
    "--config of a wrong type": Start(
        ("--configfile", "configs/smoke.yaml", "--config", "detect=4"), says="detect"),
    "two overlays": Start(("--configfile", "configs/smoke.yaml", "configs/seeds.yaml")),
    "an overlay that is not there": Start(("--configfile", "configs/nowhere.yaml"), says="nowhere.yaml"),
    "an overlay that is a folder": Start(("--configfile", "configs"), says="configs"),
    "an overlay that is empty": Start(
        ("--configfile", "/dev/null", "configs/smoke.yaml"), says="Config file must be given as"),
    "a target by its whole path": Start(
        ("{top}/results/smoke/tables/report.html", "--configfile", "configs/smoke.yaml"), says="results/"),
    "a target that nothing makes": Start(
        ("results/nothing", "--configfile", "configs/smoke.yaml"), says="results/nothing"),
    "as a module": hosted(GAZE),
    "as a module, named relatively": hosted(GAZE, snakefile="link/Snakefile", links={"link": "{top}"}),
    "as a module of a linked folder": hosted(
        GAZE, snakefile="{here}/link/Snakefile", links={"link": "{top}"}),
    "as a module, Snakefile by a link": hosted(
        GAZE, snakefile="{here}/gcdr.smk", links={"gcdr.smk": "{top}/Snakefile"},
        says="no folder workflow beside it"),
    "as a module without rules": hosted(
        GAZE, use="use rule * from gcdr exclude table_s7, table1 as gaze_*"),
    "as a module, its names kept": hosted(GAZE, use="use rule * from gcdr", words="all"),
    "as a module, one rule": hosted(
        GAZE, use="use rule world from gcdr as w", words="results/data/smoke/manifest.parquet"),
    "as a module, a rule changed": hosted(
        GAZE, use=f"{AS}\nuse rule detect from gcdr as gaze_detect with:\n    priority: 5"),
    "as a module with a prefix": hosted(GAZE, 'prefix: "gaze"', says="found a prefix"),
    "as a module with replace_prefix": hosted(
        GAZE, 'replace_prefix: {{"results/": "out/"}}', says="found a prefix"),
    "as a module without a configuration": hosted(says="found no config"),
    "as a module with foreign keys": hosted("config: config", says="ours: unknown key"),
    "as a module with a list for a configuration": hosted("config: [1]", says="config"),
    "as a module of a file that is not there": hosted(
        GAZE, snakefile="{top}/Snakefil", says="Snakefil"),
    "as a module, --directory": hosted(
        GAZE, words="gaze_all -d {here}/work", says="mine.yaml but it is not present"),
    "as two modules of two configurations": hosted(
        GAZE,
        use=AS + '\nmodule other:\n    snakefile: "{top}/Snakefile"\n    config: config["other"]\n'
        "use rule * from other as other_*",
        words="gaze_all other_all",
        says="ambiguous",  # one configuration holds several studies (docs/module.md)
    ),
}  # fmt: skip


def planned(text: str) -> dict[str, int]:
    """Jobs by rule, without what a module puts before their names."""
    if "Job stats:" not in text:
        return {}
    table = text.split("Job stats:", 1)[1].split("total", 1)[0]
    jobs = re.findall(r"^(?:gaze_|other_)?(\w+)\s+(\d+)\s*$", table, re.M)
    return {name: int(count) for name, count in jobs if name != "all"}


def fault(start: Start, meant: dict[str, int] | None) -> tuple[str, dict[str, int]]:
    """What is wrong, empty if nothing, and the jobs planned."""
    with tempfile.TemporaryDirectory(prefix="a start, with blanks ") as name:
        here = Path(name)

        def filled(text: str) -> str:
            return text.format(top=ROOT, here=here)

        for place, target in start.links.items():
            (here / place).symlink_to(filled(target))
        if start.host:
            overlay = yaml.safe_load(SMOKE.read_text())
            other = {**overlay, "report": {**overlay.get("report", {}), "name": "other"}}
            mine = {"ours": 1, "gaze": overlay, "other": other}
            (here / "mine.yaml").write_text(yaml.safe_dump(mine))
            (here / "Snakefile").write_text(filled(start.host))
        command = [
            sys.executable,
            "-m",
            "snakemake",
            "-n",
            "--cores",
            "2",
            *map(filled, start.words),
        ]
        told = {name: filled(value) for name, value in start.told.items()}
        run = subprocess.run(
            command, cwd=filled(start.within), env={**os.environ, **told},
            text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        said, says = run.stdout, filled(start.says)
    last = " | ".join(said.splitlines()[-3:])[-1400:]
    if "Traceback" in said:
        return f"a traceback: {last}", {}
    if says:
        return ("" if run.returncode and says in said else f"expected {says!r}: {last}"), {}
    found = planned(said)
    right = run.returncode == 0 and (meant is None or found == meant or "two" in said)
    return ("" if right else f"found the plan {found}: {last}"), found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", default="")
    only = parser.parse_args().only
    _, plan = fault(STARTS["plain"], None)
    chosen = {name: start for name, start in STARTS.items() if re.search(only, name)}
    wrong = 0
    for name, start in chosen.items():
        partial = name in (
            "two overlays",
            "as a module, one rule",
            "as two modules of two configurations",
        )
        found, _ = fault(start, None if partial else plan)
        wrong += bool(found)
        if found:
            print(f"{name}: {found}", flush=True)
    print(f"{len(chosen)} starts, {wrong} wrong; a plain one plans {sum(plan.values())} jobs")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
