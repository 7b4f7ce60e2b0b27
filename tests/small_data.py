"""Small data sets of every layout, written as files."""

from pathlib import Path
from typing import Any

from PIL import Image

SIZE = (64, 48)
HEADER = "image,head_x0,head_y0,head_x1,head_y1"
LABELLED = f"{HEADER},gaze_x,gaze_y,in_frame,label,split,annotator"


def gazefollow_row(path: str = "a.jpg", **changed: Any) -> str:
    """A training row of 17 columns; ``inout=None`` makes a test row of 16, ``bodies`` adds four."""
    values: dict[str, Any] = {
        "path": path, "idx": 0, "bx": 0.1, "by": 0.1, "bw": 0.5, "bh": 0.8, "eye_x": 0.3, "eye_y": 0.2,
        "gaze_x": 0.7, "gaze_y": 0.6, "x_min": 4, "y_min": 5, "x_max": 24, "y_max": 25,
        "inout": 1, "meta": "COCO", "ori_name": "a.jpg", "bodies": (),
    }  # fmt: skip
    values |= changed
    bodies = values.pop("bodies")
    return ",".join(str(value) for value in [*values.values(), *bodies] if value is not None)


def track_row(frame: str = "1.jpg", box: str = "4,5,24,25", gaze: str = "32,24") -> str:
    """A frame of a VideoAttentionTarget track."""
    return f"{frame},{box},{gaze}"


def entry(path: str = "a.jpg", **changed: Any) -> dict[str, Any]:
    """An image with one head in Gaze-LLE's JSON."""
    head = {"bbox": [4, 5, 24, 25], "inout": 1, "gazex_norm": [0.7], "gazey_norm": [0.6]} | changed
    return {"path": path, "width": SIZE[0], "height": SIZE[1], "heads": [head]}


def write(root: Path, files: dict[str, str | bytes]) -> None:
    """Write files by name; a text of ``"picture"`` makes an image."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if content == "picture":
            Image.new("RGB", SIZE).save(path)
        elif isinstance(content, bytes):
            path.write_bytes(content)
        else:
            path.write_text(content, encoding="utf-8", newline="")
