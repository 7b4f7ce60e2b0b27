"""What a video and its sheet show, by a gaze model that says what is set: against the frames undrawn."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image, ImageDraw
from torch import Tensor

from gcdr.data.manifest import BOX
from gcdr.models.interface import GazeInputs, GazeModel, GazeOutput, Needs
from gcdr.models.objectives import squared_error
from gcdr.prediction.contact_sheet import BETWEEN, WIDE
from gcdr.prediction.drawn import COLOURS, write_tag
from gcdr.prediction.predictions import PredictionRequest
from gcdr.prediction.videos import Drawing, Models, Timing, predict_over_time
from gcdr.predictor.predictor import Predictor
from gcdr.video.frames import read_frames

SIZE, SHOWN = (320, 240), (640, 480)  # of a frame, and as it is drawn
BOXES = {"ann": (20, 100, 70, 150), "bo": (140, 60, 190, 110), "carla": (240, 110, 290, 160)}
ORDER = [("ann", "bo", "carla"), ("carla", "bo"), ("bo", "carla", "ann")]  # frame by frame
LOOK_OUT = ("bo",)
UP, DOWN = 5.5 / 32, 29.5 / 32  # parts of the height, in the middle of a cell as are the heads


class Upright(GazeModel):
    """Everybody looks straight up or, in the right half, down; who is in the middle, out of the frame."""

    kind, config, input_size, map_size = "upright", SimpleNamespace(precision="float32"), 32, 32
    needs, objective, tells_in_frame = Needs(per="image"), staticmethod(squared_error), True

    def forward(self, inputs: GazeInputs) -> GazeOutput:
        x, y = _looked_at(inputs.head_box)
        cells = (torch.arange(self.map_size) + 0.5) / self.map_size
        far = (cells[None, None] - x[:, None, None]) ** 2 + (
            cells[None, :, None] - y[:, None, None]
        ) ** 2
        return GazeOutput(
            heatmap=torch.exp(-far * 300), in_frame=10 * (_middle(inputs.head_box) - 0.5).abs() - 1
        )


def _middle(box: Tensor) -> Tensor:
    return (box[:, 0] + box[:, 2]) / 2


def _looked_at(box: Tensor) -> tuple[Tensor, Tensor]:
    x = _middle(box)
    return x, torch.where(x < 0.5, UP, DOWN)


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of three frames: soft grey, and at heads noise that a blur takes away."""
    folder = tmp_path_factory.mktemp("drawn") / "film"
    folder.mkdir()
    rng = np.random.default_rng(1)
    coarse = Image.fromarray(rng.integers(90, 150, (6, 8), dtype=np.uint8))
    scene = np.array(coarse.resize(SIZE, Image.Resampling.BICUBIC))
    for x0, y0, x1, y1 in BOXES.values():
        blocks = rng.choice([0, 255], ((y1 - y0) // 5, (x1 - x0) // 5)).astype(np.uint8)
        scene[y0:y1, x0:x1] = blocks.repeat(5, 0).repeat(5, 1)
    for number in range(len(ORDER)):
        Image.fromarray(scene).convert("RGB").save(folder / f"{number}.png")
    rows = [(number, name, *BOXES[name]) for number, names in enumerate(ORDER) for name in names]
    pd.DataFrame(rows, columns=["frame", "track", *BOX]).to_csv(
        folder.with_suffix(".csv"), index=False
    )
    return folder


@pytest.fixture(scope="module")
def drawing(film: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    def draw(**wanted: Any) -> Path:
        out, model = tmp_path_factory.mktemp("out"), Predictor(Upright(), torch.device("cpu"))
        request = PredictionRequest([film], "upright", film.with_suffix(".csv"))
        predict_over_time(film, request, Timing(), Models(model, None), Drawing(out, **wanted))
        return out

    return draw


@pytest.fixture(scope="module")
def shown(drawing: Callable[..., Path]) -> Path:
    return drawing()


def pixels_of(folder: Path) -> list[np.ndarray]:
    return [np.asarray(frame.image, int) for frame in read_frames(folder / "video.mp4", [])]


def undrawn(film: Path) -> np.ndarray:
    with Image.open(film / "0.png") as image:
        return np.asarray(image.resize(SHOWN, Image.Resampling.LANCZOS), int)


def colourfulness(pixels: np.ndarray, x: float, y: float, colour: tuple[int, int, int]) -> float:
    """How much of a colour's own tint the most tinted of the pixels around a place has; 1 of the colour."""
    tint = np.array(colour) - np.mean(colour)
    near = pixels[round(y) - 2 : round(y) + 3, round(x) - 2 : round(x) + 3].reshape(-1, 3)
    return float(((near - near.mean(1, keepdims=True)) @ tint / (tint @ tint)).max())


def test_a_video_shows_who_looks_where_in_each_ones_colour(
    film: Path, shown: Path, drawing: Callable[..., Path]
) -> None:
    cold, plain = pixels_of(drawing(heat=False)), undrawn(film)
    assert [frame.shape for frame in cold] == [(*SHOWN[::-1], 3)] * len(ORDER)
    for warm, frame, here in zip(pixels_of(shown), cold, ORDER, strict=True):
        for name, colour in zip(BOXES, COLOURS, strict=False):  # in the order of appearance
            x0, y0, x1, y1 = (2 * side for side in BOXES[name])
            x, y = (x0 + x1) / 2, SHOWN[1] * (DOWN if x1 > SHOWN[0] / 2 else UP)
            half = (y + (y1 if y > y1 else y0)) / 2
            places = {"box": (x1 - 12, y1), "line": (x, half), "ring": (x + 7, y)}
            for what, place in places.items():
                expected = name in here and (what == "box" or name not in LOOK_OUT)
                tint = colourfulness(frame, *place, colour)
                assert (tint > 0.5) == expected and abs(tint) < 1.4, (here, name, what, tint)
                assert colourfulness(plain, *place, colour) < 0.2
            beside = np.s_[round(y) - 8 : round(y) + 8, round(x) + 12 : round(x) + 22]
            red, _, blue = (warm[beside] - frame[beside]).mean((0, 1))
            assert (red - blue > 60) == (name in here and name not in LOOK_OUT), (here, name)


def test_names_stand_over_their_people_and_say_who_looks_out(film: Path, shown: Path) -> None:
    texts = [name + out for name in BOXES for out in ("", " out")]
    plain = Image.fromarray(undrawn(film).astype(np.uint8))
    for frame, here in zip(pixels_of(shown), ORDER, strict=True):
        for name, colour in zip(BOXES, COLOURS, strict=False):
            x, y = 2 * BOXES[name][0], 2 * BOXES[name][1]
            plate = np.s_[y - 14 : y - 3, x : x + 60]
            off = {"": np.abs(np.asarray(plain, int)[plate] - frame[plate]).mean()}
            for text in texts:
                image = plain.copy()
                write_tag(ImageDraw.Draw(image), text, (x, y), colour, 2)
                off[text] = np.abs(np.asarray(image, int)[plate] - frame[plate]).mean()
            expected = name + " out" * (name in LOOK_OUT) if name in here else ""
            assert min(off, key=off.__getitem__) == expected, off


def test_blurred_heads_cannot_be_told_in_the_video(
    film: Path, drawing: Callable[..., Path]
) -> None:
    """The part of a head beside its line."""
    plain = undrawn(film)
    for frame, here in zip(pixels_of(drawing(blur=True)), ORDER, strict=True):
        for x0, y0, _, y1 in (BOXES[name] for name in here):
            inside = np.s_[2 * y0 + 8 : 2 * y1 - 8, 2 * x0 + 8 : 2 * x0 + 32]
            assert frame[inside].std() < plain[inside].std() / 2
            assert plain[inside].std() > 80


def test_the_sheet_shows_the_frames_as_they_are_drawn(film: Path, shown: Path) -> None:
    size = (WIDE, WIDE * SHOWN[1] // SHOWN[0])
    with Image.open(shown / "sheet.png") as image:
        sheet = np.asarray(image.convert("RGB"), int)
    plain = small(undrawn(film), size)
    for number, pixels in enumerate(pixels_of(shown)):
        x, drawn = BETWEEN + number * (WIDE + BETWEEN), small(pixels, size)
        tile = sheet[BETWEEN : BETWEEN + size[1], x : x + WIDE]
        told = np.abs(drawn - plain).max(2) > 60  # where the drawing and its frame are told apart
        told[-40:] = False  # where the label is
        off = [np.abs(tile - one)[told].mean() for one in (drawn, plain)]
        assert told.mean() > 0.005 and 3 * off[0] < off[1], off


def small(pixels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    image = Image.fromarray(pixels.astype(np.uint8))
    return np.asarray(image.resize(size, Image.Resampling.LANCZOS), int)
