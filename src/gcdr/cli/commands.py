"""What a user types outside the workflow: ``gcdr COMMAND``, or ``python -m gcdr COMMAND``.

A command is a function that adds its own parser and sets ``run``, which takes the parsed arguments
and returns the exit status; ``COMMANDS`` names them. Heavy imports belong into ``run``, so that
``--help`` is quick.
"""

import argparse
import gc
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from gcdr import __version__
from gcdr.base.endings import silence
from gcdr.base.errors import InputError
from gcdr.base.stopping import hear_interrupts
from gcdr.cli.cli_forecast import add_forecast
from gcdr.cli.cli_label import add_label
from gcdr.cli.cli_pictures import add_correct, add_heads, add_predict
from gcdr.cli.cli_pilot import add_pilot
from gcdr.cli.cli_verify import add_compare, add_verify
from gcdr.cli.cli_video import add_thinning, check_videos
from gcdr.data.formats import EXPORTED_FORMATS
from gcdr.datasets.layout import DATASET_KINDS


def add_check(commands: Any) -> None:
    """``gcdr check``: read a data set and say what is in it and what is wrong."""
    parser = commands.add_parser(
        "check",
        help="read a data set or a video, say what is in it and what is wrong with it",
        description="Reads all annotations and the headers of all images, and decodes a sample of "
        "images; of a video reads all of it, and decodes its key frames. Exit status: 0 if nothing is "
        "wrong, 1 after errors, 2 if there is nothing to read.",
    )
    parser.add_argument(
        "dataset", type=Path, metavar="DATASET", help="folder of the data set, or a video"
    )
    parser.add_argument(
        "--kind",
        choices=DATASET_KINDS,
        help="its layout, told from its files by default; video: a folder of frames, or of films",
    )
    parser.add_argument(
        "--table",
        type=Path,
        help="CSV of head boxes, for own images, or with --kind video for films",
    )
    parser.add_argument("--full", action="store_true", help="decode every image or frame")
    parser.add_argument(
        "--configfile",
        type=Path,
        nargs="+",
        metavar="FILE",
        help="configuration in which an entry of datasets has this folder: are its people enough for "
        "its studies? (default: for what configs/own-labels.yaml learns, of which nothing is an error)",
    )
    add_thinning(
        parser.add_argument_group(
            "films", "With --kind video and --table: which frames the data set takes."
        )
    )
    parser.set_defaults(run=check)


def check(args: argparse.Namespace) -> int:
    """Print the summary of a data set or of videos; 1 if it has errors, or too few people to learn from."""
    from gcdr.video.frames import is_video_file

    of_video = args.kind is None and is_video_file(args.dataset)
    if args.kind == "video" or of_video or not (args.kind or args.table):
        timing = {name: getattr(args, name) for name in ("every", "fps", "frame_rate")}
        status = check_videos(args.dataset, args.kind == "video", args.full, args.table, timing)
        if status is not None:
            return status
    from gcdr.datasets.check import decode_images, summary
    from gcdr.datasets.layout import recognise
    from gcdr.datasets.read import read_dataset

    folder, config = args.dataset, None
    if args.configfile:
        from gcdr.config.own import configured_folder

        config, source = configured_folder(args.configfile, folder)
    elif args.table or args.kind == "folder":
        source = {"kind": "folder", "images": folder, "table": args.table}
    else:
        source = {"kind": args.kind, "root": folder} if args.kind else recognise(folder)
    dataset = read_dataset(source)
    decoded = decode_images(dataset, full=args.full, fatal=True)
    print(summary(dataset, decoded))
    if dataset.problems.errors:
        return 1
    if source["kind"] != "folder":
        return 0
    from gcdr.config.own import findings_for

    findings = findings_for(source, config)
    for one in findings:
        print(f"  {'ERROR' if config and one.fatal else 'to learn from'}: {one.text}")
    return int(config is not None and any(one.fatal for one in findings))


