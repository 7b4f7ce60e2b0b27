"""Heads in pictures that come without a table of head boxes.

Three detectors stand behind one interface, a function of a batch of pictures: a Mask R-CNN whose class 1
is a head, such as the demo world's, and for photographs CenterFace (:mod:`gcdr.detection.centerface`), or
torchvision's Keypoint R-CNN, from whose keypoints of the face (COCO's nose, eyes and ears) a head box is
computed.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from PIL import Image
from torchvision.models.detection import KeypointRCNN
from torchvision.models.detection.backbone_utils import resnet_fpn_backbone
from torchvision.ops import FrozenBatchNorm2d, nms
from torchvision.transforms.functional import pil_to_tensor
from tqdm import tqdm

from gcdr.base.csvtext import write_csv
from gcdr.base.download import check_digest
from gcdr.base.errors import InputError
from gcdr.base.files import CHECKPOINTS, read_json
from gcdr.base.unpickling import read_torch
from gcdr.data.manifest import BOX
from gcdr.data.pictures import open_image
from gcdr.datasets.layout import describe_left_out, left_out, picture_names
from gcdr.detection.centerface import CenterFace
from gcdr.detection.detector import detect, load_detector
from gcdr.detection.shipped import CENTERFACE

# For each picture boxes (n, 4) float64 in its pixels and scores (n,) float64 in 0..1.
Finder = Callable[[Sequence[Image.Image]], list[tuple[np.ndarray, np.ndarray]]]

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


def load_finder(weights: Path, score: float, device: torch.device) -> Finder:
    """A detector of heads.

    Args:
        weights: "centerface", or torchvision's Keypoint R-CNN (``.pth``,
            ``KeypointRCNN_ResNet50_FPN_Weights.COCO_V1``), or the folder of a Mask R-CNN of heads as
            ``gcdr.world.weights.detectors`` writes it.
        score: detections of a lower score (0..1) are dropped; a head found by its face has the
            score of the person.
        device: where to compute.

    Raises:
        InputError: a file is absent or unreadable, or is of a model that does not find heads.
    """
    if str(weights) == CENTERFACE:
        return CenterFace(score)
    if weights.suffix in CHECKPOINTS:
        return partial(find_by_faces, _load_keypoints(weights, score).to(device))
    detector, card = load_detector(weights / "model.safetensors").to(device), weights / "card.json"
    found = read_json(card)
    if not isinstance(found, dict) or found.get("finds") != "heads":
        raise InputError(f'{card}: not of a detector of heads; expected the entry "finds": "heads"')
    detector.roi_heads.score_thresh = score
    return partial(detect, detector)


def keypoint_detector(score: float) -> KeypointRCNN:
    """torchvision's Keypoint R-CNN, untrained and in evaluation mode; people below ``score`` are dropped.

    ``keypointrcnn_resnet50_fpn`` builds the normalisation that its own weights have (frozen, without an
    epsilon) only when it downloads them itself.
    """
    frozen = partial(FrozenBatchNorm2d, eps=0.0)
    backbone = resnet_fpn_backbone(backbone_name="resnet50", weights=None, norm_layer=frozen)
    return KeypointRCNN(backbone, num_classes=2, box_score_thresh=score).eval()


def _load_keypoints(path: Path, score: float) -> KeypointRCNN:
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
    """A :data:`Finder` by Keypoint R-CNN: heads of the people of whose face something is seen, best first.

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
    distinct = nms(torch.from_numpy(heads), torch.from_numpy(scores), SAME).numpy()
    return heads[distinct], scores[distinct]


