"""Person detection with Mask R-CNN, and the match of head boxes to detected bodies.

Each image is detected once, however many people of the manifest are in it; each person then gets
the detected box that overlaps the head most, or none (Miao et al., ECCV 2024).
"""

import dataclasses
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, Literal, Self

import numpy as np
import pandas as pd
import torch
from PIL import Image
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torchvision.models.detection import MaskRCNN, maskrcnn_resnet50_fpn_v2
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.backbone_utils import BackboneWithFPN
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.models.detection.mask_rcnn import MaskRCNNHeads, MaskRCNNPredictor
from torchvision.models.resnet import BasicBlock
from torchvision.ops import Conv2dNormActivation, MultiScaleRoIAlign
from tqdm import tqdm

from gcdr.blocks import Blocks, shard_rows, work_key
from gcdr.errors import InputError
from gcdr.failures import Failures
from gcdr.files import read_json
from gcdr.jsonconfig import JsonConfig
from gcdr.manifest import BOX, people_digest, read_people, write_table
from gcdr.pictures import open_image

PERSON = 1  # of COCO's classes as torchvision counts them; 0 is the background
BODY = ["body_x0", "body_y0", "body_x1", "body_y1"]
Architecture = Literal["resnet50_fpn_v2", "small"]
Measure = Literal["head_area", "iou"]
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
        score_threshold: detections of a lower score are dropped (0.6 in the paper).
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
        for name, value in dataclasses.asdict(self).items():
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


def load_detector(weights: str | Path, config: DetectorConfig | None = None) -> MaskRCNN:
    """A detector for boxes, in evaluation mode on the CPU.

    Its mask branch, which has parameters but no part in the boxes, is loaded and switched off.

    Args:
        weights: ``.safetensors``, or a ``.pth`` state dictionary (as torchvision publishes them),
            which is read without running any code in it.
        config: its sizes; None reads ``config.json`` beside the weights.

    Raises:
        InputError: a file is absent or unreadable, or weights and sizes do not fit.
    """
    weights = Path(weights)
    if config is None:
        path = weights.with_name("config.json")
        config = DetectorConfig.from_json(read_json(path), str(path))
    detector = build_detector(config).eval()
    try:
        detector.load_state_dict(_read_weights(weights), strict=True)
    except RuntimeError as error:
        fault = str(error).splitlines()[1].strip()
        raise InputError(
            f"{weights}: does not fit a {config.architecture!r} detector of this size: {fault}"
        ) from error
    detector.roi_heads.mask_roi_pool = None
    return detector


def _read_weights(path: Path) -> dict[str, Tensor]:
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        return torch.load(path, map_location="cpu", weights_only=True)
    except UnpicklingError as error:
        raise InputError(f"{path}: found more than tensors in it, so it is not opened") from error
    except (SafetensorError, RuntimeError, ValueError, EOFError, KeyError, OSError) as error:
        raise InputError(f"{path}: not a readable weight file ({error})") from error


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


def match_bodies(
    head_boxes: np.ndarray,
    body_boxes: np.ndarray,
    scores: np.ndarray,
    threshold: float = 0.5,
    measure: Measure = "head_area",
) -> tuple[np.ndarray, np.ndarray]:
    """For each head the body that "maximally overlaps" it (Miao et al., ECCV 2024).

    Of equal overlaps the higher score wins, then the smaller box. Heads are matched one by one, so
    two heads may get the same body, as the paper's rule has it.

    Args:
        head_boxes: (n, 4) x0, y0, x1, y1.
        body_boxes: (m, 4) in the same units.
        scores: (m,) of the bodies.
        threshold: a smaller overlap is no match; no overlap never is one. The paper names none.
        measure: overlap as intersection over the head's area, or over the union.

    Returns:
        index (n,) int64 into the bodies, -1 for none; and the greatest overlap (n,) in 0..1.
    """
    if not len(body_boxes):
        return np.full(len(head_boxes), -1), np.zeros(len(head_boxes))
    overlap = _overlap(head_boxes, body_boxes, measure)
    preference = np.lexsort((_area(body_boxes), -scores))
    index = preference[overlap[:, preference].argmax(1)]
    best = np.take_along_axis(overlap, index[:, None], 1)[:, 0]
    return np.where((best >= threshold) & (best > 0), index, -1), best


def _overlap(heads: np.ndarray, bodies: np.ndarray, measure: Measure) -> np.ndarray:
    """(n, m) overlaps; 0 for heads without area."""
    low = np.maximum(heads[:, None, :2], bodies[None, :, :2])
    high = np.minimum(heads[:, None, 2:], bodies[None, :, 2:])
    shared = np.clip(high - low, 0, None).prod(2)
    whole = np.broadcast_to(_area(heads)[:, None], shared.shape)
    if measure == "iou":
        whole = whole + _area(bodies) - shared
    return np.divide(shared, whole, out=np.zeros_like(shared), where=whole > 0)


def _area(boxes: np.ndarray) -> np.ndarray:
    return np.clip(boxes[:, 2:] - boxes[:, :2], 0, None).prod(1)


