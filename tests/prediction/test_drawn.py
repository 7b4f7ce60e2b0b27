"""What is drawn of people, against the same picture undrawn: each part where it belongs, and nothing else."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from gcdr.data.manifest import BOX
from gcdr.prediction.drawn import COLOURS, draw_people
from gcdr.predictor.predictor import Prediction

SIZE, CELLS = (640, 480), 32
UNIT = 2  # pixels of the drawing's unit at this size
BOXES = np.array([[60.0, 80, 120, 150], [400.0, 300, 460, 370], [520.0, 60, 580, 130]])
POINTS = np.array([[0.55, 0.3], [0.25, 0.85], [0.5, 0.9]])  # of width and height
PEAKS = [(26, 6), (3, 16), (20, 30)]  # cells (x, y) where nothing else is drawn


def picture() -> Image.Image:
    """Coarse grey noise, which has no colour of its own."""
    grey = np.random.default_rng(0).integers(60, 200, (12, 16), dtype=np.uint8)
    return Image.fromarray(grey).resize(SIZE, Image.Resampling.BICUBIC).convert("RGB")


def heatmaps() -> np.ndarray:
    """(3, cells, cells): a Gaussian at each one's peak."""
    y, x = np.mgrid[:CELLS, :CELLS]
    return np.stack([np.exp(-((x - a) ** 2 + (y - b) ** 2) / 4) for a, b in PEAKS])


def drawn(
    probability: list[float],
    *,
    heat: bool = False,
    colours: tuple[tuple[int, int, int], ...] = (),
    tags: tuple[str, ...] = (),
) -> np.ndarray:
    """The drawing (height, width, 3) int of three people by their probabilities of looking in."""
    rows = pd.DataFrame(np.hstack([BOXES, POINTS]), columns=[*BOX, "gaze_x", "gaze_y"])
    rows["in_frame_probability"] = probability
    said = Prediction(POINTS, heatmaps(), np.array(probability))
    image = draw_people(picture(), rows, said, heat=heat, blur=False, colours=colours, tags=tags)
    assert image.size == SIZE
    return np.asarray(image, int)


def spots(who: int) -> dict[str, tuple[float, float]]:
    """Pixels that have somebody's colour: of the box, of the line outside of it, of the ring."""
    (x0, y0, x1, y1), (x, y) = BOXES[who], POINTS[who] * SIZE
    middle = np.array([(x0 + x1) / 2, (y0 + y1) / 2])
    on_line = [middle + part * ([x, y] - middle) for part in (0.4, 0.6, 0.8)]
    return {
        "left": (x0, y0 + 20), "right": (x1, y0 + 50), "below": (x0 + 20, y1), "above": (x1 - 8, y0),
        **{f"line {number}": tuple(spot) for number, spot in enumerate(on_line)},
        "ring right": (x + 4 * UNIT - 1, y), "ring left": (x - 4 * UNIT + 1, y),
        "ring below": (x, y + 4 * UNIT - 1),
    }  # fmt: skip


def far(pixels: np.ndarray, spot: tuple[float, float], colour: tuple[int, int, int]) -> float:
    """How far the nearest of the pixels around a spot is from a colour, of 255."""
    x, y = (round(value) for value in spot)
    return np.abs(pixels[y - 1 : y + 2, x - 1 : x + 2] - colour).max(2).min()


def warmth(pixels: np.ndarray, who: int) -> float:
    """By how much red is above blue at somebody's peak; of grey it is 0."""
    x, y = ((cell + 0.5) * side / CELLS for cell, side in zip(PEAKS[who], SIZE, strict=True))
    near = pixels[round(y) - 5 : round(y) + 6, round(x) - 5 : round(x) + 6]
    return float((near[..., 0] - near[..., 2]).mean())


@pytest.mark.parametrize("colours", [(), COLOURS[3:]])
def test_box_line_and_ring_have_the_persons_colour(
    colours: tuple[tuple[int, int, int], ...],
) -> None:
    pixels, plain = drawn([0.9, np.nan, 0.6], colours=colours), np.asarray(picture(), int)
    for who in range(3):
        for name, spot in spots(who).items():
            colour = (colours or COLOURS)[who]
            assert far(plain, spot, colour) > 30, name  # that the picture has not by itself
            assert far(pixels, spot, colour) == 0, (who, name)


def test_who_looks_out_has_gaps_in_the_box_and_neither_line_nor_ring() -> None:
    pixels, plain = drawn([0.9, 0.4, 0.6]), np.asarray(picture(), int)
    shares = []
    for who, (x0, y0, x1, y1) in enumerate(BOXES.round().astype(int)):
        edges = [pixels[y, x0 + 4 : x1 - 4] for y in (y0, y1)]
        edges += [pixels[y0 + 4 : y1 - 4, x] for x in (x0, x1)]
        own = [np.abs(edge - COLOURS[who]).max(1) == 0 for edge in edges]
        shares.append(np.mean(np.concatenate(own)))
        if who == 1:
            assert all(np.count_nonzero(np.diff(edge.astype(int)) < 0) >= 4 for edge in own)
    assert shares[0] == shares[2] == 1 and 0.3 < shares[1] < 0.8
    lines = {name: spot for name, spot in spots(1).items() if name.startswith(("line", "ring"))}
    assert len(lines) == 6
    for name, (x, y) in lines.items():
        around = np.s_[round(y) - 1 : round(y) + 2, round(x) - 1 : round(x) + 2]
        assert np.array_equal(pixels[around], plain[around]), name


def test_heat_is_at_the_peak_of_everybody_who_looks_into_the_frame_alone() -> None:
    cold = drawn([0.9, 0.4, 0.6])
    assert [warmth(cold, who) for who in range(3)] == [0, 0, 0]
    warm = [warmth(drawn([0.9, 0.4, 0.6], heat=True), who) for who in range(3)]
    assert min(warm[0], warm[2]) > 60 and abs(warm[1]) < 3
    everybody = drawn([np.nan] * 3, heat=True)  # a model that does not tell
    assert min(warmth(everybody, who) for who in range(3)) > 60
    out = [0.1] * 3
    assert np.array_equal(drawn(out, heat=True), drawn(out))


def test_a_tag_is_a_plate_of_the_persons_colour_with_black_letters_above_the_head() -> None:
    names, without = ("ann", "ben out", "carl"), drawn([0.9, 0.4, 0.6])
    pixels = drawn([0.9, 0.4, 0.6], tags=names)
    widths = []
    for who, (x0, y0) in enumerate(BOXES[:, :2].round().astype(int)):
        plate = np.abs(pixels[: y0 - 2] - COLOURS[who]).max(2) == 0
        y, x = np.nonzero(plate)
        assert x.min() == x0 and 8 < y0 - y.min() < 30, names[who]
        widths.append(x.max() - x.min())
        inside = pixels[y.min() : y0 - 2, x0 : x.max()]
        assert 0.03 < np.mean(inside.max(2) < 60) < 0.5, names[who]
    assert widths[1] > 1.5 * widths[0]
    changed = np.abs(pixels - without).max(2) > 0
    assert np.nonzero(changed.any(1))[0].max() <= BOXES[1, 1] + 1
