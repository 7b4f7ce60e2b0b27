"""Pretraining the frozen backbone of the demo world, in the place that DINOv2 has on photographs.

One network sees a picture once and knows of nobody that is asked about. It learns what the two towers of
the world's VAT have learned (:mod:`gcdr.world.weights.tower_lessons`): the nouns of captions, and the
directions of rendered heads. Where anybody looks *to* it never sees.
"""

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gcdr.base.seeds import derive, torch_rng
from gcdr.base.tensors import write_tensors
from gcdr.data.views import view_boxes, view_images
from gcdr.models.backbone import SceneTower
from gcdr.models.build import WEIGHTS_FILE
from gcdr.models.sizes import TowersConfig
from gcdr.training.loop import Recipe, fit, shuffled
from gcdr.world.lessons import FrozenRecipe
from gcdr.world.style import NOUNS, STYLES
from gcdr.world.weights.tower_lessons import Faces, colour_view, draw_faces, figures


class Probe(nn.Module):
    """What is asked of the backbone's cells: nouns of the whole picture, and where a head is turned."""

    def __init__(self, backbone: SceneTower) -> None:
        super().__init__()
        self.network = backbone.model.requires_grad_(True)
        self.vote = nn.Conv2d(backbone.channels, len(NOUNS), 1)
        self.point = nn.Linear(backbone.channels, 2)

    def forward(self, images: Tensor, head_box: Tensor) -> tuple[Tensor, Tensor]:
        """Of images (N, 3, S, S) and a head box (N, 4) in each: votes (N, nouns), directions (N, 2)."""
        features = self.network.scene_features(images, torch.zeros_like(images[:, :1]))
        inside = covered(head_box, features.shape[-1])[:, None]  # (N, 1, cells, cells)
        head = (features * inside).sum((2, 3)) / inside.sum((2, 3)).clamp_min(1)
        return self.vote(features).flatten(2).logsumexp(2), self.point(head)


def covered(head_box: Tensor, cells: int) -> Tensor:
    """(N, cells, cells) float, 1 where the middle of a cell lies in the box (N, 4) in 0..1."""
    middle = (torch.arange(cells, device=head_box.device) + 0.5) / cells
    x0, y0, x1, y1 = head_box[:, :, None].unbind(1)
    column, row = (middle > x0) & (middle < x1), (middle > y0) & (middle < y1)
    return (row[:, :, None] & column[:, None, :]).float()


def make_frozen(
    recipe: FrozenRecipe, seed: int, device: torch.device, workers: int, out: Path
) -> None:
    """Pretrain, measure on further scenes of both styles, and write the backbone with its card."""
    size = TowersConfig.frozen().input_size
    faces = draw_faces("web", seed, recipe.scenes, size, workers)
    torch.manual_seed(derive(seed, "frozen backbone"))
    lesson = Probe(SceneTower(TowersConfig.frozen()))
    lesson = lesson.to(device, memory_format=torch.channels_last)
    order = shuffled(torch.arange(len(faces.nouns)).numpy(), recipe.batch, seed, "frozen backbone")

    def loss_of_step(step: int) -> Tensor:
        rows = order(step)
        rng = torch_rng(seed, "frozen backbone view", step)
        images, box, flip = _seen(faces, rows, rng, device)
        votes, towards = lesson(images, box)
        nouns = F.binary_cross_entropy_with_logits(votes, faces.nouns[rows].to(device))
        truth = faces.direction[rows].to(device)
        truth = torch.where(flip[:, None], truth * truth.new_tensor([-1, 1]), truth)
        return nouns + (1 - F.cosine_similarity(towards, truth)).mean()

    training = Recipe(recipe.steps, recipe.batch, recipe.lr)
    trained = fit(lesson, loss_of_step, training, out / "log.csv", "frozen backbone")
    measured = {}
    for style in STYLES:
        test = draw_faces(style, seed + 1, recipe.test_scenes, size, workers)
        measured[style] = _measured(trained, test, device)
    tensors = {
        name: (value.half() if value.is_floating_point() else value).cpu().contiguous()
        for name, value in trained.network.state_dict().items()
    }
    card = {
        "what": "frozen backbone of the demo world, pretrained on nouns and head directions",
        "towers": TowersConfig.frozen().to_json(),
        "recipe": recipe.to_json(),
        "seed": seed,
        "learned_from": f"{len(faces.nouns)} people in scenes of the style 'web'",
        "measured": measured,
        "measured_on": f"people of {recipe.test_scenes} further scenes of each style",
    }
    write_tensors(out / WEIGHTS_FILE, tensors, card, "card.json")


@torch.inference_mode()
def _measured(lesson: nn.Module, faces: Faces, device: torch.device) -> dict[str, float]:
    parts = []
    for rows in torch.arange(len(faces.nouns)).split(256):
        images, box, _ = _seen(faces, rows, None, device)
        parts.append([answer.cpu() for answer in lesson(images, box)])
    votes, towards = (torch.cat(part) for part in zip(*parts, strict=True))
    return figures(votes, towards, faces)


def _seen(
    faces: Faces, rows: Tensor, rng: torch.Generator | None, device: torch.device
) -> tuple[Tensor, Tensor, Tensor]:
    """Images (N, 3, S, S), head boxes (N, 4) and flips (N,) of people in a random view, or as they are."""
    view = colour_view(len(rows), rng, device)
    images, _ = view_images(faces.scene[rows].to(device).float() / 255, view)
    return images, view_boxes(faces.head_box[rows].to(device), view), view.flip
