"""Test people whom the report shows by rule: best, median, worst and most disputed."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from gcdr.data.along_tracks import tracks_of
from gcdr.data.manifest import BOX
from gcdr.data.pictures import open_image
from gcdr.report.overlays import encode, panel

SIDE = 300  # longer side of a picture in pixels
BY_ANNOTATORS = "Where the annotators disagree most: mean distance of their points from their mean."
BY_METHODS = "Where the points of the two methods lie farthest apart; everybody has one annotator."
TRACK = "Along a track"
RULES = {
    "Best": "The smallest distances to the annotators’ mean.",
    "Median": "Distances closest to the median person’s.",
    "Worst": "The largest distances.",
    TRACK: "One person of a film, frame by frame: of all who are seen long enough the one of median error.",
}


@dataclass(frozen=True)
class PersonShown:
    """A person with picture and error.

    Attributes:
        group, rule: heading, and how its people are chosen.
        picture: an encoded JPEG.
        alt: what it shows.
        error: the student's error, as text.
        about: what else is said of the person.
    """

    group: str
    rule: str
    picture: bytes
    alt: str
    error: str
    about: str


def pick_people(
    distance: np.ndarray, disputed: np.ndarray, image: np.ndarray, count: int
) -> dict[str, np.ndarray]:
    """Rows of the people who are shown, by group; nobody twice, and of an image one person.

    Args:
        distance: (N,) error of the student.
        disputed: (N,) how far annotators, or methods, are apart.
        image: (N,) the image of each person.
        count: people in a group, if there are as many.

    Returns:
        by ``Best``, ``Median``, ``Worst`` and ``Most disputed``; equal people by their row.
    """
    orders = {
        "Best": distance,
        "Median": np.abs(distance - np.median(distance)),
        "Worst": -distance,
        "Most disputed": -disputed,
    }
    seen: set[str] = set()
    return {
        group: np.array(list(_first(np.argsort(key, kind="stable"), image, seen, count)), int)
        for group, key in orders.items()
    }


def pick_track(people: pd.DataFrame, distance: np.ndarray, count: int) -> dict[str, np.ndarray]:
    """Frames of one track, evenly spaced, as a further group; nothing where nobody is seen ``count`` times.

    Args:
        people: the N people's rows of the manifest.
        distance: (N,) error of the student.
        count: frames.
    """
    tracks = tracks_of(people)
    if tracks is None:
        return {}
    order = tracks.in_time(np.arange(len(people)))
    cuts = np.flatnonzero(np.diff(tracks.track[order])) + 1
    found = [rows for rows in np.split(order, cuts) if len(rows) >= count]
    if not found:
        return {}
    errors = [distance[rows].mean() for rows in found]
    rows = found[np.argsort(errors, kind="stable")[(len(found) - 1) // 2]]
    return {TRACK: rows[np.linspace(0, len(rows) - 1, count).round().astype(int)]}


def _first(order: np.ndarray, image: np.ndarray, seen: set[str], count: int) -> Iterator[int]:
    found = 0
    for row in order:
        if found == count:
            return
        if image[row] not in seen:
            seen.add(image[row])
            found += 1
            yield int(row)


def person_pictures(
    picked: dict[str, np.ndarray],
    errors: pd.DataFrame,
    people: pd.DataFrame,
    annotations: np.ndarray,
    heatmap: dict[int, np.ndarray],
    images: Path,
    other: str,
    disputed_rule: str,
) -> list[PersonShown]:
    """Pictures and captions.

    Args:
        picked: of :func:`pick_people`.
        errors: N rows with index ``sample_id``: ``student other spread noun``.
        people: the N people's rows of the manifest.
        annotations: (N, A, 2) in 0..1, padded with NaN.
        heatmap: the student's maps (h, w) of the picked people by row.
        images: folder of the pictures.
        other: title of what the student is compared with.
        disputed_rule: how the most disputed are chosen.
    """
    shown = []
    for group, rows in picked.items():
        rule = RULES.get(group, disputed_rule)
        for row in rows:
            person, error = people.iloc[row], errors.iloc[row]
            pixels = np.asarray(open_image(images / person["image"]))
            points = annotations[row][np.isfinite(annotations[row]).all(1)]
            drawn = panel(
                pixels,
                heatmap[int(row)],
                head_box=tuple(person[BOX].to_numpy(float)),
                points=points,
                size=SIDE,
            )
            said = [f"off, {other} {error['other']:.3f}"]
            if len(points) > 1:
                said.append(f"annotators {error['spread']:.3f} from their mean")
            said += [f"answer “{error['noun']}”"] if error["noun"] else []
            said.append(f"{person['image']}, person {errors.index[row]}")
            alt = (
                f"Person {errors.index[row]} in {person['image']}: the student’s point is "
                f"{error['student']:.3f} from the mean of {len(points)} annotators"
            )
            encoded = encode(drawn, "JPEG")
            number = f"{error['student']:.3f}"
            shown.append(PersonShown(group, rule, encoded, alt, number, " · ".join(said)))
    return shown
