"""Heads that are found frame by frame, linked to tracks.

No package is needed for it: heads are few, do not cross often, and are told by where they are alone. Each
head takes the track whose last box it overlaps best, both boxes grown to twice their sides, so that a head
may move by about its own width from one look to the next; pairs are taken best first. A track that nothing
continues waits for a while and then ends. Who a person is, is not recognised: somebody who comes back later
is a new track.
"""

from dataclasses import dataclass, field

import numpy as np

from gcdr.base.errors import InputError
from gcdr.data.crops import grow

GROWN = 0.5  # of a box's sides, on every side
LEAST = 0.1  # overlap (IoU) of two grown boxes that may be one head


@dataclass
class _Track:
    name: str
    box: np.ndarray
    seen: float


@dataclass
class Linker:
    """What links heads to tracks.

    Attributes:
        gap: seconds for which a track waits for a head, but at least until the next look.
        live: the tracks that wait, in the order in which they began.
        ended: names of those that wait no more.
        later: names of tracks that began when another had ended, which may be somebody who came back.
        looked: the time of the frame before.
    """

    gap: float = 1.0
    live: list[_Track] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    later: list[str] = field(default_factory=list)
    looked: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.gap < np.inf:
            raise InputError(f"gap: found {self.gap}, expected seconds, 0 or more")

    def __call__(self, boxes: np.ndarray, seconds: float) -> list[str]:
        """The names of the tracks of heads.

        Args:
            boxes: (n, 4) float64 x0, y0, x1, y1 in pixels.
            seconds: the time of their frame; never before an earlier call's.

        Returns:
            n names, each once: ``person-1``, ``person-2``, ... in the order in which they are first seen,
            from the left to the right.
        """
        # A millionth: times are fractions of a second that a float does not hold.
        late = min(seconds - self.gap - 1e-6, self.looked)
        gone = [track for track in self.live if track.seen < late]
        self.looked = seconds
        self.ended += [track.name for track in gone]
        self.live = [track for track in self.live if track not in gone]
        names = [""] * len(boxes)
        alike = _overlaps(np.array([track.box for track in self.live]).reshape(-1, 4), boxes)
        while alike.size and alike.max() >= LEAST:
            old, new = np.unravel_index(int(alike.argmax()), alike.shape)
            alike[old], alike[:, new] = 0, 0
            track = self.live[old]
            track.box, track.seen, names[new] = boxes[new], seconds, track.name
        for new in np.argsort(boxes[:, 0], kind="stable"):
            if not names[new]:
                names[new] = f"person-{len(self.live) + len(self.ended) + 1}"
                self.live.append(_Track(names[new], boxes[new], seconds))
                self.later += [names[new]] if self.ended else []
        return names


def _overlaps(one: np.ndarray, two: np.ndarray) -> np.ndarray:
    """(n, m) IoU of boxes (n, 4) and (m, 4), both grown."""
    a, b = grow(one, GROWN)[:, None], grow(two, GROWN)[None]
    shared = np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2])
    area = shared.clip(0).prod(-1)
    whole = (a[..., 2:] - a[..., :2]).prod(-1) + (b[..., 2:] - b[..., :2]).prod(-1)
    return area / (whole - area)
