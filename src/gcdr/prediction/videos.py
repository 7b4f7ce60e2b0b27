"""Predictions on videos as ``gcdr predict VIDEO`` and ``gcdr.predict_video`` make them."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
from tqdm import tqdm

from gcdr.base.csvtext import write_csv
from gcdr.base.errors import InputError
from gcdr.base.files import atomic, write_json
from gcdr.data.label_space import LabelSpace
from gcdr.data.parquet import write_table
from gcdr.datasets.film_names import film_name
from gcdr.datasets.linking import Linker
from gcdr.detection.heads import load_finder
from gcdr.detection.panorama import Finder
from gcdr.prediction.contact_sheet import ContactSheet
from gcdr.prediction.drawn import COLOURS, HALF, draw_people
from gcdr.prediction.over_time import follow_people, track_notes
from gcdr.prediction.predicting import check_pictures_alone
from gcdr.prediction.predictions import (
    AboutNames,
    PredictionRequest,
    about_names,
    about_predictions,
    as_table,
    as_text,
    asked_names,
    names_lines,
    person_as_json,
    requested_model,
)
from gcdr.predictor.predictor import Predictor
from gcdr.video.containers import RATE
from gcdr.video.frames import Frame, expected_frames, read_frames
from gcdr.video.heads_by_frame import SeenFrame, found_heads, tabled_heads
from gcdr.video.moments import Thinning, check_frame_rate
from gcdr.video.tracks import TabledTracks, missing_note, read_tracks
from gcdr.video.writing import written_video

TABLES = ("csv", "parquet")
SHORTEST = 640  # pixels of a drawn frame's longer side, or its lines and names could not be seen


@dataclass(frozen=True)
class Timing:
    """Which frames are looked at, and how heads become tracks.

    Attributes:
        every, fps: see :class:`gcdr.video.moments.Thinning`.
        find_every: see :func:`gcdr.video.heads_by_frame.found_heads`; of the frames that are looked at.
        frame_rate: of a folder of frames, frames a second that the numbers in their names count.
        gap: see :class:`gcdr.datasets.linking.Linker`.
    """

    every: int = 1
    fps: float | None = None
    find_every: int = 1
    frame_rate: float = RATE
    gap: float = 1.0

    def __post_init__(self) -> None:
        check_frame_rate(self.frame_rate)


@dataclass(frozen=True)
class Drawing:
    """What is drawn of a video.

    Attributes:
        folder: gets ``video.mp4`` and ``sheet.png``.
        heat, blur: see :func:`gcdr.prediction.drawn.draw_people`.
    """

    folder: Path
    heat: bool = True
    blur: bool = False


@dataclass(frozen=True)
class Models:
    """What is asked about videos.

    Attributes:
        model: the gaze model, which sees no prior map.
        finder: what finds heads; None where a table has them.
        names: the vocabulary that is asked for; None where none is.
    """

    model: Predictor
    finder: Finder | None
    names: LabelSpace | None = None


@dataclass
class PredictedVideo:
    """What was predicted of a video.

    Attributes:
        video: the file or folder.
        people: see :func:`gcdr.prediction.over_time.follow_people`.
        request: how.
        frames: numbers of the frames that were looked at.
        notes: what has to be said, a line each.
        seconds: that it took.
        named: of :func:`gcdr.prediction.predictions.about_names`.
    """

    video: Path
    people: pd.DataFrame
    request: PredictionRequest
    frames: list[int] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0
    named: AboutNames = field(default_factory=dict)

    def lines(self) -> list[str]:
        """What has to be said, and a summary."""
        rate = len(self.frames) / self.seconds if self.seconds else 0.0
        heads = "given" if self.request.heads else f"found by {self.request.finder}"
        peopled, tracks = self.people["frame"].nunique(), self.people["track"].nunique()
        return [
            *self.notes,
            *names_lines(self.named),
            f"{self.video}: {len(self.people):,} heads ({heads}) of {tracks:,} tracks in {peopled:,} of "
            f"{len(self.frames):,} frames; {self.seconds:.1f} s, {rate:.1f} frames a second",
        ]


def models_for_videos(wanted: PredictionRequest) -> Models:
    """Load what is asked: the gaze model, and what finds heads where none are given.

    Raises:
        InputError: as :func:`gcdr.prediction.predictions.requested_model`,
            :func:`gcdr.prediction.predictions.asked_names`, :func:`gcdr.detection.heads.load_finder` and
            :func:`gcdr.prediction.predicting.check_pictures_alone`.
    """
    if wanted.depth is not None:
        raise InputError("--depth: is taken of pictures, and not of videos yet")
    model = requested_model(wanted)
    check_pictures_alone(model)
    finder = None if wanted.heads else load_finder(wanted.finder, wanted.score, model.device)
    return Models(model, finder, asked_names(wanted))


def predict_over_time(
    video: Path,
    wanted: PredictionRequest,
    timing: Timing,
    models: Models,
    drawing: Drawing | None = None,
    *,
    alone: bool = True,
) -> PredictedVideo:
    """Predict on a video, and draw it.

    Args:
        video: a file, or a folder of frames.
        wanted: what is wanted; of it ``heads``, ``finder`` and ``model`` count here.
        timing: which frames.
        models: of :func:`models_for_videos`.
        drawing: what is drawn; None draws nothing.
        alone: see :func:`gcdr.video.tracks.read_tracks`.

    Raises:
        InputError: the video or the table of heads cannot be read, or no head is known in any frame.
    """
    thinning = Thinning(timing.every, timing.fps)
    # First, so that of a video that cannot be read nothing is said of its table.
    total, rate = expected_frames(video, thinning, timing.frame_rate)
    given = read_tracks(wanted.heads, video, alone) if wanted.heads else None
    predicted = PredictedVideo(
        video,
        pd.DataFrame(),
        wanted,
        notes=list(given.notes) if given else [],
        named=about_names(wanted, models.names),
    )
    notes, linker, passed = predicted.notes, Linker(timing.gap), set[int]()
    begun = time.monotonic()
    frames = read_frames(video, notes, thinning, timing.frame_rate, passed.add)
    seen = _with_heads(_counted(frames, predicted.frames), given, models.finder, linker, timing)
    with ExitStack() as open_files:
        open_files.enter_context(
            bar := tqdm(total=total, desc=video.name, unit="frame", mininterval=1, disable=None)
        )
        artist = _Artist(drawing, rate, open_files) if drawing else None

        def show(one: SeenFrame, rows: pd.DataFrame, prediction: Any) -> None:
            bar.update()
            if artist:
                artist.draw(one, rows, prediction)

        predicted.people = follow_people(
            seen, models.model, film_name(video), show, notes, models.names
        )
        if given and wanted.heads:
            notes += missing_note(wanted.heads, list(given.boxes), passed)
        if predicted.people.empty:
            raise InputError("\n  ".join([_nobody(predicted), *notes[:20]]))
        if artist:
            artist.write_sheet()
    notes += track_notes(predicted.people, predicted.frames, linker.later)
    predicted.seconds = time.monotonic() - begun
    return predicted


def _counted(frames: Iterator[Frame], numbers: list[int]) -> Iterator[Frame]:
    for frame in frames:
        numbers.append(frame.number)
        yield frame


def _with_heads(
    frames: Iterator[Frame],
    given: TabledTracks | None,
    finder: Finder | None,
    linker: Linker,
    timing: Timing,
) -> Iterator[SeenFrame]:
    if given:
        return tabled_heads(frames, given, linker)
    assert finder is not None  # there is one where no table is
    return found_heads(frames, finder, linker, timing.find_every)


def _nobody(predicted: PredictedVideo) -> str:
    wanted = predicted.request
    reason = (
        f"{wanted.heads} has none that lies in its frame"
        if wanted.heads
        else f"{wanted.finder} found none with a score of {wanted.score} or more"
    )
    return (
        f"{predicted.video}: no head in {len(predicted.frames)} frames ({reason}); expected at least one: "
        "take a lower score, another detector, or a table of head boxes"
    )


class _Artist:
    """Draws the frames of a video into a new one, and some of them onto a sheet."""

    def __init__(self, drawing: Drawing, rate: float, open_files: ExitStack) -> None:
        self.drawing, self.sheet = drawing, ContactSheet()
        self.writer = open_files.enter_context(written_video(drawing.folder / "video.mp4", rate))
        self.colours: dict[str, tuple[int, int, int]] = {}  # by track, in the order of appearance

    def draw(self, one: SeenFrame, rows: pd.DataFrame, prediction: Any) -> None:
        for name in one.tracks:
            self.colours.setdefault(name, COLOURS[len(self.colours) % len(COLOURS)])
        out = (rows["in_frame_probability"] < HALF).tolist()
        tags = [
            f"{name}{' out' if gone else seen}"
            for name, gone, seen in zip(one.tracks, out, _looked_at(rows), strict=True)
        ]
        drawn = draw_people(
            one.frame.image,
            rows,
            prediction,
            heat=self.drawing.heat,
            blur=self.drawing.blur,
            colours=[self.colours[name] for name in one.tracks],
            tags=tags,
            shortest=SHORTEST,
        )
        self.writer.add(drawn, one.frame.seconds)
        self.sheet.add(drawn, f"{one.frame.seconds:.2f} s, frame {one.frame.number}")

    def write_sheet(self) -> None:
        with atomic(self.drawing.folder / "sheet.png") as temporary:
            self.sheet.draw().save(temporary)


def _looked_at(rows: pd.DataFrame) -> list[str]:
    """What stands behind each person's track: what is looked at, where it was named."""
    return [f": {name}" for name in rows["label"]] if "label" in rows else [""] * len(rows)


