"""From pictures of people to what a model sees: crops and masks are made here, on demand."""

from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from gcdr.base.errors import InputError
from gcdr.base.tensors import each_tensor
from gcdr.data.cache import Pictures
from gcdr.data.semgaze_items import grown_boxes, semantic_item
from gcdr.data.tokens import Cache, ImageTokens
from gcdr.data.views import (
    View,
    plain_view,
    view_boxes,
    view_crops,
    view_depth,
    view_images,
    view_masks,
)
from gcdr.models.interface import GazeInputs, SeesPeople


def gaze_inputs(
    pictures: Pictures,
    model: SeesPeople,
    *,
    view: View | None = None,
    prior: Tensor | None = None,
) -> GazeInputs:
    """Inputs of people, no more than the model needs.

    Args:
        pictures: of N people.
        model: whose inputs they are.
        view: how each person is looked at, everybody having an image of their own, which is the view's
            window; None: as it is.
        prior: (N, 1, G, G) prior maps as seen in the view, for a model that needs them.

    Raises:
        InputError: the model needs depth, and the pictures come without.
    """
    size, device = pictures.images.shape[-1], pictures.images.device
    shown = plain_view(len(pictures.images), device) if view is None else view
    people = len(pictures.image_of)
    own = plain_view(people, device, model.head_padding) if view is None else view
    needs = model.needs
    depth = None
    if needs.depth:
        if pictures.depth is None:
            raise InputError(
                f"a {model.kind}: needs the depth of each image, found pictures without"
            )
        depth = view_depth(pictures.depth, shown)
    images, grey = view_images(pictures.images, shown, model.colours)
    box, image_of = pictures.head_box, pictures.image_of
    crop = None
    if needs.crop:
        seen = (pictures.heads, box, own, grey[image_of], model.crop_size, model.colours)
        crop = view_crops(*seen)
    return GazeInputs(
        images=images,
        image_of=image_of,
        head_box=view_boxes(box, own),
        head_crop=crop,
        head_mask=view_masks(box, own, size, model.head_mask) if needs.mask else None,
        prior=prior if needs.prior else None,
        depth=depth,
    )


def squared_inputs(
    images: Sequence[Image.Image],
    heads: Sequence[np.ndarray],
    model: SeesPeople,
    device: torch.device,
) -> GazeInputs:
    """Inputs of people in pictures as the released semantic gaze model is shown them.

    Args:
        images: M pictures in RGB.
        heads: of each the head boxes (n, 4) in pixels, which are grown here.
        model: whose inputs they are.
        device: where to put them.
    """
    items = [
        semantic_item(
            image, grown_boxes(boxes, image.size), size=model.input_size, side=model.crop_size
        )
        for image, boxes in zip(images, heads, strict=True)
    ]
    shown = [item.normalised(*model.colours) for item in items]
    owner = np.repeat(np.arange(len(items)), [len(boxes) for boxes in heads])
    whole = (
        np.stack([image for image, _ in shown]),
        owner,
        np.concatenate([item.boxes for item in items]),
        np.concatenate([crops for _, crops in shown]),
    )
    image, image_of, box, crop = (torch.from_numpy(part).to(device) for part in whole)
    return GazeInputs(images=image, image_of=image_of, head_box=box, head_crop=crop)


def token_inputs(shown: ImageTokens, model: SeesPeople, *, view: View | None = None) -> GazeInputs:
    """Inputs of people of whose images there are tokens.

    Args:
        shown: what a frozen backbone made of their images; as the view shows them.
        model, view: as in :func:`gaze_inputs`; of tokens, a view is flipped or not.

    Raises:
        InputError: the model cannot do with tokens.
    """
    if not model.needs.tokens:
        raise InputError(
            f"found a cache of a backbone's tokens, expected one of pictures, which a {model.kind} needs"
        )
    own = plain_view(len(shown.head_box), shown.head_box.device) if view is None else view
    box = view_boxes(shown.head_box, own)
    return GazeInputs(tokens=shown.tokens, image_of=shown.image_of, head_box=box)


def inputs_of(
    shown: Pictures | ImageTokens,
    model: SeesPeople,
    *,
    view: View | None = None,
    prior: Tensor | None = None,
) -> GazeInputs:
    """Inputs of people, see :func:`gaze_inputs` and :func:`token_inputs`."""
    if isinstance(shown, ImageTokens):
        return token_inputs(shown, model, view=view)
    return gaze_inputs(shown, model, view=view, prior=prior)


def cached_inputs(
    cache: Cache,
    rows: np.ndarray,
    model: SeesPeople,
    device: torch.device,
    prior: Tensor | None = None,
) -> GazeInputs:
    """Inputs of people of a cache, as they are; an image once, however many of them are in it.

    Args:
        cache: of pictures, or of the tokens that a frozen backbone makes of them.
        rows: (n,) the people's rows.
        model: whose inputs they are.
        device: where to put them.
        prior: as in :func:`gaze_inputs`.

    Raises:
        InputError: the cache is of tokens, and the model cannot do with them.
    """
    shown = each_tensor(cache.stored(rows), lambda tensor: tensor.to(device))
    return inputs_of(shown.in_floats(), model, prior=prior)
