"""The demo world, still or moving, as a data set: JPEG pictures, manifest, annotators, true body boxes."""

from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image
from tqdm import tqdm

from gcdr.base.files import atomic
from gcdr.data.manifest import BOX, build_manifest, people_alone, people_digest, write_table
from gcdr.world.annotators import annotate
from gcdr.world.clip import draw_clip
from gcdr.world.dataset import ShowSettings, WorldSettings
from gcdr.world.render import render
from gcdr.world.scene import Person, Scene, draw_scene
from gcdr.world.style import STYLES

JPEG_QUALITY = 92


@dataclass(frozen=True)
class WorldTables:
    """What is known of the pictures that were drawn.

    Attributes:
        manifest: see :mod:`gcdr.data.manifest`.
        annotations: ``sample_id``, ``annotator``, ``gaze_x``, ``gaze_y`` of the test people.
        bodies: ``sample_id`` and the true body box in pixels, for checking the detector alone.
    """

    manifest: pd.DataFrame
    annotations: pd.DataFrame
    bodies: pd.DataFrame

    def write(self, manifest: Path, annotated: Path, annotations: Path, bodies: Path) -> None:
        """Write the tables; people without labels, what the manifest is, come last."""
        digest = people_digest(self.manifest)
        write_table(self.annotations, annotations, digest)
        write_table(self.bodies, bodies, digest)
        write_table(self.manifest, annotated, digest)
        write_table(people_alone(self.manifest), manifest, digest)


def write_world(folder: Path, world: WorldSettings, workers: int = 1) -> WorldTables:
    """Draw scenes until there are enough people, and write them as JPEG.

    Training scenes have even indices and test scenes odd ones, so either number can grow without
    changing a picture of the other set.

    Args:
        folder: of the pictures, in ``train/`` and ``test/``; whole or not at all, in place of what is there.
        world: how many people at least (the last scene is kept whole), and what scenes they are in.
        workers: processes to draw with; the result does not depend on it.

    Raises:
        InputError: the disk does not take it.
    """
    with atomic(folder) as new:
        return _tables(_draw_scenes(new, world, workers))


def people_of_drawn(drawn: WorldSettings | ShowSettings) -> pd.DataFrame:
    """Who will be in a data set, before any of its pictures is drawn.

    Returns:
        the manifest's people, see :func:`gcdr.data.manifest.read_people`.
    """
    if isinstance(drawn, ShowSettings):
        rows = [row for index in _clips(drawn) for row in _clip_rows(drawn, index)]
    else:
        rows = _enough(drawn, lambda split, indices: map(partial(_rows, drawn, split), indices))
    return people_alone(_tables(rows).manifest)


def _draw_scenes(folder: Path, world: WorldSettings, workers: int) -> list[dict[str, Any]]:
    for split in ("train", "test"):
        (folder / split).mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(workers) as pool:

        def drawn(split: str, indices: range) -> Iterable[list[dict[str, Any]]]:
            return pool.map(partial(_write_scene, folder, world, split), indices, chunksize=16)

        rows = _enough(world, drawn, progress=True)
    used = {row["image"] for row in rows}
    for path in folder.glob("*/*.jpg"):
        if str(path.relative_to(folder)) not in used:
            path.unlink()
    return rows


def _enough(
    world: WorldSettings,
    of_scenes: Callable[[str, range], Iterable[list[dict[str, Any]]]],
    progress: bool = False,
) -> list[dict[str, Any]]:
    """People of as many scenes as it takes: (split, numbers of scenes) -> people of each."""
    rows: list[dict[str, Any]] = []
    for split, count, first in (("train", world.train_people, 0), ("test", world.test_people, 1)):
        found, start = 0, first
        about = f"drawing {split}"
        with tqdm(
            total=count, desc=about, unit="person", mininterval=5, disable=not progress
        ) as bar:
            while found < count:
                chunk = max(16, min(256, count - found))
                for people in of_scenes(split, range(start, start + 2 * chunk, 2)):
                    if found < count:
                        rows.extend(people)
                        found += len(people)
                        bar.update(len(people))
                start += 2 * chunk
    return rows


def write_show(folder: Path, show: ShowSettings, workers: int = 1) -> WorldTables:
    """Draw the clips of a show and write their frames as JPEG.

    Clips of the split train have even numbers and those of test odd ones, so either can grow without changing
    a picture of the other. Test people have one annotator, who is right, and are tested out of the frame too.

    Args:
        folder: of a folder a clip, with the frames in which there is somebody; as that of ``write_world``.
        show: the show, and how much of it.
        workers: processes to draw with; the result does not depend on it.
    """
    rows: list[dict[str, Any]] = []
    with atomic(folder) as new, ProcessPoolExecutor(workers) as pool:
        new.mkdir()
        clips = pool.map(partial(_write_clip, new, show), _clips(show))
        total = show.clips + show.test_clips
        for people in tqdm(clips, desc="drawing", total=total, unit="clip", mininterval=5):
            rows.extend(people)
    return _tables(rows)


