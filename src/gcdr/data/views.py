"""Views of people: one geometry moves scene, head box, head crop, gaze and heatmaps together.

A view is a window of the image, a flip, a jitter of the head box and of the colours. The whole batch is
transformed at once on the device it lies on.
"""

from dataclasses import dataclass, replace
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from gcdr.data.crops import HEAD_MARGIN, HEAD_PADDING

MEAN = (0.485, 0.456, 0.406)  # ImageNet statistics, as VAT
STD = (0.229, 0.224, 0.225)
HeadMask = Literal["padded", "box"]


@dataclass(frozen=True)
class View:
    """How each of N people is looked at.

    Attributes:
        window: (N, 4) the part of the image that is shown, x0, y0, x1, y1 in 0..1.
        flip: (N,) bool, left and right exchanged.
        padding: (N,) by how much of its size the head box is grown on each side: for the crop, and for
            a mask that shows the same.
        colour: (N, 3) factors of brightness, contrast and saturation.
    """

    window: Tensor
    flip: Tensor
    padding: Tensor
    colour: Tensor


def plain_view(count: int, device: torch.device) -> View:
    """The whole image as it is."""
    window = torch.tensor([0.0, 0, 1, 1], device=device).repeat(count, 1)
    return View(
        window,
        torch.zeros(count, dtype=torch.bool, device=device),
        torch.full((count,), HEAD_PADDING, device=device),
        torch.ones(count, 3, device=device),
    )


def random_view(head_box: Tensor, gaze: Tensor, rng: torch.Generator) -> View:
    """Draw the reference's augmentations (GCDR's released recipe), each with probability one half.

    Head-box jitter grows the box by up to 10 %; the crop keeps head and gaze and is drawn for
    labelled people only (those whose gaze is known); flip; brightness and contrast 0.5..1.5,
    saturation 0..1.5.

    Args:
        head_box: (N, 4) in 0..1.
        gaze: (N, 2) in 0..1, NaN where unknown.
        rng: CPU generator; the draws do not depend on the device.
    """
    count, device = len(head_box), head_box.device
    coin = (torch.rand(count, 4, generator=rng) < 0.5).to(device)
    draw = torch.rand(count, 8, generator=rng).to(device)
    whole = torch.tensor([0.0, 0, 1, 1], device=device)
    known = ~torch.isnan(gaze).any(1)
    point = torch.where(known[:, None], gaze, head_box[:, :2])
    low = torch.minimum(head_box[:, :2], point).clamp(0, 1)
    high = torch.maximum(head_box[:, 2:], point).clamp(0, 1)
    window = torch.cat([low * draw[:, :2], high + (1 - high) * draw[:, 2:4]], 1)
    window = torch.where((coin[:, 1] & known)[:, None], window, whole)
    colour = torch.stack([0.5 + draw[:, 5], 0.5 + draw[:, 6], 1.5 * draw[:, 7]], 1)
    return View(
        window,
        coin[:, 2],
        HEAD_PADDING + 0.1 * draw[:, 4] * coin[:, 0],
        torch.where(coin[:, 3:], colour, torch.ones_like(colour)),
    )


def whole_image(view: View) -> View:
    """A view, but of the whole image in its own colours: what tokens of an image can show."""
    plain = plain_view(len(view.flip), view.window.device)
    return replace(view, window=plain.window, colour=plain.colour)


def view_points(points: Tensor, view: View) -> Tensor:
    """Where points (N, 2) in 0..1 of the image come to lie in the view."""
    size = view.window[:, 2:] - view.window[:, :2]
    moved = (points - view.window[:, :2]) / size
    x = torch.where(view.flip, 1 - moved[:, 0], moved[:, 0])
    return torch.stack([x, moved[:, 1]], 1)


def view_boxes(box: Tensor, view: View) -> Tensor:
    """Where boxes (N, 4) in 0..1 of the image come to lie in the view."""
    first, second = view_points(box[:, :2], view), view_points(box[:, 2:], view)
    return torch.cat([torch.minimum(first, second), torch.maximum(first, second)], 1)


