"""Small pictures: a scene, its person's boxes, a heatmap over it, points."""

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont

PixelBox = tuple[float, float, float, float]

BODY_GREEN = (46, 204, 64)
HEAD_YELLOW = (255, 214, 51)
_SUPERSAMPLING = 2
_HEAT = "inferno"  # of matplotlib, which is imported where it is drawn with: predictions do without
_HEAT_STRENGTH = 0.85
_HEAT_GREYING = 0.45


@dataclass(frozen=True)
class Example:
    """One test person for the pictures.

    Attributes:
        image: (H, W, 3) uint8 RGB.
        head_box: pixels of the image.
        body_box: pixels of the image, None where no body was found.
        gradcam: (G, G) float, the raw Grad-CAM of the whole image on the model's own grid.
        pseudo_label: (h, w) float, the refined heatmap.
        prediction: (h, w) float, the student's heatmap.
        annotations: (A, 2) float, the annotators' points in 0..1 of width and height; A may be 0.
        question: what the VQA model was asked.
        answer: what it answered.
        group: heading under which the report shows it, for example ``good``; may be empty.
    """

    image: np.ndarray
    head_box: PixelBox
    body_box: PixelBox | None
    gradcam: np.ndarray
    pseudo_label: np.ndarray
    prediction: np.ndarray
    annotations: np.ndarray
    question: str
    answer: str
    group: str = ""


def peak(heatmap: np.ndarray) -> tuple[float, float] | None:
    """The centre of the argmax cell as (x, y) in 0..1; None for a map without a positive value."""
    if not np.nanmax(heatmap, initial=0.0) > 0:
        return None
    row, column = np.unravel_index(int(np.nanargmax(heatmap)), heatmap.shape)
    return (column + 0.5) / heatmap.shape[1], (row + 0.5) / heatmap.shape[0]


def overlay_heatmap(image: np.ndarray, heatmap: np.ndarray, top: float | None = None) -> np.ndarray:
    """Lay a heatmap over an image.

    The map's colour and its opacity grow with its value, and the scene loses some of its colour so that
    both stay readable.

    Args:
        image: (H, W, 3) uint8.
        heatmap: (h, w) float, any scale; negative values and NaN count as 0.
        top: the value that has the full colour, for maps on one scale; None takes the map's own peak.

    Returns:
        (H, W, 3) uint8.
    """
    from matplotlib import colormaps

    height, width = image.shape[:2]
    heat = np.clip(np.nan_to_num(np.asarray(heatmap, dtype=np.float32)), 0.0, None)
    full = heat.max() if top is None else top
    if full > 0:
        heat = heat / full
    resized = Image.fromarray(heat).resize((width, height), Image.Resampling.BICUBIC)
    heat = np.clip(np.asarray(resized), 0.0, 1.0)[..., None]
    scene = image.astype(np.float32)
    grey = scene @ np.array([0.299, 0.587, 0.114], dtype=np.float32)
    scene += _HEAT_GREYING * (grey[..., None] - scene)
    colour = 255.0 * colormaps[_HEAT](0.25 + 0.72 * heat[..., 0])[..., :3]
    opacity = _HEAT_STRENGTH * heat**0.8
    return np.round((1.0 - opacity) * scene + opacity * colour).astype(np.uint8)


