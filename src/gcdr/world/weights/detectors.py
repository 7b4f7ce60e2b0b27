"""Training of the demo world's detectors, of people and of heads, on rendered scenes.

They stand in for detectors that were trained on photographs: the pictures are of the "web" style that
the world's VQA model is trained on, and share no scene with any demo data set.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save
from torch import Tensor
from tqdm import tqdm

from gcdr.base.device import pick_device
from gcdr.base.files import atomic, file_digest, write_sealed
from gcdr.base.seeds import derive, numpy_rng
from gcdr.base.tensors import DIGEST
from gcdr.detection.bodies import match_bodies
from gcdr.detection.detector import PERSON, DetectorConfig, build_detector, detect, load_detector
from gcdr.detection.from_torchvision import MaskRCNN, box_iou
from gcdr.detection.shipped import DRAWINGS
from gcdr.world.lessons import DetectorRecipe
from gcdr.world.render import person_masks, render
from gcdr.world.scene import draw_scene
from gcdr.world.style import STYLES

MIN_VISIBLE = 30  # pixels; a person of whom less is seen is no target
GRADIENT_NORM = 5.0


@dataclass(frozen=True)
class TrainingScene:
    """A rendered scene, and what is to be found in it.

    Attributes:
        image: (H, W, 3) uint8.
        masks: (P, H, W) bool, of the people of whom something is seen, or of their heads.
        boxes: (P, 4) float32, the masks' bounds in pixels, or the head boxes.
        heads: (P, 4) float64, the same people's head boxes in pixels.
    """

    image: np.ndarray
    masks: np.ndarray
    boxes: np.ndarray
    heads: np.ndarray


@dataclass(frozen=True)
class Accuracy:
    """Of detections at the detector's score threshold; a hit has an IoU of 0.5 with the truth.

    Attributes:
        people: people in the scenes.
        recall: hits over people.
        precision: hits over detections.
        mean_iou: of the hits.
    """

    people: int
    recall: float
    precision: float
    mean_iou: float


@dataclass(frozen=True)
class Matched:
    """Of the match of head boxes to detected people.

    Attributes:
        heads_matched: share of the people whose head box got a body.
        heads_matched_right: share whose head box got their own body (IoU of at least 0.5).
    """

    heads_matched: float
    heads_matched_right: float


def train_world_detector(
    out_dir: str | Path,
    finds: str = "people",
    seed: int = 0,
    recipe: DetectorRecipe | None = None,
    device: str = "auto",
) -> dict[str, Accuracy]:
    """Train a detector of the demo world and measure it on scenes it has not seen.

    Writes ``model.safetensors`` (float16, read back as float32), ``config.json`` and ``card.json``
    (how it was made and how good it is). On a CPU the weights depend on the arguments alone.

    Args:
        out_dir: folder, replaced when training has succeeded.
        finds: a key of ``TARGETS``: ``"people"`` or ``"heads"``.
        seed: of scenes, weights and batches.
        recipe: how it is trained (AdamW with a one-cycle schedule) and measured; None takes the defaults.
        device: of ``gcdr.base.device.pick_device``.

    Returns:
        accuracy by style.
    """
    recipe = recipe or DetectorRecipe()
    config = DetectorConfig.world()
    place = pick_device(device)
    size = {"width": recipe.width, "height": recipe.height}
    draw = partial(draw_examples, seed, **size, finds=finds)
    training = draw(range(recipe.scenes), "web")
    with torch.random.fork_rng(devices=[place] if place.type == "cuda" else []):
        torch.manual_seed(derive(seed, "detector weights"))
        detector = build_detector(config).to(place)
        fit_detector(detector, training, seed, recipe.steps, recipe.batch, recipe.learning_rate)
    with atomic(out_dir) as folder:
        folder.mkdir()
        weights = folder / "model.safetensors"
        weights.write_bytes(save(_compact(detector.state_dict())))
        write_sealed(folder / "config.json", config.to_json())
        stored = load_detector(weights).to(place)
        others = range(recipe.scenes, recipe.scenes + recipe.held_out)
        unseen = {style: draw(others, style) for style in ("web", "gaze")}
        accuracy = {style: measure(stored, examples) for style, examples in unseen.items()}
        measured = {style: asdict(entry) for style, entry in accuracy.items()}
        if finds == "people":
            for style, examples in unseen.items():
                measured[style] |= asdict(measure_match(stored, examples))
        card = {
            "command": f"gcdr.world.weights.detectors.train_world_detector"
            f"(out_dir, {finds!r}, {seed}, {recipe})",
            "finds": finds,
            DRAWINGS: True,
            DIGEST: file_digest(weights),
            "settings": {"seed": seed, **recipe.to_json()},
            "data": f"{recipe.scenes} scenes of gcdr.world in style 'web', made by this package",
            "device": place.type,
            "torch": torch.__version__,
            "held_out": measured,
        }
        write_sealed(folder / "card.json", card)
    return accuracy


def heads_only(example: TrainingScene) -> TrainingScene:
    """The scene with its heads to be found; a head's mask is what is seen of the person in its box."""
    height, width = example.image.shape[:2]
    x, y = np.arange(width) + 0.5, np.arange(height)[:, None] + 0.5
    x0, y0, x1, y1 = example.heads.T[:, :, None, None]
    inside = (x0 < x) & (x < x1) & (y0 < y) & (y < y1)
    return replace(example, masks=example.masks & inside, boxes=example.heads.astype(np.float32))


