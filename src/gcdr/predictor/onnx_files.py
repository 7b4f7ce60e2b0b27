"""Gaze models as ONNX: one file that needs neither torch nor this package to be asked.

What has to be done to a picture before is in the file's metadata, and in ``docs/examples/predict_onnx.py``,
which does it with numpy and Pillow.
"""

import json
import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from gcdr import __version__
from gcdr.base.errors import InputError
from gcdr.base.files import atomic
from gcdr.base.seeds import numpy_rng, torch_rng
from gcdr.data.crops import HEAD_MARGIN
from gcdr.data.pictures import open_image
from gcdr.models.finding import find_model
from gcdr.models.inputs import gaze_inputs
from gcdr.models.interface import GazeInputs, GazeModel
from gcdr.models.kinds import GAZE_MODELS
from gcdr.predictor.predictor import load, pictures_of
from gcdr.world.render import render
from gcdr.world.scene import draw_scene
from gcdr.world.style import STYLES

ONNX = ".onnx"
TOLERANCE = 1e-4  # of heatmaps and of probabilities; of their largest value where that is above 1
OPSET = 20
FORMAT = "gcdr gaze model, 1"
PACKAGES = "onnx onnxruntime onnxscript"
COUNTS = ((1, 1), (3, 7))  # images and people that are compared, made of random numbers
INPUTS = {
    "images": "(images, 3, S, S) float32: whole pictures resized to S x S (bilinear, averaged where they "
    "shrink; proportions are not kept), RGB in 0..1, then (value - mean) / std",
    "image_of": "(people,) int64: which of the images each person is in",
    "head_box": "(people, 4) float32: x0, y0, x1, y1 of the head in 0..1 of the picture's width and height",
    "head_crop": "(people, 3, S, S) float32: the head box grown on each side by head_margin of its size, at "
    "round(S (1 + 2 head_margin)) pixels (as uint8); of that the box grown by head_padding, bilinear at "
    "S x S, RGB in 0..1; pixels whose centre lies outside the picture are black; then normalised as images",
    "head_mask": "(people, 1, S, S) float32: 1 in each cell of the picture that touches the head box (mask "
    "box) or the box grown by head_padding (mask padded), else 0",
    "prior": "(people, 1, G, G) float32: a map of where the person may look, stretched to 0..1",
}
OUTPUTS = {
    "heatmap": "(people, G, G) float32, unbounded: where each person looks; the point is the centre of the "
    "highest cell (first in rows), ((column + 0.5) / G, (row + 0.5) / G) of width and height",
    "in_frame": "(people,) float32: probability that the target is inside the picture",
}


class _Graph(nn.Module):
    """A gaze model whose inputs and outputs are tensors by place."""

    def __init__(self, model: GazeModel, names: Sequence[str]) -> None:
        super().__init__()
        self.model, self.names = model, tuple(names)

    def forward(self, *values: Tensor) -> tuple[Tensor, ...]:
        named: dict[str, Any] = dict(zip(self.names, values, strict=True))
        output = self.model(GazeInputs(**{"head_box": None, **named}))
        told = () if output.in_frame is None else (output.in_frame.sigmoid(),)
        return (output.heatmap, *told)


def convert_to_onnx(source: str | Path, out: str | Path, pictures: Sequence[Path] = ()) -> str:
    """Write a gaze model, with its frozen backbone if it has one, as one ONNX file.

    Before the file is there, onnxruntime is asked about random inputs and about pictures, and must say what
    torch says.

    Args:
        source: a folder of this package, a released checkpoint, or a name that ``gcdr.load`` knows.
        out: the file; inputs and outputs are those of ``INPUTS`` and ``OUTPUTS`` that the model has, images
            and people in any number.
        pictures: photographs to compare on, with made-up head boxes; by default scenes of the demo world.

    Returns:
        what was written and how far the two differ, in a line.

    Raises:
        InputError: a package is not installed, there is no such gaze model, a picture cannot be read, or
            the two differ by more than ``TOLERANCE``; then nothing is written.
    """
    onnx, runtime = _package("onnx"), _package("onnxruntime")
    _package("onnxscript")
    shown = [_guessed(path, number) for number, path in enumerate(pictures)] or _drawn()
    path, backbone = find_model(source)
    model = load(path, "cpu", backbone).model.to(memory_format=torch.contiguous_format)
    graph = _Graph(model, input_names(model)).eval()
    outputs = [name for name in OUTPUTS if name == "heatmap" or model.tells_in_frame]
    with atomic(out) as temporary:
        with _quiet():
            program = torch.onnx.export(
                graph,
                tuple(random_inputs(model, 2, 3).values()),
                dynamo=True,
                verbose=False,
                opset_version=OPSET,
                input_names=list(graph.names),
                output_names=outputs,
                dynamic_shapes=(_free_counts(graph.names),),
            )
        assert program is not None  # as dynamo makes one
        proto = program.model_proto
        del proto.metadata_props[:]
        onnx.helper.set_model_props(proto, metadata(model))
        onnx.save_model(proto, str(temporary))
        session = runtime.InferenceSession(str(temporary), providers=["CPUExecutionProvider"])
        found = _differences(graph, session, outputs, shown)
        if not max(found.values()) <= TOLERANCE:
            raise InputError(
                f"{out}: onnxruntime differs from torch by {max(found.values()):.1e}, expected at most "
                f"{TOLERANCE:.0e}; nothing was written"
            )
    said = ", ".join(f"{difference:.1e} on {what}" for what, difference in found.items())
    asked = ", ".join(graph.names)
    return f"{out}: {model.kind}, {asked} to {', '.join(outputs)}; differs from torch by {said}"