def view_maps(maps: Tensor, view: View) -> Tensor:
    """Heatmaps (N, H, W) as seen in the view; what lies outside the image is zero."""
    return _sample(maps[:, None], view.window, view.flip, maps.shape[-1])[:, 0]


def view_images(images: Tensor, view: View) -> Tensor:
    """Images (M, 3, S, S) in 0..1 as seen in M views: the same shape, normalised."""
    seen = _sample(images, view.window, view.flip, images.shape[-1])
    return _normalise(_recolour(seen, view.colour))


def view_crops(head: Tensor, view: View, size: int) -> Tensor:
    """Head crops (N, 3, size, size), normalised, of head boxes with their cached margin (N, 3, C, C)."""
    inset = (HEAD_MARGIN - view.padding) / (1 + 2 * HEAD_MARGIN)
    window = torch.stack([inset, inset, 1 - inset, 1 - inset], 1)
    return _normalise(_recolour(_sample(head, window, view.flip, size), view.colour))


def view_masks(head_box: Tensor, view: View, size: int, head_mask: HeadMask) -> Tensor:
    """Head masks (N, 1, size, size) of boxes (N, 4) in 0..1 of the image, as seen in the view.

    ``head_mask`` tells what they show, see :class:`gcdr.models.sizes.TowersConfig`.
    """
    shown = _grown(head_box, view.padding) if head_mask == "padded" else head_box
    return head_masks(view_boxes(shown, view), size)


def _grown(box: Tensor, share: Tensor) -> Tensor:
    """Boxes (N, 4) grown by a share (N,) of their size on every side; they may leave the image."""
    margin = share[:, None] * (box[:, 2:] - box[:, :2])
    return torch.cat([box[:, :2] - margin, box[:, 2:] + margin], 1)


def head_masks(head_box: Tensor, size: int) -> Tensor:
    """(N, 1, size, size) float masks, 1 where a cell touches the box (so never empty inside the image)."""
    edge = torch.arange(size, device=head_box.device, dtype=head_box.dtype) / size
    width = 1 / size
    column = (edge + width > head_box[:, None, 0]) & (edge < head_box[:, None, 2])
    row = (edge + width > head_box[:, None, 1]) & (edge < head_box[:, None, 3])
    return (row[:, :, None] & column[:, None, :]).float()[:, None]


def _sample(picture: Tensor, window: Tensor, flip: Tensor, size: int) -> Tensor:
    """Bilinear samples of a window of each picture at ``size``; black beyond the edges."""
    if (
        picture.shape[-1] == size
        and not flip.any()
        and bool((window == window.new_tensor([0, 0, 1, 1])).all())
    ):
        return picture
    extent = window[:, 2:] - window[:, :2]
    centre = window[:, 2:] + window[:, :2] - 1
    sign = torch.where(flip, -1.0, 1.0)
    theta = torch.zeros(len(picture), 2, 3, device=picture.device)
    theta[:, 0, 0], theta[:, 1, 1] = extent[:, 0] * sign, extent[:, 1]
    theta[:, :, 2] = centre
    grid = F.affine_grid(theta, [len(picture), 1, size, size], align_corners=False)
    return F.grid_sample(picture, grid, align_corners=False)


def _recolour(picture: Tensor, colour: Tensor) -> Tensor:
    # In place where a result is used once: most of the cost is memory, not arithmetic.
    factor = colour[:, :, None, None, None]
    grey_weights = picture.new_tensor([0.299, 0.587, 0.114])[:, None, None]
    bright = (picture * factor[:, 0]).clamp_(0, 1)
    mean = (bright * grey_weights).sum(1, keepdim=True).mean((2, 3), keepdim=True)
    contrasted = bright.sub_(mean).mul_(factor[:, 1]).add_(mean).clamp_(0, 1)
    grey = (contrasted * grey_weights).sum(1, keepdim=True)
    return contrasted.sub_(grey).mul_(factor[:, 2]).add_(grey).clamp_(0, 1)


def _normalise(picture: Tensor) -> Tensor:
    mean, std = (picture.new_tensor(values)[:, None, None] for values in (MEAN, STD))
    return (picture - mean).div_(std)
