"""Heads by torchvision's Keypoint R-CNN: the box of a head from the keypoints of its face."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from gcdr.base.download import check_digest
from gcdr.base.errors import InputError
from gcdr.base.unpickling import read_torch
from gcdr.detection.from_torchvision import (
    FrozenBatchNorm2d,
    KeypointRCNN,
    pil_to_tensor,
    resnet_fpn_backbone,
)
from gcdr.detection.overlap import distinct

# Where nose, left and right eye, left and right ear lie in an adult's head, in cm to its left, down and
# forward from the middle between the ears: round figures of an average one.
FACE = np.array([[0, 2, 12], [3.2, -2, 8.5], [-3.2, -2, 8.5], [7.2, 0, 0], [-7.2, 0, 0]])
APART = np.linalg.norm(FACE[:, None] - FACE, axis=2)
CROWN, HEIGHT = -13.0, 23.0  # cm down from the ears; cm from crown to chin
WEIGHT = np.array([1, 1, 1, 3, 3])  # in the mean of the points: the ears lie at the head's middle
SEEN = 2.0  # least score (a logit) of a visible keypoint, as Detectron draws them
SAME = 0.5  # IoU above which two boxes are one head


def head_box(points: np.ndarray, scores: np.ndarray, body: np.ndarray) -> np.ndarray | None:
    """The box of a head from the keypoints of its face: a square, as high as the head.

    A picture shows distances shortened, never lengthened. So of the distances between visible points,
    each over its length in ``FACE``, the largest tells the head's size best, whichever way it is turned.
    With one visible point the size is told by how far it lies below the top of the body's box, and is at
    most that box's shorter side. The centre is the mean of the visible points, an ear counting thrice.

    Args:
        points: (5, 2) nose, left eye, right eye, left ear, right ear in pixels.
        scores: (5,) of the points; visible are those of at least ``SEEN``.
        body: (4,) the person's box in pixels.

    Returns:
        (4,) float64 x0, y0, x1, y1 in pixels, which may reach beyond the picture; None where no point
        is visible, or where they leave no size (all in one place, or above the body).
    """
    seen = np.flatnonzero(scores >= SEEN)
    if not len(seen):
        return None
    if len(seen) > 1:
        one, other = np.triu_indices(len(seen), 1)
        one, other = seen[one], seen[other]
        scale = (np.linalg.norm(points[one] - points[other], axis=1) / APART[one, other]).max()
    else:
        scale = (points[seen[0], 1] - body[1]) / (FACE[seen[0], 1] - CROWN)
        scale = min(scale, (body[2:] - body[:2]).min() / HEIGHT)
    if scale <= 0:
        return None
    centre = np.average(points[seen], axis=0, weights=WEIGHT[seen])
    return np.concatenate([centre - scale * HEIGHT / 2, centre + scale * HEIGHT / 2])


def keypoint_detector(score: float) -> KeypointRCNN:
    """torchvision's Keypoint R-CNN, untrained and in evaluation mode; people below ``score`` are dropped.

    ``keypointrcnn_resnet50_fpn`` builds the normalisation that its own weights have (frozen, without an
    epsilon) only when it downloads them itself.
    """
    frozen = partial(FrozenBatchNorm2d, eps=0.0)
    backbone = resnet_fpn_backbone(backbone_name="resnet50", weights=None, norm_layer=frozen)
    return KeypointRCNN(backbone, num_classes=2, box_score_thresh=score).eval()


def load_keypoints(path: Path, score: float) -> KeypointRCNN:
    """That detector with torchvision's published weights.

    Raises:
        InputError: the file cannot be read, or is of another model.
    """
    check_digest(path)
    state, detector = read_torch(path), keypoint_detector(score)
    try:
        detector.load_state_dict(state)
    except (RuntimeError, TypeError) as error:
        raise InputError(
            f"{path}: found another model, expected torchvision's keypointrcnn_resnet50_fpn"
        ) from error
    return detector


@torch.inference_mode()
def find_by_faces(
    detector: KeypointRCNN, images: Sequence[Image.Image]
) -> list[tuple[np.ndarray, np.ndarray]]:
    """A :data:`gcdr.detection.panorama.Finder` by Keypoint R-CNN: heads of people whose face is seen,
    best first.

    Of two heads with an IoU above ``SAME``, which are one person found twice, the better one is kept.
    """
    device = next(detector.parameters()).device
    outputs = detector([pil_to_tensor(image).to(device) / 255 for image in images])
    return [_faces({key: value.cpu() for key, value in output.items()}) for output in outputs]


def _faces(output: Mapping[str, torch.Tensor]) -> tuple[np.ndarray, np.ndarray]:
    """Head boxes and scores from what Keypoint R-CNN says of one picture."""
    points, visible, bodies, scores = (
        output[key].double().numpy() for key in ("keypoints", "keypoints_scores", "boxes", "scores")
    )
    face = slice(len(FACE))  # the first of COCO's seventeen
    boxes = [
        head_box(points[row, face, :2], visible[row, face], bodies[row])
        for row in range(len(bodies))
    ]
    seen = [row for row, box in enumerate(boxes) if box is not None]
    heads, scores = np.array([boxes[row] for row in seen]).reshape(-1, 4), scores[seen]
    kept = distinct(heads, scores, SAME)
    return heads[kept], scores[kept]