def detect_bodies(
    people: pd.DataFrame,
    root: Path,
    detector: MaskRCNN,
    *,
    threshold: float = 0.5,
    measure: Measure = "head_area",
) -> pd.DataFrame:
    """Body boxes of the people in one batch of images; who is in one that cannot be read gets none.

    Args:
        people: the columns of ``gcdr.manifest.PEOPLE``.
        root: folder that ``image`` is relative to.
        detector: of ``load_detector``, on the device to compute on.
        threshold: least overlap of a head with its body.
        measure: see ``match_bodies``. The part of a head outside the image counts for nothing.

    Returns:
        one row a person in the order of ``people``: ``sample_id``, ``body_x0 body_y0 body_x1
        body_y1`` (pixels) and ``score``, which are NaN where no body was found, ``detected``, and
        ``problem``: why the image could not be read or is not of the manifest's size, else empty.
    """
    rows = people.reset_index(drop=True).groupby("image", sort=True).indices
    size = people[["width", "height"]].to_numpy(int)
    heads = np.clip(people[BOX].to_numpy(float), 0, size[:, [0, 1, 0, 1]])
    bodies = np.full((len(people), 5), np.nan)
    problem, images = np.full(len(people), "", object), {}
    for name, own in rows.items():
        try:
            images[name] = open_image(root / name, tuple(size[own[0]].tolist()))
        except InputError as error:
            problem[own] = str(error)
    detected = detect(detector, list(images.values()))
    for name, (boxes, scores) in zip(images, detected, strict=True):
        index, _ = match_bodies(heads[rows[name]], boxes, scores, threshold, measure)
        found = rows[name][index >= 0]
        bodies[found] = np.column_stack([boxes, scores])[index[index >= 0]]
    table = pd.DataFrame(bodies, columns=[*BODY, "score"])
    table.insert(0, "sample_id", people["sample_id"].to_numpy())
    return table.assign(detected=table["score"].notna(), problem=problem)


def detect_people(
    manifest: Path,
    images: Path,
    weights: Path,
    given: Path | None,
    settings: dict[str, Any],
    shard: int,
    shards: int,
    failures: float,
    device: torch.device,
    out: Path,
) -> None:
    """Find the bodies of a shard's people and write the table of :func:`detect_bodies`.

    A shard is a run of images in the order of their names, in whole batches, so that the number of
    shards never changes a batch. Batches that are done are kept until the shard is whole.

    Args:
        manifest: the manifest.
        images: folder that image names are relative to.
        weights: of the detector, ``config.json`` beside them.
        given: bodies that came with the data set; these people are not detected. Or None.
        settings: ``batch``, images detected together, and ``overlap``, least share of a head in its body.
        shard: 1..shards.
        shards: number of shards.
        failures: share of the shard's people whose image may fail, 0 to 1.
        device: where to compute.
        out: the shard.

    Raises:
        InputError: more failed, or the weights cannot be read.
    """
    people, batch = read_people(manifest), settings["batch"]
    digest, files = people_digest(people), [weights, weights.with_name("config.json")]
    if given is not None:
        people = people[~people["sample_id"].isin(pd.read_parquet(given)["sample_id"])]
        files.append(given)
    names, image = np.unique(people["image"].to_numpy(str), return_inverse=True)
    rows = shard_rows(len(names), batch, shard, shards)
    detector = load_detector(weights).to(device)
    blocks = Blocks.of(out, rows, batch, work_key(settings, digest, files, __file__, device))
    failed = Failures("not detected", int(np.isin(image, rows).sum()), failures)
    left = blocks.left(lambda part: (pd.read_parquet(part)["problem"] == "").all())
    title = f"detecting people, shard {shard} of {shards}"
    for start in tqdm(left, title, unit="batch", mininterval=5):
        asked = people[(image >= start) & (image < min(start + batch, rows.stop))]
        found = detect_bodies(asked, images, detector, threshold=settings["overlap"])
        for person in found[found["problem"] != ""].itertuples():
            failed.add([person.sample_id], person.problem)
        write_table(found, blocks.parts[start])
    _write_together([pd.read_parquet(part) for part in blocks.parts.values()], out)
    blocks.remove()


def merge_bodies(shards: Sequence[Path], given: Path | None, out: Path) -> None:
    """Put the shards of :func:`detect_people`, and the bodies that were given, into one table."""
    came = [] if given is None else [pd.read_parquet(given).assign(problem="")]
    bodies = _write_together([*came, *map(pd.read_parquet, shards)], out)
    print(f"{sum(map(len, came))} people came with the data set's own detections")
    print(f"bodies found for {int(bodies['detected'].sum())} of {len(bodies)} people")


def _write_together(tables: Sequence[pd.DataFrame], out: Path) -> pd.DataFrame:
    """Tables of bodies as one, by ``sample_id``."""
    filled = [table for table in tables if len(table)] or tables[:1]
    whole = pd.concat(filled).sort_values("sample_id")
    write_table(whole, out)
    return whole
