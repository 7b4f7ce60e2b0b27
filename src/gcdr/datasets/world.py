"""The demo world, still or moving, as a data set: JPEG pictures, manifest, annotators, true body boxes."""

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


def _draw_scenes(folder: Path, world: WorldSettings, workers: int) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    with ProcessPoolExecutor(workers) as pool:
        counts = (("train", world.train_people, 0), ("test", world.test_people, 1))
        for split, count, first in counts:
            (folder / split).mkdir(parents=True, exist_ok=True)
            task = partial(_write_scene, folder, world, split)
            found = 0
            with tqdm(total=count, desc=f"drawing {split}", unit="person", mininterval=5) as bar:
                start = first
                while found < count:
                    chunk = max(16, min(256, count - found))
                    indices = range(start, start + 2 * chunk, 2)
                    for people in pool.map(task, indices, chunksize=16):
                        if found < count:
                            rows.extend(people)
                            found += len(people)
                            bar.update(len(people))
                    start += 2 * chunk
    used = {row["image"] for row in rows}
    for path in folder.glob("*/*.jpg"):
        if str(path.relative_to(folder)) not in used:
            path.unlink()
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
    indices = [*range(0, 2 * show.clips, 2), *range(1, 2 * show.test_clips, 2)]
    rows: list[dict[str, Any]] = []
    with atomic(folder) as new, ProcessPoolExecutor(workers) as pool:
        new.mkdir()
        clips = pool.map(partial(_write_clip, new, show), indices)
        for people in tqdm(clips, desc="drawing", total=len(indices), unit="clip", mininterval=5):
            rows.extend(people)
    return _tables(rows)


def _write_clip(folder: Path, show: ShowSettings, index: int) -> list[dict[str, Any]]:
    size, split = (show.width, show.height), "test" if index % 2 else "train"
    (folder / f"{index:03d}").mkdir(parents=True, exist_ok=True)
    rows: list[dict[str, Any]] = []
    for frame, scene in enumerate(draw_clip(show.seed, index, STYLES[show.style], show.frames)):
        if not scene.people:
            continue
        name = f"{index:03d}/{frame:05d}.jpg"
        _write_picture(folder / name, scene, size)
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
    size = (world.width, world.height)
    scene = draw_scene(world.seed, index, STYLES[world.style])
    usable = [n for n, person in enumerate(scene.people) if split == "train" or person.in_frame]
    if not usable:
        return []
    name = f"{split}/{index:06d}.jpg"
    _write_picture(folder / name, scene, size)
    people = []
    for number in usable:
        row = _row(name, split, scene.people[number], size)
        if split == "test":
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
