"""GazeFollow's true layout filled with scenes of the demo world: annotations, pictures, authors' lists."""

from pathlib import Path

import numpy as np
from PIL import Image

from gcdr.world.annotators import annotate
from gcdr.world.render import render
from gcdr.world.scene import Person, draw_scene
from gcdr.world.style import STYLES

SIZE = (160, 120)
NAMES = ("{}_annotations_release.txt", "{}_annotations_release_persondet.txt")


def write_training(
    root: Path,
    pictures: int,
    shares: tuple[int, ...],
    size: tuple[int, int] = SIZE,
    bodies: bool = False,
) -> int:
    """Write the training part, 17 columns, and lists of who keeps a label; how many people it has.

    With ``bodies`` there are 21, and the file is called as the authors' is.
    """
    rows = []
    for number in range(pictures):
        scene = draw_scene(77, number, STYLES["gaze"])
        name = f"train/{number // 1000:08d}/{number:08d}.jpg"
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(render(scene, *size)).save(root / name, quality=92)
        for n, person in enumerate(scene.people):
            box = np.array(person.head_box) * [*size, *size]
            eye = (box[0] + box[2]) / 2 / size[0], (box[1] + box[3]) / 2 / size[1]
            gaze = person.gaze if person.in_frame else (-1, -1)
            told = [
                *eye,
                *gaze,
                *box,
                int(person.in_frame),
                "COCO",
                "a.jpg",
                *_body(person, size, bodies),
            ]
            rows.append(",".join(map(str, [name, n, 0.1, 0.1, 0.5, 0.8, *told])))
    (root / NAMES[bodies].format("train")).write_text("\n".join(rows) + "\n")
    (root / "weak_supervision").mkdir()
    for share in shares:
        kept = rows[:: round(100 / share)]
        file = root / f"weak_supervision/train_annotations_weak_ratio{share / 100:g}_use.txt"
        file.write_text("\n".join(kept) + "\n")
    return len(rows)


def write_gazefollow(
    root: Path,
    pictures: int,
    seed: int = 5,
    annotators: int = 10,
    size: tuple[int, int] = SIZE,
    bodies: bool = False,
) -> int:
    """Write the test part, 16 columns, with ``bodies`` 20; how many people it has."""
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
        Image.fromarray(render(scene, *size)).save(root / name, quality=92)
        for n in looking:
            box = np.array(scene.people[n].head_box) * [*size, *size]
            eye = (box[0] + box[2]) / 2 / size[0], (box[1] + box[3]) / 2 / size[1]
            for x, y in annotate(scene, n, seed, number, annotators):
                values = [name, n, 0.1, 0.1, 0.5, 0.8, *eye, x, y, *box, "COCO", "a.jpg"]
                values += _body(scene.people[n], size, bodies)
                rows.append(",".join(str(value) for value in values))
    (root / NAMES[bodies].format("test")).write_text("\n".join(rows) + "\n")
    return len(rows) // annotators


def _body(person: Person, size: tuple[int, int], bodies: bool) -> list[float]:
    """Four columns of a body box in pixels, or none."""
    return (np.array(person.body_box) * [*size, *size]).tolist() if bodies else []
