"""Where one person in a picture looks, by a file of ``gcdr convert FOLDER student.onnx``, without torch.

python predict_onnx.py student.onnx picture.jpg X0 Y0 X1 Y1    (the head box, in pixels of the picture)
"""

import json
import sys
from math import ceil, floor

import numpy as np
import onnxruntime
from PIL import Image, ImageOps


def predict(file, image, box):
    """The point (x, y) in 0..1, the heatmap (G, G), and how likely it is in the frame, or None."""
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    meta = session.get_modelmeta().custom_metadata_map
    size, padding, margin, mean, std = (
        json.loads(meta[k]) for k in ("input_size", "head_padding", "head_margin", "mean", "std")
    )

    shown = json.loads(meta.get("crop_size", meta["input_size"]))

    def resized(picture, side, **window):
        return np.asarray(picture.resize((side, side), Image.Resampling.BILINEAR, **window)) / 255

    def as_seen(pixels):
        return ((pixels - mean) / std).transpose(2, 0, 1)[None].astype(np.float32)

    def grown(share):
        return box + share * np.tile(box[2:] - box[:2], 2) * [-1, -1, 1, 1]

    box = np.array(box, float)
    x0, y0, x1, y1 = grown(margin)  # the head with its margin; beyond the picture all is black
    left, top = floor(x0), floor(y0)
    whole = image.crop((left, top, max(ceil(x1), left + 1), max(ceil(y1), top + 1)))
    kept = round(size * (1 + 2 * margin))
    head = resized(whole, kept, box=(x0 - left, y0 - top, x1 - left, y1 - top))
    inset, centre = (margin - padding) / (1 + 2 * margin), (np.arange(shown) + 0.5) / shown
    place = (
        kept * (inset + (1 - 2 * inset) * centre) - 0.5
    )  # bilinear at these places of the margin
    weight = np.maximum(0, 1 - np.abs(place[:, None] - np.arange(kept)))
    crop = np.einsum("ij,jkc,lk->ilc", weight, head, weight, optimize=True)
    a0, b0, a1, b1 = grown(padding) / np.tile(image.size, 2)
    column, row = a0 + (a1 - a0) * centre, b0 + (b1 - b0) * centre
    inside = ((row >= 0) & (row <= 1))[:, None] & ((column >= 0) & (column <= 1))
    m0, n0, m1, n1 = (box if meta["mask"] == "box" else grown(padding)) / np.tile(image.size, 2)
    low, high = np.arange(size) / size, (np.arange(size) + 1) / size
    mask = ((high > n0) & (low < n1))[:, None] & ((high > m0) & (low < m1))
    made = {
        "images": as_seen(resized(image, size)),
        "image_of": np.zeros(1, np.int64),
        "head_box": (box / np.tile(image.size, 2))[None].astype(np.float32),
        "head_crop": as_seen(crop * inside[:, :, None]),
        "head_mask": mask[None, None].astype(np.float32),
    }
    heatmap, *told = session.run(None, {i.name: made[i.name] for i in session.get_inputs()})
    at = np.array(np.unravel_index(heatmap[0].argmax(), heatmap[0].shape))
    return (at[::-1] + 0.5) / heatmap.shape[-1], heatmap[0], float(told[0][0]) if told else None


if __name__ == "__main__":
    shown = ImageOps.exif_transpose(Image.open(sys.argv[2])).convert("RGB")
    (x, y), _, in_frame = predict(sys.argv[1], shown, [float(side) for side in sys.argv[3:7]])
    print(f"{x:.4f} {y:.4f}" + ("" if in_frame is None else f"  in frame {in_frame:.3f}"))