def write_video_predictions(predicted: PredictedVideo, out: Path, form: str = "csv") -> Path:
    """``predictions.csv`` or ``.parquet``, one row a person and frame, and ``predictions.json``.

    The table can be given back as a table of heads: it has ``sequence``, ``frame``, ``track`` and head boxes.

    Args:
        predicted: the predictions.
        out: the folder.
        form: one of ``TABLES``.

    Returns:
        the table's file.
    """
    people = predicted.people
    files = ["image"] if people["image"].ne("").any() else []
    table = as_table(people, ["sequence", "frame", "seconds", "track", *files])
    path = out / f"predictions.{form}"
    if form == "parquet":
        write_table(table, path)
    else:
        write_csv(as_text(table), path)
    write_json(out / "predictions.json", _json_of(predicted))
    return path


def _json_of(predicted: PredictedVideo) -> dict[str, Any]:
    people = predicted.people
    return {
        **about_predictions(
            predicted.request.model, "" if predicted.request.heads else predicted.request.finder
        ),
        **predicted.named,
        "video": str(predicted.video),
        "frames_looked_at": len(predicted.frames),
        "notes": predicted.notes,
        "tracks": [
            {
                "track": name,
                "frames": len(rows),
                "first": float(rows["seconds"].iloc[0]),
                "last": float(rows["seconds"].iloc[-1]),
            }
            for name, rows in people.groupby("track", sort=False)
        ],
        "frames": [
            {
                "frame": int(number),
                "seconds": float(rows["seconds"].iloc[0]),
                "width": int(rows["width"].iloc[0]),
                "height": int(rows["height"].iloc[0]),
                "people": [
                    {"track": row["track"], **person_as_json(row)} for _, row in rows.iterrows()
                ],
            }
            for number, rows in people.groupby("frame", sort=False)
        ],
    }