@dataclass(frozen=True)
class Found:
    """What was found in a folder of pictures.

    Attributes:
        heads: one row a head, sorted: ``image`` (relative to the folder), the columns of ``BOX`` in
            pixels of the upright picture and within it, and ``score`` (0..1).
        without: pictures in which no head was found.
        unreadable: pictures that cannot be read, with the reason.
        left_out: pictures of a kind or a name that is not looked at, with the reason.
    """

    heads: pd.DataFrame
    without: list[str]
    unreadable: dict[str, str]
    left_out: dict[str, str]

    def lines(self, weights: str) -> Iterator[str]:
        """Which pictures are left out and why, and a summary that names the detector."""
        yield from (f"skipped: {reason}" for reason in self.unreadable.values())
        if self.left_out:
            yield describe_left_out(self.left_out)
        yield from (f"no head found: {name}" for name in self.without)
        images = self.heads["image"].nunique()
        yield (
            f"{len(self.heads):,} heads found by {weights} in {images:,} pictures, none in "
            f"{len(self.without):,}; {len(self.unreadable):,} could not be read"
        )


def find_heads(folder: Path, finder: Finder, batch: int) -> Found:
    """Find the heads in all pictures of a folder, and of the folders in it.

    Args:
        folder: the pictures, see :func:`gcdr.datasets.layout.picture_names`.
        finder: of :func:`load_finder`.
        batch: pictures that are looked at together, in the order of their names; it decides the last
            bits of a box.

    Raises:
        InputError: there is no folder, or no picture in it.
    """
    names, left = picture_names(folder), left_out(folder)
    if not names:
        raise InputError(
            f"{folder}: no picture in this folder or those in it that can be read; "
            f"{describe_left_out(left) or 'expected at least one'}"
        )
    rows: list[tuple[str | float, ...]] = []
    without: list[str] = []
    unreadable: dict[str, str] = {}
    with tqdm(total=len(names), desc="finding heads", unit="picture", mininterval=5) as progress:
        for start in range(0, len(names), batch):
            chunk = names[start : start + batch]
            images = _read(folder, chunk, unreadable)
            found = finder(list(images.values())) if images else []
            for (name, image), (boxes, scores) in zip(images.items(), found, strict=True):
                heads = _within(boxes, scores, image.size)
                rows += [(name, *head) for head in heads]
                without += [] if heads else [name]
            progress.update(len(chunk))
    heads = pd.DataFrame(rows, columns=["image", *BOX, "score"])
    return Found(heads.sort_values(["image", *BOX], ignore_index=True), without, unreadable, left)


def _read(folder: Path, names: Sequence[str], unreadable: dict[str, str]) -> dict[str, Image.Image]:
    """The pictures that can be read, by name; why the others cannot is added to ``unreadable``."""
    images = {}
    for name in names:
        try:
            images[name] = open_image(folder / name)
        except InputError as error:
            unreadable[name] = str(error)
    return images


def _within(boxes: np.ndarray, scores: np.ndarray, size: tuple[int, int]) -> list[list[float]]:
    """Boxes within their picture and scores, as they are written; none of less than a pixel."""
    inside = np.clip(boxes, 0, [*size, *size]).round(2)
    large = (inside[:, 2:] - inside[:, :2] >= 1).all(1)
    return np.column_stack([inside, scores.round(4)])[large].tolist()


def write_heads(
    images: Path, out: Path, weights: Path, *, score: float, device: torch.device, batch: int = 16
) -> Found:
    """Find the heads in a folder's pictures and write them as the table that an own folder needs.

    Args:
        images: their folder, see :func:`find_heads`.
        out: the CSV: ``image,head_x0,head_y0,head_x1,head_y1,score``.
        weights: see :func:`load_finder`.
        score: see :func:`load_finder`.
        device: see :func:`load_finder`.
        batch: see :func:`find_heads`.

    Raises:
        InputError: as those two do, or no head was found in any picture.
    """
    found = find_heads(images, load_finder(weights, score, device), batch)
    if found.heads.empty:
        raise InputError(
            f"{images}: {weights} found no head with a score of {score} or more "
            f"({len(found.without)} pictures without, {len(found.unreadable)} unreadable); expected at "
            "least one. Take a lower score or other weights, or give a table of head boxes"
        )
    write_csv(found.heads, out)
    return found
