"""Views of people: one geometry moves scene, head box, head crop, gaze and heatmaps together.

A view is a window of the image, a flip, a jitter of the head box and of the colours. The whole batch is
transformed at once on the device it lies on; only the windows of scenes are cut before, from larger
pictures than a batch holds (:mod:`gcdr.data.originals`).
"""

from dataclasses import dataclass, replace
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from gcdr.data.crops import HEAD_MARGIN, HEAD_PADDING
from gcdr.data.heatmaps import minmax

MEAN = (0.485, 0.456, 0.406)  # ImageNet statistics, as VAT
STD = (0.229, 0.224, 0.225)
Colours = tuple[tuple[float, ...], tuple[float, ...]]
"""Mean and standard deviation by which the three colours are normalised."""
IMAGENET: Colours = (MEAN, STD)
HeadMask = Literal["padded", "box"]
MOST_HIDDEN = 0.5  # of the window's side, in a strong view


@dataclass(frozen=True)
class View:
    """How each of N people is looked at.

    Attributes:
        window: (N, 4) the part of the image that is shown, x0, y0, x1, y1 in 0..1.
        flip: (N,) bool, left and right exchanged.
        padding: (N,) by how much of its size the head box is grown on each side: for the crop, and for
            a mask that shows the same.
        colour: (N, 3) factors of brightness, contrast and saturation.
        hidden: (N, 4) a part of the window that is not shown, x0, y0, x1, y1 in 0..1 of the window, nothing
            where all are 0; None: all of it is shown.
    """

    window: Tensor
    flip: Tensor
    padding: Tensor
    colour: Tensor
    hidden: Tensor | None = None

    @property
    def cropped(self) -> Tensor:
        """(N,) bool: who sees a part of the image."""
        return (self.window != self.window.new_tensor([0, 0, 1, 1])).any(1)


def plain_view(count: int, device: torch.device, padding: float = HEAD_PADDING) -> View:
    """The whole image as it is; head boxes are grown by ``padding``."""
    window = torch.tensor([0.0, 0, 1, 1], device=device).repeat(count, 1)
    return View(
        window,
        torch.zeros(count, dtype=torch.bool, device=device),
        torch.full((count,), padding, device=device),
        torch.ones(count, 3, device=device),
    )


def random_view(
    head_box: Tensor,
    gaze: Tensor,
    rng: torch.Generator,
    track: Tensor | None = None,
    padding: float = HEAD_PADDING,
) -> View:
    """Draw the reference's augmentations (GCDR's released recipe), each with probability one half.

    Head-box jitter grows the box by up to 10 %; the crop keeps the padded head and the gaze and is drawn
    for labelled people only (those whose gaze is known); flip; brightness and contrast 0.5..1.5,
    saturation 0..1.5. A crop ends at the image's edge.

    Args:
        head_box: (N, 4) in 0..1.
        gaze: (N, 2) in 0..1, NaN where unknown.
        rng: CPU generator; the draws do not depend on the device.
        track: (N,) int64 from 0 on, ascending: frames of one track are seen alike, in a crop that keeps all
            its heads and gaze points, if these are known. None: everybody is seen apart.
        padding: of head boxes, before they are jittered.
    """
    device = head_box.device
    count = len(head_box) if track is None else int(track[-1]) + 1
    coin = (torch.rand(count, 4, generator=rng) < 0.5).to(device)
    draw = torch.rand(count, 8, generator=rng).to(device)
    whole = torch.tensor([0.0, 0, 1, 1], device=device)
    if track is not None:
        coin, draw = coin[track], draw[track]
    known = ~torch.isnan(gaze).any(1)
    grown = padding + 0.1 * draw[:, 4] * coin[:, 0]
    head = _grown(head_box, grown)
    point = torch.where(known[:, None], gaze, head[:, :2])
    low = torch.minimum(head[:, :2], point).clamp(0, 1)
    high = torch.maximum(head[:, 2:], point).clamp(0, 1)
    if track is not None:
        low, high = _of_track(low, track, "amin"), _of_track(high, track, "amax")
        known = _of_track(known.float(), track, "amin") > 0
    window = torch.cat([low * draw[:, :2], high + (1 - high) * draw[:, 2:4]], 1)
    some = (window[:, 2:] - window[:, :2] > 1e-4).all(
        1
    )  # of a head at the very edge nothing is left
    window = torch.where((coin[:, 1] & known & some)[:, None], window, whole)
    colour = torch.stack([0.5 + draw[:, 5], 0.5 + draw[:, 6], 1.5 * draw[:, 7]], 1)
    return View(
        window,
        coin[:, 2],
        grown,
        torch.where(coin[:, 3:], colour, torch.ones_like(colour)),
    )


