"""How far away everything of a scene is, as the renderer has it and as a monocular estimator would see it."""

import numpy as np
from PIL import Image

from gcdr.world.pen import MaskPen
from gcdr.world.render import back_to_front, paint_item
from gcdr.world.scene import Scene

COARSE = 4  # pixels a side of what an estimator tells apart
BEND = 0.35  # of the logarithm of the power that bends the scale
DRIFT = 0.06  # standard deviation of what drifts over the picture
CELLS = 6  # of that drift, along each side


def scene_depth(scene: Scene, width: int, height: int) -> np.ndarray:
    """Inverse depth of a scene, stretched to 0..1.

    The floor is a plane seen in perspective, on which inverse depth grows linearly from the wall (0) down the
    picture; what stands on it is as near as the line that it stands on, which also decides what hides what.

    Returns:
        (height, width) float32, 1 nearest.
    """
    image = Image.new("L", (width, height), 0)
    pen = MaskPen(image, width / scene.style.aspect, float(height))
    items = back_to_front(scene)
    for number, (_, item) in enumerate(items, start=1):
        pen.value = number
        paint_item(pen, item)
    row = (np.arange(height) + 0.5) / height
    floor = np.broadcast_to(np.maximum(row, scene.room.horizon)[:, None], (height, width))
    lines = np.array([0.0, *(line for line, _ in items)])
    labels = np.asarray(image)
    near = np.where(labels > 0, lines[labels], floor) - scene.room.horizon
    near = near.clip(0)
    return (near / near.max()).astype(np.float32)


def estimated(depth: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Depth (H, W) in 0..1 as an estimator would give it: on a scale of its own, blurred, and drifting.

    Returns:
        (H, W) float32, stretched to 0..1.
    """
    height, width = depth.shape
    small = max(1, width // COARSE), max(1, height // COARSE)
    coarse = Image.fromarray(depth).resize(small, Image.Resampling.BILINEAR)
    blurred = coarse.resize((width, height), Image.Resampling.BILINEAR)
    drift = Image.fromarray(rng.normal(0, DRIFT, (CELLS, CELLS)).astype(np.float32))
    smooth = np.asarray(drift.resize((width, height), Image.Resampling.BICUBIC))
    bent = np.asarray(blurred).clip(0, 1) ** np.exp(rng.normal(0, BEND)) + smooth
    return ((bent - bent.min()) / (bent.max() - bent.min())).astype(np.float32)
