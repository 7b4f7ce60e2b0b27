"""People who annotate a scene, with the disagreement of real ones."""

import math

import numpy as np

from gcdr.base.seeds import numpy_rng
from gcdr.world.placement import angle_between, direction
from gcdr.world.scene import Scene


def annotate(scene: Scene, person: int, seed: int, index: int, count: int = 10) -> np.ndarray:
    """Where ``count`` annotators see the person number ``person`` look.

    Each takes, with the style's ``annotator_swap`` probability, another thing or face near the
    gaze line for the target, and points with a jitter.

    Returns: (count, 2) float64 points (x, y) in 0..1.
    Raises: ValueError if the person looks out of the frame.
    """
    subject = scene.people[person]
    if subject.gaze is None:
        raise ValueError(f"person {person} looks out of the frame: nothing to annotate")
    style = scene.style
    rng = numpy_rng(seed, "world-annotators", index, person)
    rivals = _rivals(scene, person)
    points = np.empty((count, 2))
    for row in range(count):
        point = subject.gaze
        swap, choice = rng.random(2)
        if rivals and swap < style.annotator_swap:
            point = rivals[int(choice * len(rivals))]
        points[row] = point
    points += rng.normal(0, style.annotator_jitter, (count, 2))
    return points.clip(0.0, 1.0)


def _rivals(scene: Scene, person: int) -> list[tuple[float, float]]:
    """Things and faces other than the target within ``annotator_angle`` of the gaze line."""
    subject, aspect = scene.people[person], scene.style.aspect
    head = subject.figure.head
    points = [thing.center for thing in scene.things if thing.noun != subject.noun]
    if subject.noun != "person":
        for number, other in enumerate(scene.people):
            if number != person:
                points.append((other.figure.head[0] / aspect, other.figure.head[1]))
    return [
        (x, y)
        for x, y in points
        if math.dist((x * aspect, y), head) > 0.1
        and angle_between(direction(head, (x * aspect, y)), subject.direction)
        < scene.style.annotator_angle
    ]
