"""What lies under a point of a picture, named by a model that was made for other vocabularies than ours.

Open-vocabulary detectors (OWLv2; Grounding DINO), and SAM, whose region the image tower of CLIP names, all
through transformers and from a local folder; ``config.json`` there tells which it is.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from gcdr.base.transformers_models import load_transformers
from gcdr.data.label_space import LabelSpace
from gcdr.data.vocabulary import MISSING
from gcdr.priors.image_towers import image_tower
from gcdr.priors.tower_files import region_kind

RegionNamer = Callable[[Image.Image, np.ndarray], tuple[np.ndarray, np.ndarray]]
"""A picture in RGB and points (n, 2) in its pixels to places (n,) int64 in the vocabulary, ``MISSING`` where
nothing is found, and confidences (n,) float64 in 0..1."""

FILES = ("config.json", "model.safetensors", "preprocessor_config.json", "tokenizer.json")


def region_namer(folder: Path, space: LabelSpace, tower: Path, device: torch.device) -> RegionNamer:
    """What names regions by the names of a vocabulary.

    Args:
        folder: of the model.
        space: the vocabulary; bare names are what is asked for.
        tower: folder of CLIP, for a model that says where a region ends and not what it is.
        device: where to compute.

    Raises:
        InputError: transformers is not installed, or the folder holds no whole model of these kinds.
    """
    return NAMERS[region_kind(folder)](folder, space, tower, device)


def named_under(
    boxes: np.ndarray, scores: np.ndarray, points: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The name whose box holds a point with the highest score; of equal ones that of the smallest box.

    Args:
        boxes: (B, 4) x0, y0, x1, y1; edges belong to them.
        scores: (B, V) of each box for each name, in 0..1.
        points: (n, 2) in the same units.

    Returns:
        (n,) int64 places, ``MISSING`` where no box holds the point, and (n,) float64 scores.
    """
    order = np.argsort((boxes[:, 2:] - boxes[:, :2]).prod(1), kind="stable")
    boxes, scores = boxes[order], scores[order].astype(float)
    here = points[:, None]
    holds = ((here >= boxes[:, :2]) & (here <= boxes[:, 2:])).all(2)  # (n, B)
    place, confidence = np.full(len(points), MISSING), np.zeros(len(points))
    for row in np.flatnonzero(holds.any(1)):
        held = scores[holds[row]]
        box, name = np.unravel_index(held.argmax(), held.shape)
        place[row], confidence[row] = name, held[box, name]
    return place, confidence


