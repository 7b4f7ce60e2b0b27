"""Commands about a person's own videos: what ``gcdr predict`` and ``gcdr check`` do with one."""

import argparse
import sys
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from gcdr.base.errors import InputError


def add_video_options(parser: Any) -> None:
    """The options of ``gcdr predict`` that are for videos alone."""
    group = parser.add_argument_group(
        "videos",
        "A video is a file such as .mp4, .mov, .avi, .mkv or .webm, or with --video a folder of frames. "
        "--heads is then a CSV frame,track,head_x0,head_y0,head_x1,head_y1 (track may be left out); "
        "written are a video, a table of a row a person and frame, and a sheet of frames.",
    )
    group.add_argument("--video", action="store_true", help="a folder is one video, its frames")
    add_thinning(group)
    group.add_argument(
        "--find-every",
        type=int,
        default=1,
        metavar="K",
        help="find heads in one of K of these frames; between them boxes move on a line, and all of "
        "these frames are held in memory (default: all)",
    )
    group.add_argument(
        "--gap",
        type=float,
        default=1.0,
        metavar="S",
        help="seconds after which somebody who comes back is a new track (default: %(default)g)",
    )
    group.add_argument(
        "--format", choices=("csv", "parquet"), default="csv", help="of the table (default: csv)"
    )


def add_thinning(group: Any) -> None:
    """The options by which frames of videos are taken."""
    group.add_argument(
        "--every", type=int, default=1, metavar="N", help="look at one frame of N (default: all)"
    )
    group.add_argument("--fps", type=float, metavar="F", help="look at F frames a second at most")
    group.add_argument(
        "--frame-rate",
        type=float,
        default=25.0,
        metavar="F",
        help="of a folder: frames a second that the numbers in its names count (default: %(default)g)",
    )


def predict_videos(args: argparse.Namespace) -> int | None:
    """Predict on the videos that are named; None where these are pictures.

    Returns:
        1 if one of several videos could not be read.
    """
    from gcdr.video.frames import find_videos

    videos, notes = find_videos(args.sources, args.video)
    print("".join(f"{note}\n" for note in notes), end="")
    if not videos:
        return None
    from gcdr.base.device import pick_device
    from gcdr.prediction.predictions import PredictionRequest
    from gcdr.prediction.videos import (
        Drawing,
        Timing,
        models_for_videos,
        predict_over_time,
        write_video_predictions,
    )

    timing = Timing(**{field.name: getattr(args, field.name) for field in fields(Timing)})
    names = [
        field.name for field in fields(PredictionRequest) if field.name not in ("sources", "device")
    ]
    device = pick_device(args.device, alone=True).type
    wanted = PredictionRequest(
        videos, device=device, **{name: getattr(args, name) for name in names}
    )
    models, failed = models_for_videos(wanted), 0
    for video, out in zip(videos, _folders(videos, args.out), strict=True):
        heat = args.heatmaps is not False
        drawing = None if args.no_drawings else Drawing(out, heat, args.blur)
        alone = len(videos) == 1
        try:
            predicted = predict_over_time(video, wanted, timing, models, drawing, alone=alone)
        except InputError as error:
            if alone:
                raise
            print(f"error: {error}", file=sys.stderr)
            failed = 1
            continue
        table = write_video_predictions(predicted, out, args.format)
        print("\n".join(predicted.lines()))
        drawn = "" if args.no_drawings else ", video.mp4, sheet.png"
        print(f"{out}: {table.name}, predictions.json{drawn}")
    return failed


def _folders(videos: list[Path], out: Path) -> list[Path]:
    """Where each video's results go: one alone into ``out``, several into folders of their names."""
    if len(videos) == 1:
        return [out]
    from gcdr.datasets.film_names import film_name

    films = [film_name(video) for video in videos]
    names = [
        film if films.count(film) == 1 else video.name.replace(".", "-")
        for film, video in zip(films, videos, strict=True)
    ]
    if twice := [name for name in names if names.count(name) > 1]:
        raise InputError(
            f"{twice[0]}: found several videos of this name, expected names of their own"
        )
    return [out / name for name in names]


def check_videos(
    source: Path, folder: bool, full: bool, table: Path | None, timing: Mapping[str, Any]
) -> int | None:
    """Say what videos are and what is wrong with them; None where the source is something else.

    Args:
        source: a video, or a folder of videos.
        folder: whether a folder of pictures is a video, and one of such folders and of files a data set.
        full: see :func:`gcdr.video.inspection.inspect_video`.
        table: heads in them: of a data set read as the workflow does, otherwise as ``gcdr predict`` does.
        timing: ``every``, ``fps`` and ``frame_rate``, by which a data set takes its frames.
    """
    from gcdr.datasets.film_names import film_name
    from gcdr.video.counted_frames import heads_in_films, heads_in_video
    from gcdr.video.extraction import find_films, is_frame_folder
    from gcdr.video.frames import find_videos
    from gcdr.video.inspection import inspect_video
    from gcdr.video.moments import Thinning, check_frame_rate

    thinning = Thinning(timing["every"], timing["fps"])
    check_frame_rate(timing["frame_rate"])
    as_data = folder and source.is_dir() and not is_frame_folder(source)
    if as_data:
        videos, wrong = [*find_films(source).values()], []
    else:
        videos, wrong = find_videos([source], folder)
    if not videos:
        return None
    films = {}
    for video in videos:
        try:
            said, faults, counted = inspect_video(video, full=full, rate=timing["frame_rate"])
        except InputError as error:
            said, faults, counted = [], [str(error)], None
        print("\n".join(said))
        wrong += faults
        films[film_name(video)] = counted
        if table and counted and not as_data:
            heads, faults = heads_in_video(table, video, len(videos) == 1, counted)
            print("\n".join(heads))
            wrong += [line for line in faults if line not in wrong]
    readable = {name: counted for name, counted in films.items() if counted}
    if table and as_data and len(readable) == len(films):
        heads, more, faults = heads_in_films(table, readable, source, thinning)
        print("\n".join([*(f"{name}:{line}" for name, line in heads.items()), *more]))
        wrong += faults
    elif table and as_data:
        print(f"{table}: not looked at, since there is a film that cannot be read")
    print(
        "\n".join([f"wrong: {len(wrong)}", *(f"  {line}" for line in wrong)])
        if wrong
        else "nothing is wrong"
    )
    return int(bool(wrong))