def add_config(commands: Any) -> None:
    """``gcdr config``: what is wrong with configuration files."""
    parser = commands.add_parser(
        "config",
        help="check configuration files before a run",
        description="Lays the files over config.yaml as --configfile does, and checks the whole as the "
        "workflow does; of a file that is no YAML it names the line, which Snakemake does not. To be called "
        "in the top folder of the repository.",
    )
    parser.add_argument("files", type=Path, nargs="*", metavar="FILE", help="as after --configfile")
    parser.set_defaults(run=config)


def config(args: argparse.Namespace) -> int:
    """Say that nothing is wrong, where that is so."""
    from gcdr.config.checked import SCHEMA, check_config, read_config

    files = [Path("config.yaml"), *args.files]
    if not Path(SCHEMA).is_file():
        raise InputError(
            f"{Path.cwd()}: found no {SCHEMA}; expected the top folder of the repository"
        )
    check_config(read_config(files), files, Path(SCHEMA))
    print(f"{', '.join(map(str, files))}: nothing is wrong")
    return 0


def add_convert(commands: Any) -> None:
    """``gcdr convert``: released checkpoints to folders of this package, and back."""
    parser = commands.add_parser(
        "convert",
        help="convert a released checkpoint of VAT or GCDR, or write one, or a model as ONNX",
        description="A released .pt file becomes a folder with model.safetensors and model.json; such "
        "a folder becomes a .pt file if OUT ends with .pt, and an ONNX file if it ends with .onnx, which is "
        "compared with torch before it is there.",
    )
    parser.add_argument(
        "source", metavar="SOURCE", help="a .pt file, or a folder; for ONNX a model's name too"
    )
    parser.add_argument(
        "out", type=Path, metavar="OUT", help="the folder to write, or a .pt or .onnx file"
    )
    parser.add_argument(
        "--pictures",
        type=Path,
        nargs="+",
        default=[],
        metavar="FILE",
        help="of ONNX: pictures to compare on; by default drawn ones",
    )
    parser.set_defaults(run=convert)


def convert(args: argparse.Namespace) -> int:
    """Convert and say what was written."""
    if args.out.suffix == ".onnx":
        from gcdr.predictor.onnx_files import convert_to_onnx

        print(convert_to_onnx(args.source, args.out, args.pictures))
        return 0
    from gcdr.models.released import convert_released

    if args.pictures:
        raise InputError(f"{args.out}: --pictures is for an .onnx file alone")
    print(convert_released(args.source, args.out))
    return 0


def add_export(commands: Any) -> None:
    """``gcdr export``: labels, pseudo-labels and predictions for other code."""
    parser = commands.add_parser(
        "export",
        help="write labels, pseudo-labels or predictions in a format that other code reads",
        description="Writes where people look, by any of --labels, --maps and --annotations together; a "
        "person's label counts before a map.",
    )
    parser.add_argument("manifest", type=Path, metavar="MANIFEST", help="manifest.parquet")
    parser.add_argument("--labels", type=Path, help="labels.parquet: what a label split shows")
    parser.add_argument("--maps", type=Path, help="label store: pseudo-labels or predictions")
    parser.add_argument("--annotations", type=Path, help="annotations.parquet of test people")
    parser.add_argument("--format", choices=EXPORTED_FORMATS, required=True)
    parser.add_argument(
        "--decode",
        choices=("centre", "reference"),
        default="centre",
        help="where in a map's highest cell the point lies (reference: its upper left corner)",
    )
    parser.add_argument(
        "--out",
        type=Path,
        required=True,
        help="file, or for gazefollow and gazelle the folder of the files; for labelstudio the tasks, "
        "beside which the labelling configuration is written (.xml)",
    )
    parser.add_argument(
        "--prefix",
        help="for labelstudio: what stands before an image's name in its address (default: "
        "/data/local-files/?d=)",
    )
    parser.set_defaults(run=export)