def _owl(folder: Path, space: LabelSpace, tower: Path, device: torch.device) -> RegionNamer:
    """OWLv2. Names are embedded once; pictures are padded to a square below and to the right."""
    model, processor = load_transformers(
        folder, "OWLv2", "Owlv2ForObjectDetection", "Owlv2Processor", FILES
    )
    model = model.to(device)
    most = model.config.text_config.max_position_embeddings
    asked = {"padding": "max_length", "truncation": True, "max_length": most}
    tokens = processor.tokenizer(list(space.names), return_tensors="pt", **asked).to(device)
    with torch.inference_mode():
        queries = model.owlv2.get_text_features(**tokens).pooler_output  # (V, D)

    @torch.inference_mode()
    def named(image: Image.Image, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        pixels = processor.image_processor(images=image, return_tensors="pt").pixel_values
        grid, _ = model.image_embedder(pixels.to(device))  # (1, rows, columns, C)
        cells = grid.flatten(1, 2)
        logits, _ = model.class_predictor(cells, queries[None])
        boxes = _corners(model.box_predictor(cells, grid)[0]) * max(image.size)
        return named_under(boxes.cpu().numpy(), logits[0].sigmoid().cpu().numpy(), points)

    return named


def _dino(folder: Path, space: LabelSpace, tower: Path, device: torch.device) -> RegionNamer:
    """Grounding DINO. A name's score is that of its surest token; many names stand in several texts."""
    model, processor = load_transformers(
        folder,
        "Grounding DINO",
        "GroundingDinoForObjectDetection",
        "GroundingDinoProcessor",
        FILES,
        part=True,
    )
    model = model.to(device)
    texts = _texts(processor.tokenizer, space.names, model.config.max_text_len)

    @torch.inference_mode()
    def named(image: Image.Image, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        boxes, scores = [], []
        for first, spans, text in texts:
            inputs = processor(images=image, text=text, return_tensors="pt").to(device)
            found = model(**inputs)
            share = found.logits[0].sigmoid()  # (B, tokens)
            of_text = torch.zeros(len(share), len(space.names), device=share.device)
            for number, (start, end) in enumerate(spans, first):
                of_text[:, number] = share[:, start:end].amax(1)
            sides = share.new_tensor([*image.size, *image.size])
            boxes.append(_corners(found.pred_boxes[0]) * sides)
            scores.append(of_text)
        parts = (torch.cat(part).cpu().numpy() for part in (boxes, scores))
        return named_under(*parts, points)

    return named


def _texts(
    tokenizer: Any, names: Sequence[str], most: int
) -> list[tuple[int, list[tuple[int, int]], str]]:
    """Names joined to texts of at most so many tokens.

    Returns:
        of each the number of its first name, each name's tokens from and to, and the text.
    """
    texts: list[tuple[int, list[tuple[int, int]], str]] = []
    first, spans, text, place = 0, [], "", 1  # after the token that begins a text
    for number, name in enumerate(names):
        said = " ".join(name.lower().replace(".", " ").split())
        count = len(tokenizer(said, add_special_tokens=False)["input_ids"])
        if spans and place + count + 2 > most:  # a full stop and the token that ends a text
            texts.append((first, spans, text.strip()))
            first, spans, text, place = number, [], "", 1
        spans.append((place, place + count))
        text, place = f"{text} {said}.", place + count + 1
    return [*texts, (first, spans, text.strip())]


def _segment(folder: Path, space: LabelSpace, tower: Path, device: torch.device) -> RegionNamer:
    """SAM: of the regions that it finds at a point the one it trusts most; CLIP names the box around it."""
    model, processor = load_transformers(
        folder, "SAM", "SamModel", "SamProcessor", FILES[:3], part=True
    )
    model, embedded = model.to(device), image_tower(tower, device)

    @torch.inference_mode()
    def named(image: Image.Image, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        asked = [[[[float(x), float(y)]] for x, y in points]]
        inputs = processor(images=image, input_points=asked, return_tensors="pt")
        seen = {"pixel_values": inputs.pixel_values.to(device).float()}
        found = model(**seen, input_points=inputs.input_points.to(device).float())
        masks = processor.image_processor.post_process_masks(
            found.pred_masks.cpu(), inputs.original_sizes, inputs.reshaped_input_sizes
        )[0]
        best = found.iou_scores[0].argmax(1).cpu()
        crops = [
            image.crop(_around(mask[at].numpy(), point))
            for mask, at, point in zip(masks, best, points, strict=True)
        ]
        return space.nearest(embedded(crops))

    return named


def _around(mask: np.ndarray, point: np.ndarray) -> tuple[int, int, int, int]:
    """The box of a region (height, width) bool in pixels, its point's pixel with it."""
    rows, columns = np.nonzero(mask)
    height, width = mask.shape
    x, y = (min(int(at), side - 1) for at, side in zip(point, (width, height), strict=True))
    columns, rows = np.append(columns, x), np.append(rows, y)
    return int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1


def _corners(boxes: Tensor) -> Tensor:
    """Boxes (B, 4) by centre and sides to those by corners."""
    centre, sides = boxes[:, :2], boxes[:, 2:]
    return torch.cat([centre - sides / 2, centre + sides / 2], 1)


NAMERS = {"owlv2": _owl, "grounding-dino": _dino, "sam": _segment}
