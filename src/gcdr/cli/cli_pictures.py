"""Commands about a person's own pictures: heads in them, predictions, corrections (:mod:`gcdr.cli`)."""

import argparse
from pathlib import Path
from typing import Any

from gcdr.base.errors import InputError
from gcdr.cli.cli_video import add_video_options, predict_videos


def add_heads(commands: Any) -> None:
    """``gcdr heads``: a table of head boxes for images that have none."""
    parser = commands.add_parser(
        "heads",
        help="find the heads in a folder of images and write them as a table",
        description="Writes a CSV of head boxes as the workflow does for images without one, to be looked "
        "at and corrected by hand. The default detector finds faces in photographs; docs/weights.md says "
        "what it misses.",
    )
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="folder of the images")
    parser.add_argument("--out", type=Path, required=True, help="CSV to write; must not exist")
    parser.add_argument(
        "--weights",
        type=Path,
        default=Path("centerface"),
        help="centerface, folder of a detector of heads, or Keypoint R-CNN's .pth (default: %(default)s)",
    )
    parser.add_argument(
        "--score", type=float, default=0.5, help="least score (default: %(default)s)"
    )
    parser.add_argument(
        "--drawings",
        type=Path,
        metavar="DIR",
        help="new folder: the pictures with their heads drawn",
    )
    parser.add_argument("--device", default="auto", help="auto (default), cpu or cuda")
    parser.set_defaults(run=heads)


def heads(args: argparse.Namespace) -> int:
    """Write the table and say which images are not in it."""
    from gcdr.base.device import pick_device
    from gcdr.detection.heads import write_heads

    if args.out.exists():
        raise InputError(f"{args.out}: is there already, and may hold corrections; name a new file")
    if args.drawings and args.drawings.exists():
        raise InputError(f"{args.drawings}: is there already; name a new folder")
    found = write_heads(
        args.folder,
        args.out,
        args.weights,
        score=args.score,
        device=pick_device(args.device, alone=True),
    )
    if args.drawings:
        from gcdr.prediction.drawn import draw_heads

        draw_heads(args.folder, found.heads, args.drawings)
    print("\n".join(found.lines(str(args.weights))))
    return 0


def add_predict(commands: Any) -> None:
    """``gcdr predict``: where people look in one's own pictures."""
    parser = commands.add_parser(
        "predict",
        help="say where the people in pictures or videos look",
        description="Writes predictions.csv, predictions.json and every picture with its people's heads and "
        "points drawn, or of a video a video. Heads are found by a detector of faces, or come from a CSV.",
    )
    parser.add_argument(
        "sources",
        type=Path,
        nargs="+",
        metavar="PICTURES",
        help="files and folders of pictures, or videos",
    )
    parser.add_argument(
        "--model",
        required=True,
        help="folder such as results/.../students/..., a file, or a name: demo/gcdr of a finished run, "
        "gazelle-vitb14 (-vitl14, -inout) of a released model, which is fetched once",
    )
    parser.add_argument(
        "--out", type=Path, default=Path("predictions"), help="new folder (default: %(default)s)"
    )
    parser.add_argument(
        "--heads", type=Path, help="CSV image,head_x0,head_y0,head_x1,head_y1 in pixels"
    )
    parser.add_argument(
        "--finder",
        type=Path,
        default=Path("centerface"),
        help="what finds heads where there is no CSV, as --weights of gcdr heads (default: %(default)s)",
    )
    parser.add_argument(
        "--score", type=float, default=0.5, help="least score of a head (default: %(default)s)"
    )
    parser.add_argument(
        "--backbone", type=Path, help="frozen backbone of a decoder in a file of its own"
    )
    parser.add_argument(
        "--downloads",
        type=Path,
        default=Path("weights"),
        help="folder of released weights (default: %(default)s)",
    )
    parser.add_argument(
        "--vocabulary",
        type=Path,
        help="of pictures: names of what may be looked at, one a line or a vocab2id.json, for a model that "
        "says what (semgaze)",
    )
    parser.add_argument(
        "--tower",
        type=Path,
        help="with --vocabulary: folder of the text tower that it learned from; assets/world/vqa for the "
        "demo's (default: weights/clip-vit-base-patch16)",
    )
    parser.add_argument(
        "--depth",
        type=Path,
        help="of pictures: folder of their depth (16-bit PNG, docs/datasets.md), for a model that sees it",
    )
    parser.add_argument("--device", default="auto", help="auto (default), cpu or cuda")
    parser.add_argument(
        "--heatmaps",
        action=argparse.BooleanOptionalAction,
        help="lay the heatmaps over what is drawn (default: over videos alone)",
    )
    parser.add_argument(
        "--blur", action="store_true", help="make heads unrecognisable in what is drawn"
    )
    parser.add_argument("--no-drawings", action="store_true", help="write the tables alone")
    add_video_options(parser)
    parser.set_defaults(run=predict)


def predict(args: argparse.Namespace) -> int:
    """Write tables and pictures, and say what was left out."""
    if args.out.exists() and not (args.out.is_dir() and not any(args.out.iterdir())):
        raise InputError(f"{args.out}: is there already; name a new folder (--out)")
    if (status := predict_videos(args)) is not None:
        return status
    from gcdr.base.device import pick_device
    from gcdr.prediction.predictions import PredictionRequest, predict_pictures, write_predictions

    wanted = PredictionRequest(
        args.sources,
        args.model,
        args.heads,
        args.finder,
        args.score,
        args.backbone,
        pick_device(args.device, alone=True).type,
        args.downloads,
        args.vocabulary,
        args.tower,
        args.depth,
    )
    drawings = None if args.no_drawings else args.out / "pictures"
    predicted = predict_pictures(wanted, drawings, heat=args.heatmaps, blur=args.blur)
    write_predictions(predicted, args.out)
    print("\n".join(predicted.lines()))
    print(
        f"{args.out}: predictions.csv, predictions.json{'' if args.no_drawings else ', pictures/'}"
    )
    return 0


def add_correct(commands: Any) -> None:
    """``gcdr correct``: what was corrected on a gallery's page, into one's own table."""
    parser = commands.add_parser(
        "correct",
        help="lay corrections made on a gallery's page into a table of own images",
        description="Corrected people get their new point, or that they look out of the frame, and the label "
        "source corrected; all other rows and unknown columns stay as they are. Of heads that the workflow "
        "found, results/data/DATASET/heads.csv is the table.",
    )
    parser.add_argument("table", type=Path, metavar="TABLE", help="CSV of head boxes and labels")
    parser.add_argument(
        "corrections", type=Path, nargs="+", metavar="CORRECTIONS", help="CSV that a page wrote"
    )
    parser.add_argument("--out", type=Path, required=True, help="CSV to write; must not exist")
    parser.add_argument(
        "--split", choices=("train", "val", "test"), help="for rows that name no split (left as is)"
    )
    parser.add_argument(
        "--changed",
        action="store_true",
        help="people came or went since the page was made: find them by image and head box",
    )
    parser.set_defaults(run=correct)


def correct(args: argparse.Namespace) -> int:
    """Write the corrected table and say what was changed."""
    from gcdr.base.files import atomic
    from gcdr.datasets.corrections import merge_corrections, read_corrections

    if args.out.exists():
        raise InputError(f"{args.out}: is there already, and may hold labels; name a new file")
    said = [one for path in args.corrections for one in read_corrections(path)]
    made = merge_corrections(args.table, said, args.split, args.changed)
    with atomic(args.out) as temporary:
        temporary.write_bytes(made.content)
    print("\n".join(made.lines(args.out)))
    return 0