def export(args: argparse.Namespace) -> int:
    """Write the export and say how many rows of which source it holds."""
    from gcdr.data.export import WRITERS
    from gcdr.data.export_rows import collect_rows

    if args.prefix is not None and args.format != "labelstudio":
        raise InputError(f"--prefix: is for the format labelstudio, found {args.format}")
    rows = collect_rows(args.manifest, args.labels, args.maps, args.annotations, args.decode)
    named = {} if args.prefix is None else {"prefix": args.prefix}
    WRITERS[args.format](rows, args.out, **named)
    counts = ", ".join(
        f"{count} from a {name}" for name, count in rows["source"].value_counts().items()
    )
    print(f"{args.out}: {len(rows)} rows ({counts})")
    return 0


def add_suggest(commands: Any) -> None:
    """``gcdr suggest``: whom to label next."""
    parser = commands.add_parser(
        "suggest",
        help="list the unlabelled people whose labels are likely to help most",
        description="Ranks unlabelled people by doubt (draws that disagree, prior and refined map, student "
        "and refined map, entropy) and by how little they are like those who are labelled, and writes the "
        "first N as a CSV to be filled in. It reads what a study has made: snakemake suggestions makes what "
        "is missing.",
    )
    parser.add_argument("count", type=int, metavar="N", help="how many people")
    parser.add_argument(
        "split", type=Path, metavar="SPLIT", help="folder such as results/demo/labels10-seed0"
    )
    parser.add_argument("--out", type=Path, required=True, help="CSV to write; must not exist")
    parser.add_argument(
        "--per-image",
        type=int,
        default=2,
        help="at most so many of an image (default: %(default)s)",
    )
    parser.add_argument(
        "--data", type=Path, help="folder of the data set; by default the one of the same people"
    )
    parser.add_argument("--student", help="variant of the student, where there are several")
    parser.add_argument(
        "--seed", type=int, default=0, help="decides between equal ones (default: %(default)s)"
    )
    parser.set_defaults(run=suggest)


def suggest(args: argparse.Namespace) -> int:
    """Write the list and say whom it was chosen from."""
    from gcdr.base.csvtext import write_csv
    from gcdr.evaluation.next_labels import find_study, suggestions
    from gcdr.evaluation.suggestions import check_asked

    check_asked(args.count, args.per_image)
    if args.out.exists():
        raise InputError(f"{args.out}: is there already, and may hold labels; name a new file")
    files = find_study(args.split, args.data, args.student)
    table, pool = suggestions(files, args.count, args.per_image, args.seed)
    write_csv(table, args.out)
    images = table["image"].nunique()
    print(f"{args.out}: {len(table)} of {pool} unlabelled people, in {images} images, best first")
    return 0


COMMANDS: tuple[Callable[[Any], None], ...] = (
    add_check,
    add_config,
    add_forecast,
    add_convert,
    add_heads,
    add_predict,
    add_label,
    add_export,
    add_suggest,
    add_correct,
    add_verify,
    add_pilot,
    add_compare,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse a command line and run its command.

    Returns:
        the exit status: 0, what the command says, 2 after bad input (one message, no traceback), or 128 and
        the number of a signal: of SIGPIPE where nobody reads on.
    """
    parser = argparse.ArgumentParser(prog="gcdr", description="Gaze following from few labels.")
    parser.add_argument("--version", action="version", version=f"gcdr {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for add in COMMANDS:
        add(commands)
    args = parser.parse_args(arguments)
    if arguments is None:  # a process of its own
        hear_interrupts()
    try:
        status = args.run(args)
        sys.stdout.flush()
        if arguments is None:
            gc.freeze()  # the end of a process is quicker when nobody looks through all of torch for garbage
        return status
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # whoever read it, as ``head`` does, has seen enough
        silence(sys.stdout)
        return 128 + signal.SIGPIPE
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