def weak_view(view: View, padding: float = HEAD_PADDING) -> View:
    """The same window and flip, in its own colours and with the head box grown by ``padding`` alone."""
    plain = plain_view(len(view.flip), view.window.device, padding)
    return replace(plain, window=view.window, flip=view.flip)


def strong_view(
    view: View,
    changed: Tensor,
    rng: torch.Generator,
    track: Tensor | None = None,
    padding: float = HEAD_PADDING,
) -> View:
    """The same window and flip, everything else changed further: nothing is left to a coin.

    Colours and head box are always jittered, as far as in :func:`random_view`, and of the picture a square is
    hidden whose side is at most half of the window's (Cutout). The head crop is cut from the whole picture.

    Args:
        view: of N people.
        changed: (N,) bool, whose view is changed; the others' stays.
        rng: CPU generator.
        track, padding: as in :func:`random_view`.
    """
    device = view.window.device
    count = len(view.flip) if track is None else int(track[-1]) + 1
    draw = torch.rand(count, 7, generator=rng).to(device)
    draw = draw if track is None else draw[track]
    colour = torch.stack([0.5 + draw[:, 0], 0.5 + draw[:, 1], 1.5 * draw[:, 2]], 1)
    half = draw[:, 4:5] * MOST_HIDDEN / 2
    hidden = torch.cat([draw[:, 5:] - half, draw[:, 5:] + half], 1)
    each = changed[:, None]
    return View(
        view.window,
        view.flip,
        torch.where(changed, padding + 0.1 * draw[:, 3], view.padding),
        torch.where(each, colour, view.colour),
        torch.where(each, hidden, torch.zeros_like(hidden)),
    )


def _of_track(values: Tensor, track: Tensor, which: Literal["amin", "amax"]) -> Tensor:
    """Everybody's smallest or largest value (N, ...) in their track (N,)."""
    index = track.view(-1, *[1] * (values.ndim - 1)).expand_as(values)
    extreme = torch.zeros_like(values).scatter_reduce(0, index, values, which, include_self=False)
    return extreme[track]


def whole_image(view: View) -> View:
    """A view, but of the whole image in its own colours: what tokens of an image can show."""
    plain = plain_view(len(view.flip), view.window.device)
    return replace(view, window=plain.window, colour=plain.colour, hidden=None)


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


def view_depth(depth: Tensor, view: View) -> Tensor:
    """Depth maps (M, S, S) of whole images as seen in M views, (M, 1, S, S)."""
    return _sample(depth[:, None], view.window, view.flip, depth.shape[-1])


def view_priors(maps: Tensor, view: View) -> Tensor:
    """Prior maps (N, G, G) as seen in the view and stretched to [0, 1] there, as the release does: a crop
    that leaves a map's peak outside has a peak of its own. A map that is flat in it is zero."""
    return minmax(view_maps(maps, view))[0]


def view_images(images: Tensor, view: View, colours: Colours = IMAGENET) -> tuple[Tensor, Tensor]:
    """Images as seen in M views, normalised, and their grey.

    Args:
        images: (M, 3, S, S) in 0..1, each of them its view's window already.
        view: flips and colours them, and hides a part.
        colours: statistics by which they are normalised.

    Returns:
        images (M, 3, S, S), and (M, 1, 1, 1) the mean grey that contrast is about: heads are cut from the
        recoloured image, so they share it.
    """
    seen = torch.where(view.flip[:, None, None, None], images.flip(-1), images)
    bright = _brighten(seen, view.colour)
    grey = _grey(bright).mean((2, 3), keepdim=True)
    shown = _normalise(_recolour(bright, view.colour, grey), colours)
    if view.hidden is not None:  # by the mean colour, which is 0 here
        shown = shown.masked_fill(head_masks(view.hidden, shown.shape[-1]) > 0, 0.0)
    return shown, grey


