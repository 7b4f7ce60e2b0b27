"""Mask R-CNN as a detector of persons or heads: sizes, weights, and detection in a batch of images."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, Self

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from gcdr.base.download import check_digest
from gcdr.base.errors import InputError
from gcdr.base.files import CHECKPOINTS, read_json
from gcdr.base.jsonconfig import JsonConfig
from gcdr.base.tensors import read_tensors
from gcdr.base.unpickling import read_torch
from gcdr.detection.from_torchvision import (
    AnchorGenerator,
    BackboneWithFPN,
    BasicBlock,
    Conv2dNormActivation,
    FastRCNNPredictor,
    MaskRCNN,
    MaskRCNNHeads,
    MaskRCNNPredictor,
    MultiScaleRoIAlign,
    TwoMLPHead,
    maskrcnn_resnet50_fpn_v2,
)

PERSON = 1  # of COCO's classes as torchvision counts them; 0 is the background
Architecture = Literal["resnet50_fpn_v2", "small"]
ROI_SIZE = 7  # bins on a side that a region is pooled to for the box head, as in Mask R-CNN


@dataclass(frozen=True)
class DetectorConfig(JsonConfig):
    """Sizes and thresholds of a Mask R-CNN.

    Attributes:
        architecture: ``"resnet50_fpn_v2"`` takes torchvision's COCO weights and none of the sizes
            marked "small"; ``"small"`` is the demo world's.
        classes: number of classes with the background; persons are class 1.
        min_size: images are resized so that their short side has this many pixels,
        max_size: unless the long side then had more than this.
        score_threshold: detections of a lower score are dropped (0.6 in the released code, not in the paper).
        detections: highest number of detections of an image.
        proposals: highest number of regions of an image that are classified.
        widths: small: channels of the stem and of the three residual blocks (strides 2, 4, 8, 16).
        pyramid: small: channels of the feature pyramid.
        box_width: small: units of the two layers of the box head.
        mask_width: small: channels of the mask head.
        anchors: small: anchor sizes in pixels of the resized image, one for each pyramid level
            (strides 8, 16, 32).
    """

    architecture: Architecture = "resnet50_fpn_v2"
    classes: int = 91
    min_size: int = 800
    max_size: int = 1333
    score_threshold: float = 0.6
    detections: int = 100
    proposals: int = 1000
    widths: tuple[int, ...] = (16, 24, 48, 96)
    pyramid: int = 24
    box_width: int = 96
    mask_width: int = 16
    anchors: tuple[int, ...] = (28, 44, 64)

    @classmethod
    def coco(cls) -> Self:
        """torchvision's ``maskrcnn_resnet50_fpn_v2``, the successor of the paper's detector.

        Its weights (``MaskRCNN_ResNet50_FPN_V2_Weights.COCO_V1``) load from the published ``.pth``.
        """
        return cls()

    @classmethod
    def world(cls) -> Self:
        """The demo world's: 5 to 7 ms for a 320x240 image on one thread of a CPU."""
        return cls("small", 2, 120, 160, detections=8, proposals=30)

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            default = getattr(DetectorConfig, name)
            if isinstance(default, tuple) and (len(value) != len(default) or min(value) <= 0):
                expected = f"{len(default)} positive whole numbers"
            elif isinstance(default, int) and value <= 0:
                expected = "a positive whole number"
            elif isinstance(default, float) and not 0 <= value <= 1:
                expected = "a number in 0..1"
            else:
                continue
            raise InputError(f"{name}: found {value!r}, expected {expected}")


def build_detector(config: DetectorConfig) -> MaskRCNN:
    """An untrained detector in training mode; its weights come from torch's global generator."""
    limits = {
        "min_size": config.min_size,
        "max_size": config.max_size,
        "rpn_post_nms_top_n_test": config.proposals,
        "box_score_thresh": config.score_threshold,
        "box_detections_per_img": config.detections,
    }
    if config.architecture == "resnet50_fpn_v2":
        return maskrcnn_resnet50_fpn_v2(
            weights=None, weights_backbone=None, num_classes=config.classes, **limits
        )
    levels = ["0", "1"]
    # Boxes above the largest anchor are pooled from stride 16, smaller ones from stride 8.
    scales = {"canonical_scale": config.anchors[-1], "canonical_level": 4}
    return MaskRCNN(
        _small_backbone(config),
        rpn_anchor_generator=AnchorGenerator(
            tuple((size,) for size in config.anchors), ((1.0, 2.0, 3.0),) * len(config.anchors)
        ),
        # Few candidates: non-maximum suppression is most of what a small image costs.
        rpn_pre_nms_top_n_test=4 * config.proposals,
        rpn_pre_nms_top_n_train=400,
        rpn_post_nms_top_n_train=200,
        rpn_batch_size_per_image=64,
        box_batch_size_per_image=32,
        box_roi_pool=MultiScaleRoIAlign(levels, ROI_SIZE, 2, **scales),
        box_head=TwoMLPHead(config.pyramid * ROI_SIZE**2, config.box_width),
        box_predictor=FastRCNNPredictor(config.box_width, config.classes),
        mask_roi_pool=MultiScaleRoIAlign(levels, ROI_SIZE, 2, **scales),
        mask_head=MaskRCNNHeads(config.pyramid, [config.mask_width], 1),
        mask_predictor=MaskRCNNPredictor(config.mask_width, config.mask_width, config.classes),
        **limits,
    )


