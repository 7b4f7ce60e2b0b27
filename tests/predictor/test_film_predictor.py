"""Prediction along a film: any chunks, people who come and go, bad input, and memory that does not grow."""

import weakref
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import gcdr
from gcdr.base.errors import InputError
from gcdr.models.build import save_model
from gcdr.models.pdp import PDP, PDPConfig
from gcdr.models.sizes import VATConfig, VideoVATConfig
from gcdr.models.vat import VAT
from gcdr.models.video_vat import VideoVAT
from gcdr.predictor.film_predictor import FramePrediction, TrackedFrame, predict_frames
from gcdr.predictor.predictor import Predictor

torch.set_num_threads(1)
CPU = torch.device("cpu")
WHO = [(3, 8), (8, 3), (), (3,), (8, 3, 5), (5,), (5, 3)]
"""Tracks of each frame; the one without people is in no track."""


def fresh() -> VideoVAT:
    torch.manual_seed(0)
    return VideoVAT(replace(VideoVATConfig.world(), inout=True))


def follower() -> Predictor:
    return Predictor(fresh(), CPU)


def single() -> Predictor:
    torch.manual_seed(0)
    return Predictor(VAT(VATConfig.world()), CPU)


def frame(number: int, who: tuple[int, ...], size: tuple[int, int] = (64, 48)) -> TrackedFrame:
    coarse = np.random.default_rng(number).integers(0, 255, (6, 8, 3), dtype=np.uint8)
    image = Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC)
    heads = [(5 * name, 4.5, 5 * name + 11, 15.25 + name) for name in who]
    return TrackedFrame(number, image, np.array(heads), np.array(who, int))


def film(numbers: list[int] | None = None) -> list[TrackedFrame]:
    """Seven frames, whose size changes."""
    numbers = list(range(len(WHO))) if numbers is None else numbers
    sizes = [(64, 48), (80, 45)]
    return [frame(n, who, sizes[n % 2]) for n, who in zip(numbers, WHO, strict=True)]


def by_track(told: list[FramePrediction]) -> dict[tuple[int, int], np.ndarray]:
    """Everybody's map, by frame and track."""
    return {
        (one.number, int(track)): heatmap
        for one in told
        for track, heatmap in zip(one.track, one.people.heatmap, strict=True)
    }


def near(found: dict, expected: dict) -> None:
    assert found.keys() == expected.keys()
    for key, heatmap in expected.items():
        np.testing.assert_allclose(found[key], heatmap, atol=1e-5)


@pytest.mark.parametrize("chunk", [1, 2, 3, 6])
@pytest.mark.parametrize("build", [follower, single])
def test_chunks_change_nothing(build, chunk: int) -> None:
    predictor = build()
    whole = list(predict_frames(predictor, film(), chunk=len(WHO)))
    assert [one.number for one in whole] == list(range(len(WHO)))
    near(by_track(list(predict_frames(predictor, film(), chunk))), by_track(whole))
    empty = whole[2].people
    assert empty.points.shape == (0, 2) and empty.heatmap.shape == (0, 32, 32)
    told = predictor.model.tells_in_frame
    assert all((one.people.in_frame is not None) == told for one in whole)


def test_order_of_heads_changes_nothing() -> None:
    turned = [replace(one, heads=one.heads[::-1], track=one.track[::-1]) for one in film()]
    predictor = follower()
    near(
        by_track(list(predict_frames(predictor, turned))),
        by_track(list(predict_frames(predictor, film()))),
    )


def test_a_model_of_pictures_says_of_frames_what_it_says_of_pictures() -> None:
    predictor, shown = single(), film()
    said = predictor.predict([one.image for one in shown], [one.heads for one in shown])
    for one, picture in zip(predict_frames(predictor, shown, 3), said, strict=True):
        np.testing.assert_allclose(one.people.heatmap, picture.heatmap, atol=1e-5)
        np.testing.assert_array_equal(one.people.points, picture.points)


def test_depth_goes_along_with_frames() -> None:
    torch.manual_seed(0)
    predictor = Predictor(PDP(PDPConfig.world()), CPU)
    rng = np.random.default_rng(0)
    shown = [replace(one, depth=rng.random(one.image.size[::-1], np.float32)) for one in film()]
    depths = [one.depth for one in shown]
    images, heads = [one.image for one in shown], [one.heads for one in shown]
    said = predictor.predict(images, heads, depths=depths)
    for one, picture in zip(predict_frames(predictor, shown, 3), said, strict=True):
        np.testing.assert_allclose(one.people.heatmap, picture.heatmap, atol=1e-5)
    nobody = [*shown[:2], replace(shown[2], depth=None), *shown[3:]]  # without people
    for chunk in (1, 3):
        near(
            by_track(list(predict_frames(predictor, nobody, chunk))),
            by_track(list(predict_frames(predictor, shown))),
        )
    late = [*shown[:3], replace(shown[3], depth=None)]
    with pytest.raises(InputError, match=r"frame 3: depth: found none, expected \(45, 80\)"):
        list(predict_frames(predictor, late))


