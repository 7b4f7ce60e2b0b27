"""Pretraining the two towers of the world's gaze models, as VAT's own initial weights are pretrained.

VAT starts from a scene tower trained for scene recognition and a head tower trained for gaze on other
data. Here the scene tower learns which nouns a picture's caption holds and the head tower the direction
of other rendered heads. Neither ever sees where anybody looks *to*; the VQA model never sees directions.
"""

from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn
from tqdm import tqdm

from gcdr.base.seeds import derive, torch_rng
from gcdr.base.tensors import write_tensors
from gcdr.data.crops import HEAD_PADDING, grow
from gcdr.data.views import View, view_images, view_masks
from gcdr.models.build import WEIGHTS_FILE
from gcdr.models.sizes import TowersConfig
from gcdr.models.towers import GazeFeatures
from gcdr.training.loop import Recipe, fit, shuffled
from gcdr.world.lessons import BackboneRecipe
from gcdr.world.render import render
from gcdr.world.scene import draw_scene
from gcdr.world.style import NOUNS, STYLES

WIDTH, HEIGHT = 320, 240
HEAD_MASK = TowersConfig.world().head_mask  # as in the models that start from these towers


@dataclass(frozen=True)
class Faces:
    """One row a person: scene (N, 3, S, S) and head (N, 3, S, S) uint8, head_box (N, 4) in 0..1,
    nouns (N, 12) float of the scene, direction (N, 2) unit vector of the gaze in the picture."""

    scene: Tensor
    head: Tensor
    head_box: Tensor
    nouns: Tensor
    direction: Tensor


def draw_faces(style: str, seed: int, scenes: int, size: int, workers: int) -> Faces:
    """Draw scenes of a style for pretraining."""
    with ProcessPoolExecutor(workers) as pool:
        parts = pool.map(partial(_draw, style, seed, size), range(scenes), chunksize=32)
        rows = [
            row for part in tqdm(parts, f"drawing {style}", scenes, mininterval=10) for row in part
        ]
    return Faces(*(torch.from_numpy(np.stack(column)) for column in zip(*rows, strict=True)))


def _draw(style: str, seed: int, size: int, index: int) -> list[tuple[np.ndarray, ...]]:
    scene = draw_scene(seed, index, STYLES[style])
    picture = Image.fromarray(render(scene, WIDTH, HEIGHT, supersample=1))
    small = np.asarray(picture.resize((size, size), Image.Resampling.BILINEAR)).transpose(2, 0, 1)
    held = {thing.noun for thing in scene.things}
    nouns = np.array([noun in held for noun in NOUNS], np.float32)
    rows = []
    for person in scene.people:
        box = np.array([person.head_box], np.float32)
        region = grow(box * [WIDTH, HEIGHT, WIDTH, HEIGHT], HEAD_PADDING)[0]
        crop = picture.transform(
            (size, size), Image.Transform.EXTENT, tuple(region), Image.Resampling.BILINEAR
        )
        towards = np.array([np.cos(person.direction), np.sin(person.direction)], np.float32)
        rows.append((small, np.asarray(crop).transpose(2, 0, 1), box[0], nouns, towards))
    return rows


def pretrain_towers(
    faces: Faces,
    config: TowersConfig,
    recipe: BackboneRecipe,
    seed: int,
    device: torch.device,
    log: Path,
) -> tuple[dict[str, Tensor], nn.Module, nn.Module]:
    """Train both towers.

    Returns:
        the towers' tensors by VAT's names, and the two pretrained networks for measuring.
    """
    torch.manual_seed(derive(seed, "backbone weights"))
    features = GazeFeatures(config).to(device, memory_format=torch.channels_last)
    channels = config.tower_channels
    scene = _SceneVoter(features, channels, len(NOUNS)).to(device)
    head = _HeadCompass(features, channels).to(device)

    def batches(purpose: str):
        order = shuffled(np.arange(len(faces.nouns)), recipe.batch, seed, purpose)

        def batch(step: int) -> tuple[Tensor, Tensor, Tensor, np.ndarray, Tensor]:
            rows = order(step)
            view = colour_view(len(rows), torch_rng(seed, f"{purpose} view", step), device)
            parts = (faces.scene[rows], faces.head[rows], faces.head_box[rows])
            pictures = (parts[0].to(device).float() / 255, parts[1].to(device).float() / 255)
            box = parts[2].to(device)
            return (*_inputs(*pictures, box, view), rows, view.flip)

        return batch

    scene_batch, head_batch = batches("scene tower"), batches("head tower")

    def scene_loss(step: int) -> Tensor:
        seen, _, mask, rows, _ = scene_batch(step)
        return F.binary_cross_entropy_with_logits(scene(seen, mask), faces.nouns[rows].to(device))

    def head_loss(step: int) -> Tensor:
        _, crop, _, rows, flip = head_batch(step)
        towards = faces.direction[rows].to(device)
        towards = torch.where(flip[:, None], towards * towards.new_tensor([-1, 1]), towards)
        return (1 - F.cosine_similarity(head(crop), towards)).mean()

    scene_recipe = Recipe(recipe.scene_steps, recipe.batch, recipe.lr)
    head_recipe = Recipe(recipe.head_steps, recipe.batch, recipe.lr)
    scene = fit(scene, scene_loss, scene_recipe, log / "scene.csv", "scene tower")
    head = fit(head, head_loss, head_recipe, log / "head.csv", "head tower")
    towers = {**_tower_tensors(scene.features, "scene"), **_tower_tensors(head.features, "face")}
    return towers, scene, head


