"""The models of tracks against reference outputs, at the paper's sizes."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from golden_rule import Goldens, assert_near, head_masks
from torch import Tensor

from gcdr.models.interface import GazeInputs, TrackMemory
from gcdr.models.released import read_released
from gcdr.models.sizes import VideoDenoiserConfig, VideoVATConfig
from gcdr.models.video_denoiser import VideoDenoiser
from gcdr.models.video_vat import VideoVAT
from gcdr.refine.diffusion import Schedule, training_pair

pytestmark = [pytest.mark.golden, pytest.mark.slow]
torch.set_num_threads(1)


@pytest.fixture(scope="module")
def reference(goldens: Callable[[str], Path]) -> Goldens:
    return Goldens(goldens)


def frames_of(reference: Goldens, boxes: list[list[int]], track: list[int]) -> GazeInputs:
    return GazeInputs(
        images=reference.blocks("input.video.scene", len(boxes)),
        image_of=torch.arange(len(boxes)),
        head_box=torch.tensor(boxes) / 224,
        head_crop=reference.blocks("input.video.face", len(boxes)),
        head_mask=head_masks(boxes),
        track=torch.tensor(track),
    )


def state(memory: TrackMemory, name: str, tracks: list[int], every: int) -> Tensor:
    """Hidden state or cell as the files have it: (layers, tracks, every so many channels, h, w)."""
    return memory.of(torch.tensor(tracks))[name].transpose(0, 1)[:, :, ::every]


@pytest.fixture(scope="module")
def video_vat(reference: Goldens, tmp_path_factory: pytest.TempPathFactory) -> Iterator[VideoVAT]:
    """By way of a file in the layout of VAT's authors, of before PyTorch counted batches."""
    weights = reference.weights("vat_video")
    file = tmp_path_factory.mktemp("released") / "model_videoatttarget.pt"
    kept = {name: value for name, value in weights.items() if not name.endswith("tracked")}
    torch.save({"model": kept}, file)
    model, facts = read_released(file)
    file.unlink()
    assert facts == {"released": "Video VAT"}
    yield model


@torch.inference_mode()
def test_video_vat(reference: Goldens, video_vat: VideoVAT) -> None:
    expected = reference.arrays("vat_video")
    assert video_vat.config == VideoVATConfig.paper()
    assert sum(p.numel() for p in video_vat.parameters()) == expected["meta"]["params"]
    # Frames are packed step by step there: of three tracks the first frames, then the second, ...
    boxes, track = expected["meta"]["inputs"]["head_boxes"], [0, 1, 2, 0, 1, 2, 0, 1, 0]
    assert np.bincount(track).tolist() == expected["meta"]["lengths"]
    inputs = frames_of(reference, boxes, track)
    whole = video_vat(inputs)
    assert_near(whole.heatmap, expected["full.heatmap"])
    assert_near(whole.in_frame, expected["full.inout"])
    for name, key in (("hidden", "full.h"), ("cell", "full.c")):
        assert_near(state(whole.memory, name, [0, 1, 2], 64), expected[key])

    # Ours: a lone frame is like any other. The authors': it passes fewer norms, and looks otherwise.
    first = video_vat(inputs.people(torch.arange(8)))
    last = replace(inputs.people(torch.tensor([8])), memory=first.memory)
    lone = video_vat(last)
    assert_near(first.heatmap, expected["chunk1.heatmap"])
    assert_near(torch.cat([first.heatmap, lone.heatmap]), expected["full.heatmap"], 1e-5)
    with torch.device("meta"):
        skipping = VideoVAT(replace(video_vat.config, norms="reference"))
    skipping.load_state_dict(video_vat.state_dict(), assign=True)
    skipping.eval()
    again = skipping(inputs.people(torch.arange(8)))
    assert torch.equal(again.heatmap, first.heatmap)
    skipped = skipping(replace(last, memory=again.memory))
    assert_near(skipped.heatmap, expected["chunk2.heatmap"])
    assert_near(skipped.in_frame, expected["chunk2.inout"])
    assert_near(state(skipped.memory, "hidden", [0], 64), expected["chunk2.h"])
    apart = (skipped.heatmap - lone.heatmap).abs().max().item()
    assert apart == pytest.approx(expected["meta"]["last_frame_full_vs_chunk2_maxabs"], abs=1e-4)


@torch.inference_mode()
def test_video_denoiser(reference: Goldens, tmp_path: Path) -> None:
    expected = reference.arrays("gcdr_temporal")
    weights = reference.weights("gcdr_diffusion_temporal")
    torch.save({"state_dict": weights, "lr": 5e-5, "train_step": 1}, tmp_path / "w.pt")
    model, facts = read_released(tmp_path / "w.pt")
    assert facts["released"] == "video diffusion" and isinstance(model, VideoDenoiser)
    assert model.config == VideoDenoiserConfig.paper()
    assert sum(p.numel() for p in model.parameters()) == expected["meta"]["params"]

    inputs = frames_of(reference, expected["meta"]["head_boxes"], [0, 1, 0])
    row, column = torch.arange(64.0)[:, None], torch.arange(64.0)
    points = ((20, 30), (40, 10), (5, 50))
    target = torch.stack([(-((column - x) ** 2 + (row - y) ** 2) / 18).exp() for x, y in points])
    noise = reference.normal("noise.train", (3, 1, 64, 64))[:, 0]
    noisy, time = training_pair(Schedule(), target, torch.tensor([37, 412, 250]), noise)
    context, memory = model.context_in_time(inputs)
    whole = model.predict(noisy, time, context)
    assert_near(whole, expected["x0"])
    assert_near(state(memory, "hidden", [0, 1], 32), expected["h"])

    _, before = model.context_in_time(inputs.people(torch.tensor([0, 1])))
    after = replace(inputs.people(torch.tensor([2])), memory=before)
    lone, _ = model.context_in_time(after)
    assert_near(model.predict(noisy[2:], time[2:], lone), whole[2:], 1e-5)
