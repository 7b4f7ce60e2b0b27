"""GazeFollow's true layout filled with scenes of the demo world: test files of 16 columns and pictures."""

from pathlib import Path

import numpy as np
from PIL import Image

from gcdr.world.annotators import annotate
from gcdr.world.render import render
from gcdr.world.scene import draw_scene
from gcdr.world.style import STYLES

SIZE = (160, 120)


def write_gazefollow(root: Path, pictures: int, seed: int = 5, annotators: int = 10) -> int:
    """Write the test part; how many people it has."""
    rows, people, number = [], 0, 0
    while number < pictures:
        scene = draw_scene(seed, 2 * people + number, STYLES["gaze"])
        looking = [n for n, person in enumerate(scene.people) if person.in_frame]
        people += 1
        if not looking:
            continue
        number += 1
        name = f"test2/{number // 1000:08d}/{number:08d}.jpg"
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(render(scene, *SIZE)).save(root / name, quality=92)
        for n in looking:
            box = np.array(scene.people[n].head_box) * [*SIZE, *SIZE]
            eye = (box[0] + box[2]) / 2 / SIZE[0], (box[1] + box[3]) / 2 / SIZE[1]
            for x, y in annotate(scene, n, seed, number, annotators):
                values = [name, n, 0.1, 0.1, 0.5, 0.8, *eye, x, y, *box, "COCO", "a.jpg"]
                rows.append(",".join(str(value) for value in values))
    (root / "test_annotations_release.txt").write_text("\n".join(rows) + "\n")
    return len(rows) // annotators
