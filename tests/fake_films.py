"""VideoAttentionTarget's true layout filled with films of the demo world, under the names of its shows."""

from pathlib import Path

import numpy as np
from moving_world import moving_world

from gcdr.world.scene import draw_scene
from gcdr.world.style import STYLES

LABELLED = ("Band of Brothers", "Modern Family", "Coveted", "Big Bang Theory")
"""Whose labels the paper's supplement, S8, shows."""


def write_films(root: Path, train: list[str], test: list[str], frames: int) -> int:
    """Write a clip a show, a person a track; how many annotations there are."""
    rows = 0
    for index, (split, show) in enumerate(
        [("train", show) for show in train] + [("test", show) for show in test]
    ):
        clip = f"1_{frames}"
        pictures = root / "images" / show / clip
        pictures.mkdir(parents=True)
        tracks: dict[int, list[str]] = {}
        looked = draw_scene(11, index, STYLES["gaze"]).people
        for number, (image, boxes) in enumerate(moving_world(frames, index), 1):
            name = f"{number:08d}.jpg"
            image.save(pictures / name, quality=92)
            for who, box in enumerate(boxes):
                x0, y0, x1, y1 = np.clip(box, 0, [*image.size, *image.size])
                if x1 - x0 < 2 or y1 - y0 < 2:  # who has left the picture
                    continue
                target = looked[who].gaze
                gaze = (-1, -1) if target is None else np.multiply(target, image.size)
                values = [name, *np.round([x0, y0, x1, y1], 2), *np.round(gaze, 2)]
                tracks.setdefault(who, []).append(",".join(map(str, values)))
        folder = root / "annotations" / split / show / clip
        folder.mkdir(parents=True)
        for who, lines in tracks.items():
            (folder / f"s{who:02d}.txt").write_text("\n".join(lines) + "\n")
            rows += len(lines)
    return rows
