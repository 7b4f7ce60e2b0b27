"""What the report of many test people costs: seconds, of a core too, megabytes of the page and peak memory.

    python benchmarks/report_scale.py results/worlds/report.html configs/worlds.yaml --people 1000 5000

Takes a finished run, repeats the test people of the study that its report shows under new ids until there are
as many as asked for (their pictures are links, their maps, points and errors copies), and makes the report of
them with the command that the workflow would start. ``--source`` takes that command's script and package from
another checkout, to compare two versions. The run itself is only read.
"""

import argparse
import json
import os
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from gcdr.base.files import read_json, write_sealed
from gcdr.data.manifest import people_digest, read_people
from gcdr.data.parquet import read_table, table_about, write_table
from gcdr.data.shown import split_identity
from gcdr.data.stores import Store, read_labels, read_prior, write_labels, write_prior

ROOT = Path(__file__).parents[1]


def planned_command(page: str, configuration: Path) -> list[str]:
    """The arguments of the script that makes a page, as the workflow would start it."""
    asked = [
        "-n",
        "-p",
        "--cores",
        "1",
        "--configfile",
        str(configuration),
        "-R",
        "page",
        "--",
        page,
    ]
    plan = subprocess.run(
        [sys.executable, "-m", "snakemake", *asked], text=True, capture_output=True, check=True
    ).stdout
    lines = (line for line in plan.splitlines() if "workflow/scripts/report.py" in line)
    line = next(line for line in lines if "python " in line)
    words = shlex.split(line[line.index("python ") :])
    return words[2 : words.index(">")]


def option(words: Sequence[str], name: str) -> str:
    """The value of ``--name=value``."""
    return next(word.split("=", 1)[1] for word in words if word.startswith(f"--{name}="))


def listed(words: Sequence[str], name: str) -> list[str]:
    """The values after ``--name``."""
    after = list(words[words.index(f"--{name}") + 1 :])
    ends = [place for place, word in enumerate(after) if word.startswith("--")]
    return after[: ends[0]]