def _clips(show: ShowSettings) -> list[int]:
    return [*range(0, 2 * show.clips, 2), *range(1, 2 * show.test_clips, 2)]


def _write_clip(folder: Path, show: ShowSettings, index: int) -> list[dict[str, Any]]:
    (folder / f"{index:03d}").mkdir(parents=True, exist_ok=True)

    def write(name: str, scene: Scene) -> None:
        _write_picture(folder / name, scene, (show.width, show.height))

    return _clip_rows(show, index, write)


def _clip_rows(
    show: ShowSettings, index: int, write: Callable[[str, Scene], None] = lambda name, scene: None
) -> list[dict[str, Any]]:
    """People of a clip, whose frames ``write`` gets with their names."""
    size, split = (show.width, show.height), "test" if index % 2 else "train"
    rows: list[dict[str, Any]] = []
    for frame, scene in enumerate(draw_clip(show.seed, index, STYLES[show.style], show.frames)):
        if not scene.people:
            continue
        name = f"{index:03d}/{frame:05d}.jpg"
        write(name, scene)
        for person in scene.people:
            row = _row(name, split, person, size)
            row |= {"sequence": f"{show.style}/{index:03d}", "track": str(person.track)}
            row |= {"frame": frame, "group": show.style}
            if split == "test":
                row["annotators"] = np.array([person.gaze or (np.nan, np.nan)])
            rows.append(row)
    return rows


def _write_scene(
    folder: Path, world: WorldSettings, split: str, index: int
) -> list[dict[str, Any]]:
    scene = draw_scene(world.seed, index, STYLES[world.style])
    people = _rows_of(scene, world, split, index, annotated=split == "test")
    if people:
        _write_picture(folder / people[0]["image"], scene, (world.width, world.height))
    return people


def _rows(world: WorldSettings, split: str, index: int) -> list[dict[str, Any]]:
    return _rows_of(draw_scene(world.seed, index, STYLES[world.style]), world, split, index)


def _rows_of(
    scene: Scene, world: WorldSettings, split: str, index: int, annotated: bool = False
) -> list[dict[str, Any]]:
    """Who is used of a scene: in the split test, who looks into the frame."""
    people = []
    for number, person in enumerate(scene.people):
        if split == "test" and not person.in_frame:
            continue
        name, size = f"{split}/{index:06d}.jpg", (world.width, world.height)
        row = _row(name, split, person, size)
        if annotated:
            row["annotators"] = annotate(scene, number, world.seed, index, world.annotators)
        people.append(row)
    return people


def _write_picture(path: Path, scene: Scene, size: tuple[int, int]) -> None:
    Image.fromarray(render(scene, *size)).save(path, quality=JPEG_QUALITY, subsampling=0)


def _row(name: str, split: str, person: Person, size: tuple[int, int]) -> dict[str, Any]:
    """A person of a picture as a row of the manifest, with the body box besides."""
    scale = np.array([*size, *size])
    gaze = person.gaze or (np.nan, np.nan)
    row: dict[str, Any] = {"image": name, "width": size[0], "height": size[1], "split": split}
    row |= dict(zip(BOX, np.round(np.array(person.head_box) * scale, 2), strict=True))
    row |= {"gaze_x": gaze[0], "gaze_y": gaze[1], "in_frame": person.in_frame}
    return row | {"label": person.noun, "body": np.round(np.array(person.body_box) * scale, 2)}


def _tables(rows: list[dict[str, Any]]) -> WorldTables:
    table = pd.DataFrame(rows)
    manifest = build_manifest(table, "demo world")
    key = ["image", *BOX]
    extras = table.reindex(columns=[*key, "body", "annotators"])
    extras = manifest[["sample_id", *key]].merge(extras, on=key)
    bodies = pd.DataFrame(np.stack(extras["body"].to_list()), columns=["x0", "y0", "x1", "y1"])
    bodies = bodies.add_prefix("body_")
    bodies.insert(0, "sample_id", extras["sample_id"])
    tested = extras[extras["annotators"].notna()]
    points = np.stack([*tested["annotators"]]) if len(tested) else np.empty((0, 1, 2))
    count = points.shape[1]
    annotations = pd.DataFrame(
        {
            "sample_id": np.repeat(tested["sample_id"].to_numpy(), count),
            "annotator": np.tile(np.arange(count), len(tested)),
            "gaze_x": points[..., 0].ravel(),
            "gaze_y": points[..., 1].ravel(),
        }
    )
    return WorldTables(manifest, annotations, bodies)
