"""How much worse raw maps of a film are if one frame in so many is asked about, beside asking every frame.

    python benchmarks/carried.py RESULTS/data/DATASET PRIOR EVERY [EVERY ...]

PRIOR is a store of every frame's maps, such as ofa-world-body; nothing is asked anew. AvgDist
(cell centre) of their peaks to the labels of who looks into the frame; blocks of 64 people, as in a run.
"""

import sys
from pathlib import Path

import numpy as np
import torch

from gcdr.data.along_tracks import tracks_of
from gcdr.data.heatmaps import peak_points
from gcdr.data.manifest import people_digest, read_annotated, read_people
from gcdr.data.stores import read_prior
from gcdr.priors.carried import head_motion, moved_map

BLOCK = 64


def main(folder: str, store: str, *every: str) -> None:
    root = Path(folder)
    people = read_people(root / "manifest.parquet")
    labels = read_annotated(root / "annotated.parquet")
    gaze = labels[["gaze_x", "gaze_y"]].to_numpy(float)
    ids = people["sample_id"].to_numpy()
    held = read_prior(root / f"priors/{store}.h5", people_digest(people), ids)
    maps, tracks = held.heatmap[:, :1], tracks_of(people)
    known = np.isfinite(gaze).all(1) & labels["in_frame"].fillna(True).to_numpy(bool) & held.valid
    for step in map(int, every):
        rows = [np.arange(at, min(at + BLOCK, len(ids))) for at in range(0, len(ids), BLOCK)]
        leader = np.concatenate([part[tracks.leaders(part, step)] for part in rows])
        motion = head_motion(people, leader)
        for title, by in (("moved with the head", motion), ("left where it was", 0 * motion)):
            shown = np.stack([moved_map(maps[at], to) for at, to in zip(leader, by, strict=True)])
            points = peak_points(torch.from_numpy(shown[:, 0])).numpy()
            error = np.linalg.norm(points - gaze, axis=1)[known]
            asked = (leader == np.arange(len(ids))).mean()
            print(
                f"every {step}: {asked:.0%} of {len(ids)} people asked, maps {title}: "
                f"AvgDist {error.mean():.4f} (n {known.sum()})"
            )
            if step == 1:
                break


if __name__ == "__main__":
    main(*sys.argv[1:])
