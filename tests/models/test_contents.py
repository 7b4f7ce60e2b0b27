"""What files of weights hold is told without torch, and another model's are refused."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from small_weights import shapes_of, write_shapes
from torchvision.models import resnet18, resnet50

from gcdr.base.errors import InputError
from gcdr.base.outlines import tensor_shapes
from gcdr.detection.detector import DetectorConfig, build_detector
from gcdr.detection.faces import keypoint_detector
from gcdr.models import contents
from gcdr.models.backbone import build_backbone
from gcdr.models.contents import check_backbone_file, check_first_weights, what_is
from gcdr.models.denoiser import Denoiser
from gcdr.models.gazelle import Gazelle
from gcdr.models.gazelle_config import GazelleConfig
from gcdr.models.kinds import GAZE_MODELS
from gcdr.models.named import kind_of
from gcdr.models.pdp import PDP, PDPConfig
from gcdr.models.sizes import (
    DenoiserConfig,
    TowersConfig,
    VATConfig,
    VideoDenoiserConfig,
    VideoVATConfig,
)
from gcdr.models.towers import GazeFeatures
from gcdr.models.vat import VAT
from gcdr.models.video_denoiser import VideoDenoiser
from gcdr.models.video_pdp import VideoPDP, VideoPDPConfig
from gcdr.models.video_vat import VideoVAT

pytestmark = pytest.mark.slow

KEYS = Path(__file__).parents[1] / "goldens/keys"
RELEASED = {
    "vat_spatial": "VAT", "vat_gc": "VAT-GC", "vat_video": "Video VAT",
    "gcdr_diffusion": "denoiser", "gcdr_diffusion_temporal": "video denoiser",
    "pdp_spatial": "PDP", "pdp_spatial_nodepth": "PDP", "pdp_video": "Video PDP",
    "gazelle_vitb14": "Gaze-LLE", "dinov2_vitb14": "vision transformer",
}  # fmt: skip
WORLD = Path(__file__).parents[2] / "assets/world"

MODELS: dict[str, tuple[str, Callable[[], torch.nn.Module]]] = {
    "vat": ("VAT", lambda: VAT(VATConfig.world())),
    "vat, paper": ("VAT", lambda: VAT(VATConfig.paper())),
    "vat-gc": ("VAT-GC", lambda: VAT(VATConfig.world(True))),
    "vat-gc, paper": ("VAT-GC", lambda: VAT(VATConfig.paper(True))),
    "video-vat": ("Video VAT", lambda: VideoVAT(VideoVATConfig.world())),
    "video-vat, paper": ("Video VAT", lambda: VideoVAT(VideoVATConfig.paper())),
    "pdp": ("PDP", lambda: PDP(PDPConfig.world())),
    "pdp, paper": ("PDP", lambda: PDP(PDPConfig.paper(depth=False))),
    "video-pdp": ("Video PDP", lambda: VideoPDP(VideoPDPConfig.world())),
    "towers": (contents.TOWERS, lambda: GazeFeatures(TowersConfig.world())),
    "denoiser": (contents.DENOISER, lambda: Denoiser(DenoiserConfig.world())),
    "denoiser, paper": (contents.DENOISER, lambda: Denoiser(DenoiserConfig.paper())),
    "video-denoiser": (contents.VIDEO_DENOISER, lambda: VideoDenoiser(VideoDenoiserConfig.world())),
    "mapping": (contents.BLIND, lambda: Denoiser(DenoiserConfig(features="none"))),
    "gazelle": ("Gaze-LLE", lambda: Gazelle(GazelleConfig.world())),
    "gazelle, paper": ("Gaze-LLE", lambda: Gazelle(GazelleConfig.paper(inout=True))),
    "frozen": (contents.SCENE_TOWER, lambda: build_backbone(GazelleConfig.world()).model),
    "dinov2": (contents.VIT, lambda: build_backbone(GazelleConfig.paper()).model),
    "resnet50": (contents.RESNET, resnet50),
    "detector": (contents.MASKS, lambda: build_detector(DetectorConfig.world())),
    "maskrcnn": (contents.MASKS, lambda: build_detector(DetectorConfig.coco())),
    "keypoints": (contents.KEYPOINTS, lambda: keypoint_detector(0.5)),
    "resnet18": ("122 tensors of another model, such as conv1.weight, bn1.weight", resnet18),
}
STARTS = {
    ("vat", "world"): {"vat", "vat-gc", "towers", "denoiser"},
    ("vat", "paper"): {"vat, paper", "vat-gc, paper", "denoiser, paper", "resnet50"},
    ("video-vat", "world"): {"video-vat", "vat", "vat-gc", "towers", "denoiser"},
    ("video-vat", "paper"): {
        *("video-vat, paper", "vat, paper", "vat-gc, paper", "denoiser, paper", "resnet50"),
    },
    ("denoiser", "world"): {"vat", "vat-gc", "towers", "denoiser"},
    ("denoiser", "paper"): {"vat, paper", "vat-gc, paper", "denoiser, paper", "resnet50"},
    ("gazelle", "world"): {"gazelle"},
    ("gazelle", "paper"): {"gazelle, paper"},
    ("gazelle", "large"): set(),
    ("pdp", "world"): {"pdp", "vat", "vat-gc", "towers", "denoiser"},
    ("pdp", "world-nodepth"): {"pdp", "vat", "vat-gc", "towers", "denoiser"},
    ("video-pdp", "world"): {"video-pdp", "pdp", "vat", "towers", "denoiser"},
    ("pdp", "paper"): {"pdp, paper", "vat, paper", "vat-gc, paper", "denoiser, paper", "resnet50"},
}
BACKBONES = {
    "world": {"frozen", "gazelle"},
    "paper": {"dinov2", "gazelle, paper"},
    "large": set(),
}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder, made = tmp_path_factory.mktemp("weights"), {}
    for number, (name, (_, build)) in enumerate(MODELS.items()):
        with torch.device("meta"):
            model = build()
        file = folder / str(number) / ("model.safetensors" if number % 2 else "model.pth")
        made[name] = write_shapes(file, shapes_of(model))
    return made


def test_models_are_told_by_names_and_sizes(files: dict[str, Path]) -> None:
    assert {name: what_is(tensor_shapes(file)) for name, file in files.items()} == {
        name: what for name, (what, _) in MODELS.items()
    }
    shipped = {
        path.parent.name: what_is(tensor_shapes(path)) for path in WORLD.glob("*/*.safetensors")
    }
    assert shipped == {
        "vqa": "OFA", "detector": "Mask R-CNN", "heads": "Mask R-CNN", "backbone": "towers of VAT",
        "frozen": "scene tower",
    }  # fmt: skip


def test_released_models_are_told_by_their_lists_of_tensors() -> None:
    for name, what in RELEASED.items():
        held = json.loads((KEYS / f"{name}.json").read_text())
        assert what_is({tensor: tuple(shape) for tensor, shape in held.items()}) == what


@pytest.mark.parametrize(("kind", "size"), STARTS)
def test_only_what_a_model_can_start_from_is_taken(
    files: dict[str, Path], kind: str, size: str
) -> None:
    taken = set()
    for name, file in files.items():
        try:
            check_first_weights(file, kind, size)
            taken.add(name)
        except InputError as error:
            assert "\n" not in str(error) and str(file) in str(error) and "expected" in str(error)
    assert taken == STARTS[kind, size]


@pytest.mark.parametrize("size", BACKBONES)
def test_only_a_frozen_backbone_is_taken_for_one(files: dict[str, Path], size: str) -> None:
    taken = set()
    for name, file in files.items():
        try:
            check_backbone_file(file, "gazelle", size)
            taken.add(name)
        except InputError as error:
            assert str(file) in str(error)
    assert taken == BACKBONES[size]


@pytest.mark.slow
def test_what_planning_knows_of_a_kind_is_what_its_module_does() -> None:
    for name, listed in GAZE_MODELS.items():
        kind = kind_of(name)
        for size in listed.sizes:
            with torch.device("meta"):
                needs = kind.build(kind.sizes[size](False)).needs
            assert (size in listed.depth, listed.frozen) == (needs.depth, needs.tokens)
        assert listed.frozen == (kind.load_backbone is not None)


@pytest.mark.parametrize(
    ("name", "size"), [(name, size) for name, kind in GAZE_MODELS.items() for size in kind.sizes]
)
def test_what_tells_a_size_is_what_its_tensors_are(name: str, size: str) -> None:
    about, kind = GAZE_MODELS[name], kind_of(name)
    for prior in (False, True)[: 1 + about.prior]:
        with torch.device("meta"):
            model = kind.build(kind.sizes[size](prior))
        own = shapes_of(model)
        assert what_is(own) == about.titled(prior)
        told = {tensor: shape for tensor, shape in about.marks[size].items() if tensor in own}
        assert told and all(own[tensor] == shape for tensor, shape in told.items())
        seen = [marks.items() <= own.items() for marks in about.prior_marks]
        assert any(seen) == prior
        assert (model.input_size, model.map_size) == about.sizes[size]