def make_backbone(
    recipe: BackboneRecipe, seed: int, device: torch.device, workers: int, out: Path
) -> None:
    """Pretrain, measure on further scenes of both styles, and write the towers with their card."""
    config = TowersConfig.world()
    size = config.input_size
    faces = draw_faces("web", seed, recipe.scenes, size, workers)
    towers, scene, head = pretrain_towers(faces, config, recipe, seed, device, out)
    figures = {
        style: measure_towers(
            draw_faces(style, seed + 1, recipe.test_scenes, size, workers), scene, head, device
        )
        for style in STYLES
    }
    tensors = {
        name: tensor.cpu().half().contiguous() if tensor.is_floating_point() else tensor.cpu()
        for name, tensor in towers.items()
    }
    card = {
        "what": "towers of the demo world's gaze models, pretrained on nouns and head directions",
        "towers": config.to_json(),
        "recipe": recipe.to_json(),
        "seed": seed,
        "learned_from": f"{len(faces.nouns)} people in scenes of the style 'web'",
        "measured": figures,
        "measured_on": f"people of {recipe.test_scenes} further scenes of each style",
    }
    write_tensors(out / WEIGHTS_FILE, tensors, card, "card.json")


@torch.inference_mode()
def measure_towers(
    faces: Faces, scene: nn.Module, head: nn.Module, device: torch.device
) -> dict[str, float]:
    """Figures for the card: average precision of the nouns, median angle of the directions (degrees)."""
    view = colour_view(len(faces.nouns), None, device)
    pictures = (faces.scene.to(device).float() / 255, faces.head.to(device).float() / 255)
    seen, crop, mask = _inputs(*pictures, faces.head_box.to(device), view)
    votes, towards = scene(seen, mask).cpu(), head(crop).cpu()
    return figures(votes, towards, faces)


def figures(votes: Tensor, towards: Tensor, faces: Faces) -> dict[str, float]:
    """Figures for a card: average precision of votes (N, nouns), median angle of directions (N, 2)."""
    order = votes.argsort(0, descending=True)
    hits = faces.nouns.gather(0, order)
    precision = hits.cumsum(0) / torch.arange(1, len(hits) + 1)[:, None]
    average = (precision * hits).sum(0) / hits.sum(0).clamp_min(1)
    angle = F.cosine_similarity(towards, faces.direction).clamp(-1, 1).acos().rad2deg()
    return {
        "noun_average_precision": round(float(average.mean()), 4),
        "head_direction_median_degrees": round(float(angle.median()), 2),
    }


class _SceneVoter(nn.Module):
    """Cells vote for nouns; the votes of a picture are pooled (multiple-instance learning)."""

    def __init__(self, features: GazeFeatures, channels: int, nouns: int) -> None:
        super().__init__()
        self.features, self.vote = features, nn.Conv2d(channels, nouns, 1)

    def forward(self, scene: Tensor, mask: Tensor) -> Tensor:
        return self.vote(self.features.scene_features(scene, mask)).flatten(2).logsumexp(2)


class _HeadCompass(nn.Module):
    """The direction of a head in the picture."""

    def __init__(self, features: GazeFeatures, channels: int) -> None:
        super().__init__()
        self.features, self.point = features, nn.Linear(channels, 2)

    def forward(self, crop: Tensor) -> Tensor:
        return self.point(self.features.head_features(crop).mean((2, 3)))


def _tower_tensors(features: GazeFeatures, tower: str) -> dict[str, Tensor]:
    return {
        name: t
        for name, t in features.state_dict().items()
        if name.split(".")[0].endswith(f"_{tower}")
    }


def colour_view(count: int, rng: torch.Generator | None, device: torch.device) -> View:
    """The whole picture, flipped and recoloured at random (as it is without ``rng``)."""
    window = torch.tensor([0.0, 0, 1, 1], device=device).repeat(count, 1)
    padding = torch.full((count,), HEAD_PADDING, device=device)
    if rng is None:
        flip, colour = torch.zeros(count, dtype=torch.bool), torch.ones(count, 3)
    else:
        flip = torch.rand(count, generator=rng) < 0.5
        colour = 0.6 + 0.8 * torch.rand(count, 3, generator=rng)
    return View(window, flip.to(device), padding, colour.to(device))


def _inputs(scene: Tensor, head: Tensor, box: Tensor, view: View) -> tuple[Tensor, Tensor, Tensor]:
    """Scene, head crop and head mask; unlike those of a cache, the head crops carry no margin."""
    (seen, _), (crop, _) = view_images(scene, view), view_images(head, view)
    return seen, crop, view_masks(box, view, scene.shape[-1], HEAD_MASK)
