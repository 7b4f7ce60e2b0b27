"""Ask a frozen backbone once about every image of a data set."""

from pathlib import Path

import numpy as np
import pandas as pd
import torch
from PIL import Image
from tqdm import tqdm

from gcdr.base.blocks import work_key
from gcdr.base.errors import InputError
from gcdr.base.failures import Failures
from gcdr.base.files import file_digest
from gcdr.base.provenance import code_of
from gcdr.data.crops import scene_of
from gcdr.data.manifest import people_digest
from gcdr.data.pictures import open_image
from gcdr.data.tokens import Cache, Tokens, new_tokens
from gcdr.data.views import plain_view, view_images
from gcdr.models.build import describe
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

    People whose image cannot be read get the tokens of a black picture and a problem. Images are encoded in
    blocks, and a job that was killed goes on after its last one.

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
    images, image = np.unique(people["image"].to_numpy(), return_inverse=True)
    rows = pd.Series(np.arange(len(people))).groupby(image).indices
    pictures, ids = [root / name for name in images], people["sample_id"].to_numpy()
    decides = {**describe(model), "backbone": digest}
    code = code_of(__file__, model)
    key = work_key(decides, people_digest(people), ids, code, __file__, device)
    with new_tokens(people, model.token_shape, digest, path, key) as tokens:
        left = tokens.left(BLOCK, pictures)
        for start in tqdm(left, "encoding", unit="block", mininterval=5):
            block = range(start, min(start + BLOCK, len(pictures)))
            scenes, problem = [], {}
            for index in block:
                try:
                    shown = open_image(pictures[index], tuple(sizes[rows[index][0]].tolist()))
                except InputError as error:
                    problem[index] = str(error)
                    failed.add(ids[rows[index]], str(error))
                    shown = Image.new("RGB", (1, 1))
                scenes.append(scene_of(shown, model.input_size))
            seen = torch.from_numpy(np.stack(scenes)).to(device).float().div_(255)
            seen, _ = view_images(seen, plain_view(len(seen), device), model.colours)
            both = [model.encode(side).half().cpu() for side in (seen, seen.flip(-1))]
            own = pictures[start : block.stop]
            tokens.put(start, torch.stack(both, dim=1).numpy(), own, problem)


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
