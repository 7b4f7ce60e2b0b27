r"""Small inputs that once failed, each with its right result: how many there are, and which are wrong.

    python benchmarks/cases.py FOLDER

A case is a folder in FOLDER, named after the kind that it is of. A *check* is what ``gcdr check`` says of its
data, a *model* what ``gcdr.load`` says of its checkpoint, an *export* what the exported file holds, a *start*
what Snakemake says. A folder that is not listed here counts as wrong.
"""

import argparse
import contextlib
import io
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import gcdr
from gcdr.base.errors import InputError
from gcdr.cli.commands import main as command
from gcdr.data.export import WRITERS
from gcdr.data.export_rows import collect_rows
from gcdr.data.manifest import people_digest, read_annotated, write_table
from gcdr.data.split import split_labels
from gcdr.datasets.layout import recognise
from gcdr.datasets.read import read_dataset

ROOT = Path(__file__).parents[1]
ONE = ("people      1 in 1 images", "errors      none")
CHECKS = {  # what is said, all of it
    "csv-appledouble": ONE,
    "csv-excel-empty-columns": ONE,
    "csv-excel-sep-line": ONE,
    "csv-ignored-column-twice": ONE,
    "csv-case": ("missing image", "there is 'IMG_1.JPG'"),
    "csv-windows-path": ("missing image", "backslashes, expected /"),
    "heic-as-jpg": ("a HEIC picture", "convert it to JPEG"),
    "heic-only": ("1 picture left out (HEIC, which is not read)", "convert to JPEG"),
    "gf-original-release": ("GazeFollow of 2015, without head boxes", "extended release"),
}
MODELS = {
    "ckpt-model-state-dict": "",
    "ckpt-video": "read as Video VAT: does not fit",  # which the released one does
}  # or refused
STARTS = {
    "snakemake-directory": (
        "-s",
        f"{ROOT}/Snakefile",
        "-d",
        "work",
        "--configfile",
        "folder2.yaml",
    ),
    "snakemake-module": ("-s", "Snakefile"),
}


def check(case: Path) -> str:
    photos, said = case / "photos", io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        command(["check", str(photos if photos.is_dir() else case)])
    return said.getvalue()


def model(case: Path) -> str:
    try:
        gcdr.load(next(case.glob("*.pt")))
    except InputError as error:
        return str(error)
    return ""


def exported(case: Path, kind: str, out: Path) -> Any:
    """The labels of a data set's people in a format, as JSON."""
    dataset, manifest, labels = (
        read_dataset(recognise(case)),
        out / "manifest.parquet",
        out / "l.parquet",
    )
    digest = people_digest(dataset.manifest)
    write_table(dataset.manifest, manifest, digest)
    write_table(split_labels(read_annotated(manifest), None, 0, 0), labels, digest)
    place = out / ("made" if kind == "gazelle" else "made.json")
    if kind == "gazelle":
        place.mkdir()
    WRITERS[kind](collect_rows(manifest, labels), place)
    file = place if place.is_file() else next(place.glob("train*.json"))
    return json.loads(file.read_text())


def export_fault(case: Path) -> str:
    with tempfile.TemporaryDirectory() as out:
        content = exported(case, "coco" if case.name == "coco-info" else "gazelle", Path(out))
    if case.name == "coco-info":
        return "" if {"info", "licenses"} <= content.keys() else f"found {list(content)}"
    if case.name == "vat-clean":
        return "" if all("frames" in one for one in content) else "no sequences with frames"
    for image in content:
        for head in image["heads"]:
            x0, y0, x1, y1 = head["bbox"]
            if not (0 <= x0 < x1 <= image["width"] and 0 <= y0 < y1 <= image["height"]):
                return f"found the box {head['bbox']}"
    return ""


def start_fault(case: Path) -> str:
    """Empty where it works, or one message says how to start."""
    with tempfile.TemporaryDirectory() as folder:
        for file in case.iterdir():
            text = file.read_text().replace("PROJECT", str(ROOT))
            (Path(folder) / file.name).write_text(text)
        run = subprocess.run(
            [sys.executable, "-m", "snakemake", "-n", "--cores", "1", *STARTS[case.name]],
            cwd=folder,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
    said = "Traceback" not in run.stdout and "&& snakemake --cores all" in run.stdout
    return "" if run.returncode == 0 or said else run.stdout[-400:]


def fault(case: Path) -> str:
    """What is wrong with the result of a case; empty where it is right."""
    name = case.name
    if name in CHECKS:
        said = check(case)
        return next((f"lacks {text!r}" for text in CHECKS[name] if text not in said), "")
    if name in MODELS:
        said = model(case)
        return "" if MODELS[name] in said and bool(said) == bool(MODELS[name]) else said or "read"
    if name in ("coco-info", "gazelle-box-outside", "vat-clean"):
        return export_fault(case)
    return start_fault(case) if name in STARTS else "no right result is written down"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    cases = sorted(path for path in parser.parse_args().folder.iterdir() if path.is_dir())
    faults = {case.name: found for case in cases if (found := fault(case))}
    for name, found in faults.items():
        print(f"{name}: {found}")
    print(f"{len(cases)} inputs, {len(faults)} wrong")
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