def _small_backbone(config: DetectorConfig) -> BackboneWithFPN:
    """A stem and three residual blocks, of which the last two (strides 8, 16) feed the pyramid."""
    body: OrderedDict[str, nn.Module] = OrderedDict()
    body["stem"] = Conv2dNormActivation(3, config.widths[0], 3, stride=2)
    for number, (inner, outer) in enumerate(
        zip(config.widths, config.widths[1:], strict=False), start=1
    ):
        shortcut = Conv2dNormActivation(inner, outer, 1, stride=2, activation_layer=None)
        body[f"layer{number}"] = BasicBlock(inner, outer, stride=2, downsample=shortcut)
    return BackboneWithFPN(
        nn.Sequential(body),
        return_layers={"layer2": "0", "layer3": "1"},
        in_channels_list=list(config.widths[2:]),
        out_channels=config.pyramid,
    )


def detector_files(weights: Path) -> list[Path]:
    """The files that decide a detector: a checkpoint, or weights and sizes in a folder."""
    weights = weights / "model.safetensors" if weights.is_dir() else weights
    published = weights.suffix in CHECKPOINTS
    return [weights] if published else [weights, weights.with_name("config.json")]


def load_detector(weights: str | Path, config: DetectorConfig | None = None) -> MaskRCNN:
    """A detector for boxes, in evaluation mode on the CPU.

    Its mask branch, which has parameters but no part in the boxes, is loaded and switched off.

    Args:
        weights: ``model.safetensors``, its folder, or a ``.pth`` state dictionary (as torchvision
            publishes them), which is read without running any code in it.
        config: its sizes; None reads ``config.json`` beside the weights, and takes COCO's for a ``.pth``.

    Raises:
        InputError: a file is absent or unreadable, or weights and sizes do not fit.
    """
    weights, *sizes = detector_files(Path(weights))
    if config is None and sizes:
        config = DetectorConfig.from_json(read_json(sizes[0]), str(sizes[0]))
    elif config is None:
        check_digest(weights)
        config = DetectorConfig.coco()
    detector = build_detector(config).eval()
    try:
        detector.load_state_dict(_read_weights(weights), strict=True)
    except (RuntimeError, TypeError) as error:
        fault = str(error).splitlines()[-1].strip()
        raise InputError(
            f"{weights}: does not fit a {config.architecture!r} detector of this size: {fault}"
        ) from error
    detector.roi_heads.mask_roi_pool = None
    return detector


def _read_weights(path: Path) -> dict[str, Tensor]:
    return read_torch(path) if path.suffix in CHECKPOINTS else read_tensors(path)


@torch.inference_mode()
def detect(
    detector: MaskRCNN, images: Sequence[Image.Image | np.ndarray]
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Detect the persons of one batch of images.

    In a picture so narrow that the detector's resizing would leave nothing of it there is nobody.

    Args:
        detector: in evaluation mode.
        images: RGB, PIL or uint8 (H, W, 3); sizes may differ. They are padded to a common size, so
            the last bits of a result depend on the batch.

    Returns:
        for each image boxes (n, 4) float64 in its pixels and scores (n,) float64, best first.
    """
    device = next(detector.parameters()).device
    found = [(np.empty((0, 4)), np.empty(0))] * len(images)
    batch = {}
    for place, image in enumerate(images):
        pixels = np.array(image)
        sides = sorted(pixels.shape[:2])
        if sides[0] * detector.transform.max_size > sides[1]:
            batch[place] = torch.from_numpy(pixels).to(device).permute(2, 0, 1) / 255
    outputs = detector(list(batch.values())) if batch else []
    for place, output in zip(batch, outputs, strict=True):
        person = output["labels"] == PERSON
        boxes, scores = output["boxes"][person].cpu(), output["scores"][person].cpu()
        found[place] = boxes.double().numpy(), scores.double().numpy()
    return found