def test_a_track_that_comes_back_late_begins_anew() -> None:
    predictor, who = follower(), (3,)

    def last(numbers: list[int], **wanted: int) -> np.ndarray:
        shown = [frame(number, who) for number in numbers]
        return list(predict_frames(predictor, shown, **wanted))[-1].people.heatmap

    alone, after = last([9]), last([6, 9], forget=2)
    assert np.abs(alone - after).max() > 1e-3, "two frames lack, which may"
    for chunk in (1, 2):
        np.testing.assert_allclose(last([6, 9], forget=2, chunk=chunk), after, atol=1e-5)
        np.testing.assert_allclose(last([6, 9], forget=1, chunk=chunk), alone, atol=1e-5)


def test_frames_without_people_are_passed_over() -> None:
    predictor = follower()
    shown = [frame(n, (3,) if n in (0, 20) else ()) for n in range(21)]
    told = list(predict_frames(predictor, shown, chunk=3, forget=2))
    assert [len(one.people.points) for one in told] == [1, *[0] * 19, 1]
    (anew,) = predict_frames(predictor, shown[-1:])
    np.testing.assert_allclose(told[-1].people.heatmap, anew.people.heatmap, atol=1e-5)


def test_other_people_do_not_matter() -> None:
    predictor = follower()
    whole = by_track(list(predict_frames(predictor, film())))
    alone = [
        replace(one, heads=one.heads[one.track == 3], track=one.track[one.track == 3])
        for one in film()
    ]
    near(
        by_track(list(predict_frames(predictor, alone))),
        {k: v for k, v in whole.items() if k[1] == 3},
    )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"number": 1}, "frame 1: found it after frame 1, expected frames in ascending order"),
        ({"number": 0}, "frame 0: found it after frame 1, expected frames in ascending order"),
        ({"track": np.array([4, 4])}, "frame 2: track 4 twice, expected each once"),
        (
            {"track": np.array([4])},
            r"frame 2: tracks of int64 and shape \(1,\), expected .* its 2 heads",
        ),
        ({"track": np.array([0.5, 1])}, "frame 2: tracks of float64"),
        (
            {"heads": np.array([[5, 5, 2, 9], [1, 1, 4, 4]])},
            r"frame 2: head box \[5.0, 5.0, 2.0, 9.0\]",
        ),
        ({"image": np.zeros((4, 4), np.uint8)}, "frame 2: found uint8 of shape"),
    ],
)
def test_bad_frames_are_named(change: dict, said: str) -> None:
    shown = [frame(1, (3,)), replace(frame(2, (3, 8)), **change)]
    with pytest.raises(InputError, match=f"^{said}"):
        list(predict_frames(follower(), shown))


def test_a_model_that_sees_prior_maps_is_refused() -> None:
    seeing = Predictor(VAT(VATConfig.world(gradcam=True)), CPU)
    with pytest.raises(InputError, match="film: found a model that sees prior maps"):
        next(predict_frames(seeing, film()))


@pytest.mark.slow
def test_no_more_than_a_chunk_is_held() -> None:
    """Frames are taken when they are needed and let go; so is what is remembered of people who left."""
    taken: list[weakref.ref] = []

    def endless() -> Iterator[TrackedFrame]:
        while True:
            number = len(taken)
            shown = frame(number, (number // 2 % 12, 12))
            taken.append(weakref.ref(shown.heads))
            yield shown

    told = predict_frames(follower(), endless(), chunk=4, forget=1)
    next(told)
    assert len(taken) == 4
    for number in range(1, 60):
        assert next(told).number == number
        assert sum(one() is not None for one in taken) <= 8
        assert len(told.gi_frame.f_locals["memory"].track) <= 3, "of those who may come back"


def test_many_people_end_a_chunk() -> None:
    taken = []

    def crowded() -> Iterator[TrackedFrame]:
        for number in range(3):
            taken.append(number)
            crowd = frame(number, (1,) * 40)
            yield replace(crowd, track=np.arange(40))

    next(predict_frames(follower(), crowded()))
    assert taken == [0, 1], "which hold 64 or more"


def test_a_loaded_model_follows_and_pictures_are_tracks_of_one_frame(tmp_path: Path) -> None:
    save_model(tmp_path, fresh())  # a predictor's model is folded
    predictor = gcdr.load(tmp_path)
    near(
        by_track(list(predict_frames(predictor, film()))),
        by_track(list(predict_frames(follower(), film()))),
    )
    shown = film()[0]
    (picture,) = predictor.predict([shown.image], [shown.heads])
    (first, *_) = predict_frames(predictor, [shown])
    np.testing.assert_allclose(picture.heatmap, first.people.heatmap, atol=1e-5)