def input_names(model: GazeModel) -> list[str]:
    """Which of ``INPUTS`` a model has: the head's place as a box, or as crop and mask where it sees these.

    Raises:
        InputError: it needs what no file of this kind has.
    """
    needs = model.needs
    if needs.depth:
        raise InputError(f"a {model.kind}: needs depth, which is not written as ONNX")
    if needs.tracks:
        raise InputError(f"a {model.kind}: follows tracks, which is not written as ONNX")
    if GAZE_MODELS[model.kind].names:
        raise InputError(f"a {model.kind}: says what is looked at, which is not written as ONNX")
    has = {
        "head_box": not (needs.crop and needs.mask),
        "head_crop": needs.crop,
        "head_mask": needs.mask,
        "prior": needs.prior,
    }
    return [name for name in INPUTS if has.get(name, True)]


def metadata(model: GazeModel) -> dict[str, str]:
    """What the file says of itself: texts, numbers as JSON."""
    names, (mean, std) = input_names(model), model.colours
    numbers = {
        "input_size": model.input_size,
        "crop_size": model.crop_size,
        "map_size": model.map_size,
        "mean": mean,
        "std": std,
        "head_padding": model.head_padding,
        "head_margin": HEAD_MARGIN,
        "config": model.config.to_json(),
        "inputs": {name: INPUTS[name] for name in names},
        "outputs": {k: v for k, v in OUTPUTS.items() if k == "heatmap" or model.tells_in_frame},
    }
    texts = {"format": FORMAT, "gcdr": __version__, "kind": model.kind, "mask": model.head_mask}
    return texts | {name: json.dumps(value) for name, value in numbers.items()}


def random_inputs(model: GazeModel, images: int, people: int) -> dict[str, Tensor]:
    """Made-up inputs of a model: normal colours, heads anywhere, masks and maps of random numbers."""
    size, cells = model.input_size, model.map_size
    rng = torch_rng(0, "onnx", images, people)
    corner = 0.7 * torch.rand(people, 2, generator=rng)
    values = {
        "images": torch.randn(images, 3, size, size, generator=rng),
        "image_of": torch.randint(images, (people,), generator=rng),
        "head_box": torch.cat([corner, corner + 0.3], 1),
        "head_crop": torch.randn(people, 3, model.crop_size, model.crop_size, generator=rng),
        "head_mask": torch.rand(people, 1, size, size, generator=rng).round(),
        "prior": torch.rand(people, 1, cells, cells, generator=rng),
    }
    return {name: values[name] for name in input_names(model)}


def _shown_inputs(
    model: GazeModel, shown: Sequence[tuple[Image.Image, np.ndarray]]
) -> dict[str, Tensor]:
    """Inputs of people in pictures, as a prediction makes them; prior maps are random."""
    images, heads = [image for image, _ in shown], [boxes for _, boxes in shown]
    count = sum(map(len, heads))
    pictures = pictures_of(images, heads, model)(slice(0, count), torch.device("cpu"))
    inputs = gaze_inputs(pictures, model)
    made = random_inputs(model, len(images), count)
    return {name: made[name] if name == "prior" else getattr(inputs, name) for name in made}


@torch.inference_mode()
def _differences(
    graph: _Graph,
    session: Any,
    outputs: Sequence[str],
    shown: Sequence[tuple[Image.Image, np.ndarray]],
) -> dict[str, float]:
    """The largest difference of any output, by what was asked about; NaN counts as infinite.

    A map whose values are above 1, as an untrained model's are, is measured by its largest: both sides round
    to as many digits.
    """
    model = graph.model
    asked = [("random inputs", random_inputs(model, *counts)) for counts in COUNTS]
    asked.append(("pictures", _shown_inputs(model, shown)))
    found: dict[str, float] = {}
    for what, inputs in asked:
        fed = {name: np.ascontiguousarray(value.numpy()) for name, value in inputs.items()}
        for theirs, ours in zip(
            session.run(list(outputs), fed), graph(*inputs.values()), strict=True
        ):
            apart = np.abs(theirs - ours.numpy()).max() / max(1.0, float(ours.abs().max()))
            found[what] = max(
                found.get(what, 0.0), float(np.nan_to_num(apart, nan=np.inf, posinf=np.inf))
            )
    return found


def _free_counts(names: Sequence[str]) -> tuple[dict[int, Any], ...]:
    """Which sides of the inputs may have any length: how many images, how many people."""
    images, people = torch.export.Dim("images"), torch.export.Dim("people")
    return tuple({0: images if name == "images" else people} for name in names)


def _drawn() -> list[tuple[Image.Image, np.ndarray]]:
    """Two scenes of the demo world with their head boxes (n, 4) in pixels."""
    found = []
    for index in range(2):
        scene = draw_scene(0, index, STYLES["gaze"])
        image = Image.fromarray(render(scene))
        boxes = np.array([person.head_box for person in scene.people], float).reshape(-1, 4)
        found.append((image, boxes * np.array([*image.size, *image.size])))
    return found


def _guessed(path: Path, number: int) -> tuple[Image.Image, np.ndarray]:
    """A picture with two head boxes (2, 4) anywhere in it, which may reach out of it."""
    image = open_image(path)
    corner = numpy_rng(0, "onnx", number).random((2, 2))
    return image, np.concatenate([corner - 0.1, corner + 0.1], 1) * np.array([*image.size] * 2)


def _package(name: str) -> ModuleType:
    try:
        return __import__(name)
    except ImportError as error:
        raise InputError(
            f"ONNX: the package {name} is not installed ({error}); expected it: pip install {PACKAGES}"
        ) from None


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the exporter's notes on packages and names that concern nobody here."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