TARGETS: dict[str, Callable[[TrainingScene], TrainingScene]] = {
    "people": lambda example: example,
    "heads": heads_only,
}


def draw_examples(
    seed: int, indices: Sequence[int], style: str, width: int, height: int, finds: str = "people"
) -> list[TrainingScene]:
    """Render scenes with the masks and boxes of what is to be found: a key of ``TARGETS``."""
    return [
        TARGETS[finds](draw_example(derive(seed, "detector scenes"), index, style, width, height))
        for index in tqdm(indices, f"drawing {style!r}", unit="scene", mininterval=5)
    ]


def draw_example(seed: int, index: int, style: str, width: int, height: int) -> TrainingScene:
    """One scene; see ``TrainingScene``."""
    scene = draw_scene(seed, index, STYLES[style])
    masks = person_masks(scene, width, height)
    heads = np.array([person.head_box for person in scene.people]).reshape(-1, 4)
    seen = masks.sum((1, 2)) >= MIN_VISIBLE
    masks, heads = masks[seen], heads[seen] * np.array([width, height, width, height])
    boxes = np.array([_bounds(mask) for mask in masks], np.float32).reshape(-1, 4)
    return TrainingScene(render(scene, width, height), masks, boxes, heads)


def _bounds(mask: np.ndarray) -> tuple[int, int, int, int]:
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return columns[0], rows[0], columns[-1] + 1, rows[-1] + 1


def fit_detector(
    detector: MaskRCNN,
    examples: Sequence[TrainingScene],
    seed: int,
    steps: int,
    batch: int,
    learning_rate: float,
) -> list[float]:
    """Train in place with Mask R-CNN's losses, summed; returns the loss of each step."""
    device = next(detector.parameters()).device
    optimizer = torch.optim.AdamW(detector.parameters(), learning_rate, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, learning_rate, total_steps=steps)
    detector.train()
    history = []
    for step in (progress := tqdm(range(steps), "training", unit="step", mininterval=5)):
        rng = numpy_rng(seed, "detector batch", step)
        chosen = rng.choice(len(examples), batch, replace=len(examples) < batch)
        views = [augment(examples[index], rng) for index in chosen]
        images = [image.to(device) for image, _ in views]
        targets = [
            {name: value.to(device) for name, value in target.items()} for _, target in views
        ]
        loss = sum(detector(images, targets).values())
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(detector.parameters(), GRADIENT_NORM)
        optimizer.step()
        schedule.step()
        history.append(loss.item())
        progress.set_postfix(loss=f"{history[-1]:.3f}", refresh=False)
    detector.eval()
    return history