def blur_heads(image: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """A picture without faces: of each head box, and a tenth around it, 4 x 4 colours stay.

    Args:
        image: (H, W, 3) uint8.
        boxes: (N, 4) float, x0, y0, x1, y1 in pixels; may reach beyond the picture.

    Returns:
        (H, W, 3) uint8.
    """
    canvas = Image.fromarray(image)
    margin = 0.1 * (boxes[:, 2:] - boxes[:, :2])
    low = np.floor(np.maximum(boxes[:, :2] - margin, 0)).astype(int)
    high = np.ceil(np.minimum(boxes[:, 2:] + margin, canvas.size)).astype(int)
    for box in np.hstack([low, high]).tolist():
        size = (box[2] - box[0], box[3] - box[1])
        if min(size) > 0:
            few = canvas.crop(box).resize((4, 4), Image.Resampling.BOX)
            canvas.paste(few.resize(size, Image.Resampling.BICUBIC), box[:2])
    return np.asarray(canvas)


def _font(size: int) -> ImageFont.FreeTypeFont:
    from matplotlib import font_manager

    return ImageFont.truetype(font_manager.findfont("DejaVu Sans"), size)


def panel(
    image: np.ndarray,
    heatmap: np.ndarray | None = None,
    *,
    head_box: PixelBox | None = None,
    body_box: PixelBox | None = None,
    points: np.ndarray | None = None,
    answer: str = "",
    size: int = 320,
    top: float | None = None,
) -> Image.Image:
    """Draw one panel.

    Args:
        image: (H, W, 3) uint8 RGB.
        heatmap: (h, w) float laid over the image; its argmax is marked by a ring.
        head_box, body_box: pixels of ``image``; drawn in yellow and in green.
        points: (A, 2) float in 0..1, drawn as white dots.
        answer: text in the lower left corner.
        size: longer side of the panel in pixels.
        top: the heatmap's value that has the full colour, see `overlay_heatmap`.
    """
    source_height, source_width = image.shape[:2]
    scale = size * _SUPERSAMPLING / max(source_height, source_width)
    width, height = max(1, round(source_width * scale)), max(1, round(source_height * scale))
    canvas = Image.fromarray(image).resize((width, height), Image.Resampling.LANCZOS)
    if heatmap is not None:
        canvas = Image.fromarray(overlay_heatmap(np.asarray(canvas), heatmap, top))
    draw = ImageDraw.Draw(canvas)
    unit = max(width, height) / 320
    for box, colour, line in ((body_box, BODY_GREEN, 3.0), (head_box, HEAD_YELLOW, 2.0)):
        if box is not None:
            corners = [round(value * scale) for value in box]
            draw.rectangle(corners, outline=colour, width=round(line * unit))
    for x, y in [] if points is None else np.asarray(points, dtype=float):
        _dot(draw, x * width, y * height, 2.7 * unit)
    top = None if heatmap is None else peak(np.asarray(heatmap))
    if top is not None:
        _ring(draw, top[0] * width, top[1] * height, 8.0 * unit)
    if answer:
        _label(draw, answer, height, unit)
    final = (max(1, width // _SUPERSAMPLING), max(1, height // _SUPERSAMPLING))
    return canvas.resize(final, Image.Resampling.LANCZOS)


def _circle(x: float, y: float, radius: float) -> tuple[float, float, float, float]:
    return (x - radius, y - radius, x + radius, y + radius)


def _dot(draw: ImageDraw.ImageDraw, x: float, y: float, radius: float) -> None:
    draw.ellipse(_circle(x, y, radius * 1.35), fill=(30, 30, 30))
    draw.ellipse(_circle(x, y, radius), fill=(255, 255, 255))


def _ring(draw: ImageDraw.ImageDraw, x: float, y: float, radius: float) -> None:
    draw.ellipse(_circle(x, y, radius * 1.2), outline=(20, 20, 20), width=round(radius * 0.62))
    draw.ellipse(_circle(x, y, radius * 1.08), outline=(64, 224, 255), width=round(radius * 0.38))


def _label(draw: ImageDraw.ImageDraw, text: str, height: int, unit: float) -> None:
    font, margin = _font(round(16 * unit)), round(6 * unit)
    left, top, right, bottom = draw.textbbox((0, 0), text, font=font)
    y = height - margin - (bottom - top) - 2 * margin
    plate = (margin, y, 3 * margin + right - left, height - margin)
    draw.rounded_rectangle(plate, radius=margin, fill=(24, 26, 30))
    draw.text((2 * margin - left, y + margin - top), text, font=font, fill=(255, 255, 255))


def _quoted(answer: str) -> str:
    return f"“{answer}”" if answer else ""


def example_panels(example: Example, size: int = 320) -> dict[str, Image.Image]:
    """The four panels of an example by column: scene, Grad-CAM, pseudo-label, prediction."""
    scene = panel(
        example.image,
        head_box=example.head_box,
        body_box=example.body_box,
        answer=_quoted(example.answer),
        size=size,
    )
    maps = {
        "Grad-CAM": example.gradcam,
        "Refined pseudo-label": example.pseudo_label,
        "Student’s prediction": example.prediction,
    }
    points = example.annotations
    drawn = {
        name: panel(example.image, heatmap, points=points, size=size)
        for name, heatmap in maps.items()
    }
    return {"Scene": scene, **drawn}


def encode(image: Image.Image, form: str = "PNG") -> bytes:
    """Encode a picture as ``PNG`` or, for photographs, ``JPEG``."""
    buffer = io.BytesIO()
    options = {"quality": 88} if form == "JPEG" else {"optimize": True}
    image.convert("RGB").save(buffer, form, **options)
    return buffer.getvalue()


def question_of(examples: Sequence[Example]) -> str:
    """The question that all examples share; empty where they differ."""
    questions = {example.question for example in examples}
    return questions.pop() if len(questions) == 1 else ""