def view_crops(
    head: Tensor,
    head_box: Tensor,
    view: View,
    grey: Tensor,
    size: int,
    colours: Colours = IMAGENET,
) -> Tensor:
    """Head crops as seen in N views, normalised: coloured as the image is that they are cut from.

    Args:
        head: (N, 3, C, C) in 0..1, head boxes with their cached margin.
        head_box: (N, 4) in 0..1 of the image.
        view: how much of the margin is shown, flipped and coloured.
        grey: (N, 1, 1, 1) of each person's image, from :func:`view_images`.
        size: side of the crops.
        colours: statistics by which they are normalised.

    Returns:
        (N, 3, size, size); what lies outside the image is black, whatever the colours.
    """
    inset = (HEAD_MARGIN - view.padding) / (1 + 2 * HEAD_MARGIN)
    window = torch.stack([inset, inset, 1 - inset, 1 - inset], 1)
    seen = _brighten(_sample(head, window, view.flip, size), view.colour)
    recoloured = _recolour(seen, view.colour, grey)
    inside = _within(_grown(head_box, view.padding), view.flip, size)
    return _normalise(recoloured.mul_(inside), colours)


def _within(box: Tensor, flip: Tensor, size: int) -> Tensor:
    """(N, 1, size, size) bool: which cells of boxes (N, 4), perhaps flipped, are centred in the image."""
    centre = (torch.arange(size, device=box.device) + 0.5) / size
    extent = box[:, 2:] - box[:, :2]
    column, row = (
        ((place >= 0) & (place <= 1))
        for place in (box[:, i : i + 1] + extent[:, i : i + 1] * centre for i in (0, 1))
    )
    column = torch.where(flip[:, None], column.flip(1), column)
    return (row[:, :, None] & column[:, None, :])[:, None]


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
    asked = (
        picture.shape[-1] == size and picture.device.type == "cpu"
    )  # a GPU is waited for if asked
    if asked and not flip.any() and bool((window == window.new_tensor([0, 0, 1, 1])).all()):
        return picture
    extent = window[:, 2:] - window[:, :2]
    centre = window[:, 2:] + window[:, :2] - 1
    sign = torch.where(flip, -1.0, 1.0)
    theta = torch.zeros(len(picture), 2, 3, device=picture.device)
    theta[:, 0, 0], theta[:, 1, 1] = extent[:, 0] * sign, extent[:, 1]
    theta[:, :, 2] = centre
    grid = F.affine_grid(theta, [len(picture), 1, size, size], align_corners=False)
    return F.grid_sample(picture, grid, align_corners=False)


def _brighten(picture: Tensor, colour: Tensor) -> Tensor:
    return (picture * colour[:, 0, None, None, None]).clamp_(0, 1)


def _recolour(bright: Tensor, colour: Tensor, mean: Tensor) -> Tensor:
    """Contrast about a mean grey, then saturation; in place, as most of the cost is memory."""
    factor = colour[:, :, None, None, None]
    contrasted = bright.sub_(mean).mul_(factor[:, 1]).add_(mean).clamp_(0, 1)
    grey = _grey(contrasted)
    return contrasted.sub_(grey).mul_(factor[:, 2]).add_(grey).clamp_(0, 1)


def _grey(picture: Tensor) -> Tensor:
    """(N, 1, H, W) luma of pictures (N, 3, H, W)."""
    return (picture * picture.new_tensor([0.299, 0.587, 0.114])[:, None, None]).sum(1, keepdim=True)


def _normalise(picture: Tensor, colours: Colours) -> Tensor:
    mean, std = (picture.new_tensor(values)[:, None, None] for values in colours)
    return (picture - mean).div_(std)