def augment(example: TrainingScene, rng: np.random.Generator) -> tuple[Tensor, dict[str, Tensor]]:
    """A training view: mirrored every second time, in other colours.

    Exposure, white balance and, every second time, the order of the channels are drawn, so that the
    detector goes by shape and stands a change of palette.

    Returns:
        image (3, H, W) float32 in 0..1; target with ``boxes`` (P, 4), ``labels`` (P,) and ``masks``
        (P, H, W) as torchvision's detectors take them.
    """
    gain = (rng.uniform(0.6, 1.2) * rng.uniform(0.8, 1.2, 3)).astype(np.float32)
    image = (example.image * (gain / 255)).clip(0, 1)
    if rng.random() < 0.5:
        image = image[:, :, rng.permutation(3)]
    masks, boxes = example.masks, example.boxes
    if rng.random() < 0.5:
        width = image.shape[1]
        image, masks = image[:, ::-1], masks[:, :, ::-1]
        boxes = np.stack([width - boxes[:, 2], boxes[:, 1], width - boxes[:, 0], boxes[:, 3]], 1)
    target = {
        "boxes": torch.from_numpy(boxes),
        "labels": torch.full((len(boxes),), PERSON),
        "masks": torch.from_numpy(masks.astype(np.uint8)),
    }
    return torch.from_numpy(image.transpose(2, 0, 1).copy()), target


def measure(detector: MaskRCNN, examples: Sequence[TrainingScene], batch: int = 16) -> Accuracy:
    """How well a detector finds what is to be found in ``examples``."""
    people = detections = 0
    hits: list[float] = []
    for example, boxes, _ in _detections(detector, examples, batch):
        people += len(example.boxes)
        detections += len(boxes)
        hits += _hits(_overlaps(example, boxes))
    return Accuracy(
        people=people,
        recall=len(hits) / max(people, 1),
        precision=len(hits) / max(detections, 1),
        mean_iou=float(np.mean(hits)) if hits else 0.0,
    )


def measure_match(
    detector: MaskRCNN, examples: Sequence[TrainingScene], batch: int = 16
) -> Matched:
    """How well the people that a detector finds in ``examples`` are matched to their heads."""
    people = matched = right = 0
    for example, boxes, scores in _detections(detector, examples, batch):
        index, _ = match_bodies(example.heads, boxes, scores)
        found = np.flatnonzero(index >= 0)
        people += len(index)
        matched += len(found)
        right += int((_overlaps(example, boxes)[found, index[found]] >= 0.5).sum())
    return Matched(matched / max(people, 1), right / max(people, 1))


def _detections(
    detector: MaskRCNN, examples: Sequence[TrainingScene], batch: int
) -> Iterator[tuple[TrainingScene, np.ndarray, np.ndarray]]:
    """Each example with the boxes and scores that a detector finds in it."""
    for start in range(0, len(examples), batch):
        chunk = examples[start : start + batch]
        found = detect(detector, [example.image for example in chunk])
        yield from ((example, *pair) for example, pair in zip(chunk, found, strict=True))


def _overlaps(example: TrainingScene, boxes: np.ndarray) -> np.ndarray:
    """(P, n) IoU of what is to be found and what was found."""
    return box_iou(torch.from_numpy(example.boxes).double(), torch.from_numpy(boxes)).numpy()


def _hits(iou: np.ndarray) -> list[float]:
    """IoU of the hits: detections, best first, each take the best target still free."""
    iou = iou.copy()
    hits = []
    for column in range(iou.shape[1]):
        row = int(iou[:, column].argmax()) if len(iou) else 0
        if len(iou) and iou[row, column] >= 0.5:
            hits.append(float(iou[row, column]))
            iou[row] = 0
    return hits


def _compact(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Floats as float16, on the CPU."""
    return {
        name: (value.half() if value.is_floating_point() else value).cpu().contiguous()
        for name, value in state.items()
    }
