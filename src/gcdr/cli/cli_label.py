"""``gcdr label``: pseudo-labels of one's own pictures, by the workflow (:mod:`gcdr.cli`).

Nothing is computed here. An overlay of the configuration is written, and Snakemake asked for what is wanted,
so that results are kept, shared and made again as ever.
"""

import argparse
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gcdr.base.errors import InputError
from gcdr.base.plain import JsonTable
from gcdr.data.formats import EXPORTED_FORMATS

RESULTS = Path("results")


def add_label(commands: Any) -> None:
    """``gcdr label``: pseudo-labels, a gallery and exports of a folder, without training a student."""
    parser = commands.add_parser(
        "label",
        help="make pseudo-labels of the people in a folder, a page to correct them on, and exports",
        description="Runs the workflow for a folder of pictures as far as its pseudo-labels; no student is "
        "trained. The labels are made by the diffusion model of a study (--teacher demo), or by one that "
        "learns from the folder's own labels. To be called in the top folder of the repository.",
    )
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="folder of the images")
    parser.add_argument(
        "--table",
        type=Path,
        help="CSV of head boxes, and labels if any; heads are found by default",
    )
    parser.add_argument("--out", type=Path, required=True, help="new folder")
    parser.add_argument(
        "--teacher",
        metavar="STUDY",
        help="study of the configuration whose diffusion model makes the labels, such as demo; what of it is "
        "not there is made first (default: the folder's own labels)",
    )
    parser.add_argument(
        "--format",
        nargs="+",
        choices=EXPORTED_FORMATS,
        default=["csv"],
        help="what is exported (default: csv)",
    )
    parser.add_argument(
        "--configfile",
        type=Path,
        nargs="+",
        default=[],
        metavar="FILE",
        help="laid over config.yaml first, such as configs/own-photos.yaml for photographs",
    )
    parser.add_argument("--name", help="of the folder in results/ (default: the name of FOLDER)")
    parser.add_argument(
        "--drawn", action="store_true", help="the pictures are drawings such as the demo world's"
    )
    parser.add_argument("--device", default="auto", help="auto (default), cpu or cuda")
    parser.add_argument(
        "--cores", default="all", help="how many jobs run at a time (default: %(default)s)"
    )
    parser.add_argument(
        "-n", "--dry-run", action="store_true", help="only say which stages would run, and why"
    )
    parser.set_defaults(run=label)


def label(args: argparse.Namespace) -> int:
    """Write the overlay, run the workflow, and copy what was asked for."""
    from gcdr.config.own import DEFAULTS, check_own, own_overlay

    if args.out.exists():
        raise InputError(
            f"{args.out}: is there already, and may hold corrections; name a new folder"
        )
    if not (DEFAULTS.is_file() and Path("Snakefile").is_file()):
        raise InputError(
            f"{Path.cwd()}: no Snakefile and config.yaml; expected the top folder of the repository"
        )
    if not args.folder.is_dir():
        raise InputError(f"{args.folder}: no such folder of images")
    name = args.name or re.sub(r"[^A-Za-z0-9_-]+", "-", args.folder.resolve().name).strip("-")
    source: JsonTable = {"kind": "folder", "images": str(args.folder)}
    source |= {"drawn": True} if args.drawn else {}
    source |= {"table": str(args.table)} if args.table else {}
    overlay = own_overlay(name, source, args.teacher, args.device)
    files = [*args.configfile, RESULTS / name / "label.yaml"]
    check_own(overlay, args.configfile)
    _write_overlay(overlay, files[-1])
    exports = [RESULTS / name / "exports" / one for one in dict.fromkeys(args.format)]
    targets = [RESULTS / name / "gallery.html", *exports]
    command = [
        *("snakemake", "--cores", args.cores, "--configfile", *map(str, files)),
        *("--", *map(str, targets)),
    ]
    taught = f"by the study {args.teacher}" if args.teacher else "by the labels in its table"
    print(f"{args.folder}: pseudo-labels, taught {taught}; no student. The same by hand:")
    print(f"  {shlex.join(command)}", flush=True)
    status = _run([*command[:1], *["--dry-run"] * args.dry_run, *command[1:]])
    if status == 128 + signal.SIGINT:
        print("stopped; the same command goes on where it was", file=sys.stderr)
        return status
    if status:
        raise InputError(
            f"{args.folder}: the workflow ended in an error, which it names above with the file in logs/ "
            "that says more; the same command goes on where it was"
        )
    if args.dry_run:
        return 0
    found = [] if args.table else [RESULTS / "data" / name / "heads.csv"]
    _collect(args.out, [*targets, RESULTS / name / "gallery", *found])
    print(f"{args.out}: gallery.html, {', '.join(f'{path.name}/' for path in exports)}"
          f"{', heads.csv' if found else ''}")  # fmt: skip
    table = args.table or args.out / "heads.csv"
    print(
        f"Open {args.out / 'gallery.html'}, correct, download, and then: gcdr correct {table} ..."
    )
    return 0


def _write_overlay(overlay: JsonTable, file: Path) -> None:
    """The overlay as YAML; one that says the same stays as it is."""
    import yaml

    from gcdr.base.files import atomic

    text = "# Written by gcdr label.\n" + yaml.safe_dump(overlay, sort_keys=False)
    if file.is_file() and file.read_text() == text:
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    with atomic(file) as temporary:
        temporary.write_text(text)


def _run(command: Sequence[str]) -> int:
    """Run Snakemake; its exit status, or 130 where it was interrupted.

    A terminal sends Ctrl-C to Snakemake as well, which ends its jobs; it is waited for.
    """
    snakemake = [sys.executable, "-m", *command]
    with subprocess.Popen(snakemake, env={**os.environ, "PYTHONUNBUFFERED": "1"}) as running:
        try:
            return running.wait()
        except KeyboardInterrupt:
            running.wait()
            return 128 + signal.SIGINT


def _collect(out: Path, files: Sequence[Path]) -> None:
    """Copy files and folders into a new folder, all of them or none."""
    from gcdr.base.files import atomic

    with atomic(out) as temporary:
        temporary.mkdir()
        for path in files:
            copy = shutil.copytree if path.is_dir() else shutil.copy2
            copy(path, temporary / path.name)
