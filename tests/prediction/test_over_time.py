"""The gaze model along a video: what follows tracks is given its memory, also over thinned frames."""

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd
import torch
from PIL import Image

from gcdr.models.sizes import VATConfig, VideoVATConfig
from gcdr.models.vat import VAT
from gcdr.models.video_vat import VideoVAT
from gcdr.prediction.over_time import follow_people
from gcdr.prediction.predicting import COUNT, PIXELS
from gcdr.predictor.predictor import Prediction, Predictor
from gcdr.video.frames import Frame
from gcdr.video.heads_by_frame import SeenFrame

torch.set_num_threads(1)
WHO = [("ann", "ben"), (), ("ben",), ("ben", "ann")]


def seen(numbers: list[int]) -> list[SeenFrame]:
    made = []
    for number, who in zip(numbers, WHO, strict=True):
        coarse = np.random.default_rng(number).integers(0, 255, (6, 8, 3), dtype=np.uint8)
        image = Image.fromarray(coarse).resize((64, 48), Image.Resampling.BICUBIC)
        boxes = np.array([(4.0, 4, 20, 20) if name == "ann" else (30.0, 8, 50, 28) for name in who])
        places = boxes.reshape(-1, 4)
        scores = np.full(len(who), np.nan)
        made.append(
            SeenFrame(Frame(number, number / 25, "", image), places, who, scores, np.zeros((0, 4)))
        )
    return made


def follow(network: torch.nn.Module, frames: list[SeenFrame]) -> tuple[pd.DataFrame, list]:
    shown: list[tuple[int, Prediction]] = []

    def show(one: SeenFrame, people: pd.DataFrame, said: Prediction) -> None:
        assert len(people) == len(one.boxes) == len(said.heatmap)
        shown.append((one.frame.number, said))

    model = Predictor(network, torch.device("cpu"))
    return follow_people(frames, model, "film", show, []), shown


def test_a_video_model_remembers_tracks_over_thinned_frames_and_not_over_videos() -> None:
    torch.manual_seed(0)
    network = VideoVAT(replace(VideoVATConfig.world(), inout=True))
    frames = seen(
        [0, 25, 50, 75]
    )  # one a second: gaps in what is decoded, none in what is looked at
    people, shown = follow(network, frames)
    assert [number for number, _ in shown] == [0, 25, 50, 75]
    assert people[["frame", "track"]].values.tolist() == [
        [0, "ann"], [0, "ben"], [50, "ben"], [75, "ben"], [75, "ann"],
    ]  # fmt: skip
    _, again = follow(network, frames)
    assert all(
        np.array_equal(a.heatmap, b.heatmap) for (_, a), (_, b) in zip(shown, again, strict=True)
    )
    _, alone = follow(network, seen([0, 25, 50, 75])[3:])
    assert np.abs(shown[3][1].heatmap - alone[0][1].heatmap).max() > 1e-4


def test_a_model_of_single_pictures_says_the_same_of_a_frame_alone() -> None:
    torch.manual_seed(0)
    network, frames = VAT(VATConfig.world()), seen([0, 1, 2, 3])
    _, shown = follow(network, frames)
    _, alone = follow(network, frames[3:])
    np.testing.assert_allclose(shown[3][1].heatmap, alone[0][1].heatmap, atol=1e-5)
    assert follow(network, [])[0].empty


def test_a_film_that_grows_to_4k_is_held_a_few_frames_at_a_time() -> None:
    torch.manual_seed(0)
    network, small = VAT(VATConfig.world()), seen([0, 1, 2, 3])
    large = Image.new("RGB", (3840, 2160), "grey")
    sides = [math.prod(one.frame.image.size) for one in small] + [math.prod(large.size)] * COUNT
    held, most = 0, [0, 0]  # pixels of frames read and not yet shown, and frames

    def frames() -> Iterator[SeenFrame]:
        nonlocal held
        for number, pixels in enumerate(sides):
            held += pixels
            most[:] = max(most[0], held), max(most[1], number + 1 - len(shown))
            one = replace(small[number % 4].frame, number=number)
            if number < len(small):
                yield replace(small[number], frame=one)
            else:  # nobody is there but in the last frame
                none = number + 1 < len(sides)
                yield replace(small[1] if none else small[2], frame=replace(one, image=large))

    shown: list[int] = []

    def show(one: SeenFrame, people: pd.DataFrame, said: Prediction) -> None:
        nonlocal held
        assert len(people) == len(said.heatmap)
        held -= math.prod(one.frame.image.size)
        shown.append(one.frame.number)

    people = follow_people(frames(), Predictor(network, torch.device("cpu")), "film", show, [])
    assert shown == list(range(len(sides))) and sum(sides) > 1.9 * PIXELS
    assert most[0] <= PIXELS + sides[-1]  # what is held, and the frame that does not fit beside it
    assert most[1] > 8 and people["frame"].iloc[-1] == len(sides) - 1
