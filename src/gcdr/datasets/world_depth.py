"""Depth of the demo world's pictures, still or moving: as it is drawn, or as an estimator would give it."""

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import groupby
from pathlib import Path

import pandas as pd
from tqdm import tqdm

from gcdr.base.files import atomic
from gcdr.base.seeds import numpy_rng
from gcdr.data.depth_maps import depth_file, save_depth
from gcdr.world.clip import draw_clip
from gcdr.world.dataset import DrawnDepth, ShowSettings, WorldSettings
from gcdr.world.depth import estimated, scene_depth
from gcdr.world.scene import Scene, draw_scene
from gcdr.world.style import STYLES


def write_world_depth(
    people: pd.DataFrame, images: Path, drawn: DrawnDepth, out: Path, workers: int = 1
) -> None:
    """Draw the depth of every picture; each scene is drawn again from its number, which its name tells.

    Args:
        people: the manifest's people.
        images: folder of the pictures.
        drawn: what they were drawn by, and how their depth is.
        out: folder of the depth maps, see :mod:`gcdr.data.depth_maps`; whole or not at all.
        workers: processes to draw with; the result does not depend on it.

    Raises:
        InputError: the disk does not take it.
    """
    names = sorted(set(people["image"]))
    together = [list(held) for _, held in groupby(names, Path if drawn.show is None else _clip)]
    with atomic(out) as new, ProcessPoolExecutor(workers) as pool:
        new.mkdir()
        made = pool.map(partial(_write_maps, images, drawn, new), together, chunksize=16)
        for _ in tqdm(made, "drawing depth", len(together), mininterval=5):
            pass


def _clip(name: str) -> Path:
    """The clip that a frame is of, which is drawn as a whole."""
    return Path(name).parent


def _write_maps(images: Path, drawn: DrawnDepth, out: Path, names: list[str]) -> None:
    world = drawn.stills or drawn.show
    assert world is not None
    for name, scene in _scenes(names, world):
        depth = scene_depth(scene, world.width, world.height)
        if drawn.noisy:
            depth = estimated(depth, numpy_rng(world.seed, f"depth {name}"))
        save_depth(depth_file(out, name), depth, images / name)


def _scenes(names: list[str], world: WorldSettings | ShowSettings) -> Iterator[tuple[str, Scene]]:
    style = STYLES[world.style]
    if isinstance(world, WorldSettings):
        for name in names:
            yield name, draw_scene(world.seed, int(Path(name).stem), style)
        return
    clip = draw_clip(world.seed, int(_clip(names[0]).name), style, world.frames)
    for name in names:
        yield name, clip[int(Path(name).stem)]