class Repeated:
    """A study whose test people stand several times.

    Attributes:
        shown: of the settings, with the paths of the new files.
        folder: where its split lies.
    """

    def __init__(self, shown: dict, metrics: Sequence[str], people: int, root: Path) -> None:
        manifest = read_people(Path(shown["manifest"]))
        test = manifest[manifest["split"] == "test"]
        self.ids = test["sample_id"].to_numpy()
        self.step = int(manifest["sample_id"].max()) + 1
        self.count, self.times = people, -(-people // len(test))
        copies = [
            test.assign(sample_id=self.ids + k * self.step, image=f"{k}/" + test["image"])
            for k in range(1, self.times)
        ]
        first = manifest.assign(image="0/" + manifest["image"])
        whole = pd.concat([first, *copies]).sort_values("sample_id")
        extra = np.concatenate([np.empty(0, int), *(one["sample_id"] for one in copies)])
        self.extra = extra[: people - len(test)]
        whole = whole[whole["sample_id"].isin([*manifest["sample_id"], *self.extra])]
        self.old, self.new = people_digest(manifest), people_digest(whole)
        for number in range(self.times):
            (root / "images").mkdir(exist_ok=True)
            (root / f"images/{number}").symlink_to(Path(shown["images"]).absolute())
        write_table(whole, root / "manifest.parquet")
        before = Path(shown["study"])
        self.folder = root / "study" / before.name
        labels = before / "labels.parquet"
        about = table_about(labels)
        about["people"] = self.new
        write_table(read_table(labels), self.folder / "labels.parquet", **about)
        self.split = split_identity(self.folder / "labels.parquet")
        for name in ("annotations", "bodies"):
            self.table(Path(shown[name]), root / f"{name}.parquet")
        self.prior(Path(shown["prior"]), root / "prior.h5")
        for path in map(Path, metrics):
            self.metrics(path)
        variant = shown["variant"]
        self.maps(before / f"metrics/{variant}.h5", self.folder / f"metrics/{variant}.h5")
        for path in before.glob("test/*.h5"):
            self.maps(path, self.folder / f"test/{path.name}")
        for kind in ("teachers", "students"):
            (self.folder / kind).symlink_to((before / kind).absolute())
        files = {
            name: str(root / f"{name}.parquet") for name in ("manifest", "annotations", "bodies")
        }
        files |= {"study": str(self.folder), "images": str(root / "images")}
        self.shown = shown | files | {"prior": str(root / "prior.h5")}

    def table(self, path: Path, out: Path) -> None:
        """Rows of test people several times."""
        found = read_table(path)
        test = found[found["sample_id"].isin(self.ids)]
        copies = [
            test.assign(sample_id=test["sample_id"] + k * self.step) for k in range(1, self.times)
        ]
        added = pd.concat([found.iloc[:0], *copies])
        added = added[added["sample_id"].isin(self.extra)]
        whole = pd.concat([found, added]).sort_values("sample_id", kind="stable")
        write_table(whole, out, self.new if "pred_x" not in found else None)

    def _rows(self, store: Store) -> tuple[np.ndarray, np.ndarray]:
        """New ids ascending, and the row of the store that each is a copy of."""
        test = np.flatnonzero(np.isin(store.sample_id, self.ids))
        ids = [
            store.sample_id,
            *(store.sample_id[test] + k * self.step for k in range(1, self.times)),
        ]
        rows = [np.arange(len(store.sample_id)), *[test] * (self.times - 1)]
        ids, rows = np.concatenate(ids), np.concatenate(rows)
        keep = np.isin(ids, [*store.sample_id, *self.extra])
        order = np.argsort(ids[keep])
        return ids[keep][order], rows[keep][order]

    def prior(self, path: Path, out: Path) -> None:
        """The prior store."""
        everybody = read_table(path.parents[1] / "manifest.parquet", ["sample_id"])["sample_id"]
        store = read_prior(path, self.old, everybody.to_numpy())
        ids, rows = self._rows(store)
        columns = {name: values[rows] for name, values in store.columns.items()}
        about = {"layers": store.layers, "made_by": store.attributes["made_by"]}
        write_prior(
            out, ids, store.heatmap[rows], store.valid[rows], columns, people=self.new, **about
        )

    def maps(self, path: Path, out: Path) -> None:
        """A label store."""
        store = read_labels(path, self.old)
        ids, rows = self._rows(store)
        made_by = dict(store.attributes["made_by"])
        if isinstance(made_by.get("split"), dict):
            made_by["split"] = self.split
        columns = {name: values[rows] for name, values in store.columns.items()}
        out.parent.mkdir(parents=True, exist_ok=True)
        maps = store.heatmap[rows], store.valid[rows], columns
        write_labels(out, ids, *maps, people=self.new, made_by=made_by)

    def metrics(self, path: Path) -> None:
        """A metrics file, and each person's beside it."""
        content = read_json(path) | {"people": self.count}
        if content.get("split"):
            content["split"] = {key: self.split[key] for key in content["split"]}
        out = self.folder / "metrics" / path.name
        out.parent.mkdir(parents=True, exist_ok=True)
        write_sealed(out, content)
        self.table(path.with_suffix(".parquet"), out.with_suffix(".parquet"))


def measure(words: Sequence[str], source: Path, people: int) -> tuple[float, float, float, float]:
    """Seconds, seconds of a core, megabytes of the page and peak MiB of the report of so many people."""
    settings = json.loads(option(words, "settings"))
    study = settings["shown"]["study"]
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        files = listed(words, "metrics")
        own = [path for path in files if str(Path(path).parents[1]) == study]
        made = Repeated(settings["shown"], own, people, root)
        settings["shown"] = made.shown
        moved = [
            str(made.folder / "metrics" / Path(path).name) if path in own else path
            for path in files
        ]
        page = root / "report/report.html"
        page.parent.mkdir()
        command = [sys.executable, str(source / "workflow/scripts/report.py"), "--metrics", *moved]
        command += ["--sweeps", *listed(words, "sweeps"), f"--settings={json.dumps(settings)}"]
        command += ["--benchmarks=results/benchmarks", "--logs=logs", f"--out={page}"]
        environment = {**os.environ, "PYTHONPATH": str(source / "src")}
        start = time.perf_counter()
        job = subprocess.Popen(command, env=environment)
        _, status, used = os.wait4(job.pid, 0)
        if status:
            raise SystemExit("the report could not be made")
        taken, core = time.perf_counter() - start, used.ru_utime + used.ru_stime
        return taken, core, page.stat().st_size / 1e6, used.ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("page", help="the report of a finished run, below the working directory")
    parser.add_argument("configuration", type=Path, help="its configuration file")
    parser.add_argument("--people", type=int, nargs="+", default=[5000])
    parser.add_argument("--source", type=Path, default=ROOT, help="checkout whose report is made")
    asked = parser.parse_args()
    words = planned_command(asked.page, asked.configuration)
    for people in sorted(asked.people):
        taken, core, size, peak = measure(words, asked.source, people)
        print(
            f"{people} test people: {taken:.1f} s, {core:.1f} s of a core, {size:.1f} MB, "
            f"{peak:.0f} MiB at the most"
        )


if __name__ == "__main__":
    main()
