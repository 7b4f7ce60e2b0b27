"""Ask a frozen backbone once about every image of a data set."""

from pathlib import Path

import numpy as np
import pandas as pd
import torch
from PIL import Image
from tqdm import tqdm

from gcdr.base.errors import InputError
from gcdr.base.failures import Failures
from gcdr.base.files import file_digest
from gcdr.data.crops import scene_of
from gcdr.data.pictures import open_image
from gcdr.data.tokens import Cache, Tokens, new_tokens
from gcdr.data.views import plain_view, view_images
from gcdr.models.interface import GazeModel
from gcdr.models.sizes import backbone_file

BLOCK = 16  # images encoded together


@torch.inference_mode()
def write_tokens(
    people: pd.DataFrame,
    root: Path,
    model: GazeModel,
    backbone: str,
    device: torch.device,
    path: Path,
    failures: float,
) -> None:
    """Encode every image as it is and flipped, from the original pictures at the model's own size.

    People whose image cannot be read get the tokens of a black picture and a problem.

    Args:
        people: the manifest's people, by ``sample_id``.
        root: folder that ``image`` is relative to.
        model: with its backbone loaded.
        backbone: file or folder of the backbone's weights, whose digest is kept.
        device: where to compute.
        path: see :class:`gcdr.data.tokens.Tokens`.
        failures: share of the people, 0 to 1, whose image may be absent, unreadable or of another size.

    Raises:
        InputError: these are more, the disk has no room, or the model stands on no frozen backbone.
    """
    if not model.needs.tokens:
        raise InputError(f"{path}: found a {type(model).__name__}, expected a model on a backbone")
    model = model.to(memory_format=torch.channels_last).to(device).eval()
    sizes = people[["width", "height"]].to_numpy(int)
    failed = Failures("without a picture", len(people), failures)
    digest = file_digest(backbone_file(backbone))
    with new_tokens(people, model.token_shape, digest, path) as (
        tokens,
        problem,
        names,
        scene_index,
    ):
        rows = pd.Series(np.arange(len(people))).groupby(scene_index).indices
        for start in tqdm(range(0, len(names), BLOCK), "encoding", mininterval=5):
            pictures = []
            for index in range(start, min(start + BLOCK, len(names))):
                try:
                    image = open_image(root / names[index], tuple(sizes[rows[index][0]].tolist()))
                except InputError as error:
                    problem[rows[index]] = str(error)
                    failed.add(people["sample_id"].iloc[rows[index]], str(error))
                    image = Image.new("RGB", (1, 1))
                pictures.append(scene_of(image, model.input_size))
            shown = torch.from_numpy(np.stack(pictures)).to(device).float().div_(255)
            shown, _ = view_images(shown, plain_view(len(shown), device), model.colours)
            both = [model.encode(side).half().cpu() for side in (shown, shown.flip(-1))]
            tokens[start : start + len(shown)] = torch.stack(both, dim=1).numpy()


def check_backbone(cache: Cache, backbone: str | None, where: str | Path) -> None:
    """Hold a cache to the backbone of the model that is to see it; a cache of pictures goes with any.

    Args:
        cache: what the model sees.
        backbone: file or folder of its backbone's weights.
        where: file of the cache, for the message.

    Raises:
        InputError: the tokens are of another backbone.
    """
    if not isinstance(cache, Tokens):
        return
    if backbone is None or file_digest(backbone_file(backbone)) != cache.backbone:
        raise InputError(
            f"{where}: found tokens of another backbone than {backbone}; make them anew"
        )
