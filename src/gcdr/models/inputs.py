"""From pictures of people to what a model sees: crops and masks are made here, on demand."""

from torch import Tensor

from gcdr.data.cache import Pictures
from gcdr.data.views import View, plain_view, view_boxes, view_crops, view_images, view_masks
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
    """
    size, device = pictures.images.shape[-1], pictures.images.device
    shown = plain_view(len(pictures.images), device) if view is None else view
    own = plain_view(len(pictures.image_of), device) if view is None else view
    needs = model.needs
    images, grey = view_images(pictures.images, shown)
    box, heads, image_of = pictures.head_box, pictures.heads, pictures.image_of
    return GazeInputs(
        images=images,
        image_of=image_of,
        head_box=view_boxes(box, own),
        head_crop=view_crops(heads, box, own, grey[image_of], size) if needs.crop else None,
        head_mask=view_masks(box, own, size, model.head_mask) if needs.mask else None,
        prior=prior if needs.prior else None,
    )
