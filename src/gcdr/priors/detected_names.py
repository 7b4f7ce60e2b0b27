"""What people look at, named by what a detector finds where their pseudo-labels point."""

from pathlib import Path

import numpy as np
import pandas as pd
import torch

from gcdr.base.errors import InputError
from gcdr.base.files import write_sealed
from gcdr.data.heatmaps import peak_points
from gcdr.data.label_space import read_label_space
from gcdr.data.lookup import places
from gcdr.data.manifest import people_digest, read_people
from gcdr.data.parquet import write_table
from gcdr.data.pictures import open_image
from gcdr.data.shown import read_shown, shown_names, split_identity
from gcdr.data.split import UNLABELLED
from gcdr.data.stores import read_labels
from gcdr.data.vocabulary import MISSING
from gcdr.priors.named_people import accuracy_of_names
from gcdr.priors.region_namers import RegionNamer, region_namer


def name_by_detection(
    pseudo: Path,
    manifest: Path,
    images: Path,
    labels: Path,
    space: Path,
    detector: Path,
    tower: Path,
    device: torch.device,
    out: Path,
) -> None:
    """Name what pseudo-labelled people look at by what lies under the peaks of their pseudo-labels.

    People who show a name are named under their own points: how often that is right says what the detector
    is worth where the place is known.

    Args:
        pseudo: label store of pseudo-labels, refined or not.
        manifest: the manifest.
        images: folder of the pictures.
        labels: the label split.
        space: the vocabulary.
        detector: folder of the detector, see :func:`gcdr.priors.region_namers.region_namer`.
        tower: folder of CLIP, for a model that names nothing itself.
        device: where to compute.
        out: as of :func:`gcdr.priors.named_people.name_people`, but for people who have no pseudo-label
            and do not show where they look: they are not in the table.

    Raises:
        InputError: a file is damaged or of other people or another split, or the folder holds no such model.
    """
    people = read_people(manifest)
    digest, vocabulary = people_digest(people), read_label_space(space)
    held = read_labels(pseudo, digest, None, split_identity(labels)["digest"])
    shown = read_shown(labels, digest)
    shown = shown[(shown["role"] != UNLABELLED) & shown["gaze_x"].notna()]
    heatmap = held.heatmap if held.heatmap.ndim == 3 else held.heatmap.mean(1)
    peaks = peak_points(torch.from_numpy(heatmap[held.valid])).numpy()
    ids = np.concatenate([held.sample_id[held.valid], shown["sample_id"]]).astype(np.int64)
    points = np.concatenate([peaks, shown[["gaze_x", "gaze_y"]].to_numpy(float)])
    rows = people.iloc[places(people["sample_id"].to_numpy(), ids, manifest)].reset_index(drop=True)
    namer = region_namer(detector, vocabulary, tower, device)
    place, confidence = _names_under(rows, points, images, namer)
    named = [vocabulary.names[at] if at != MISSING else None for at in place]
    columns = {"sample_id": ids, "name": named, "place": place, "confidence": confidence}
    true = shown_names(shown, vocabulary.names)
    own = slice(len(peaks), None)
    write_sealed(
        out.with_suffix(".json"),
        {"people": len(shown), **accuracy_of_names(place[own], confidence[own], true)},
    )
    write_table(pd.DataFrame(columns).sort_values("sample_id", ignore_index=True), out, digest)


def _names_under(
    rows: pd.DataFrame, points: np.ndarray, images: Path, namer: RegionNamer
) -> tuple[np.ndarray, np.ndarray]:
    """Names under points (N, 2) in 0..1 of pictures, each opened once; none where it cannot be read."""
    place, confidence = np.full(len(rows), MISSING), np.zeros(len(rows))
    for image, group in rows.groupby("image", sort=True):
        first, at = group.iloc[0], group.index.to_numpy()
        try:
            picture = open_image(images / str(image), (first["width"], first["height"]))
        except InputError as error:
            print(f"{error}: nobody in it is named")
            continue
        place[at], confidence[at] = namer(picture, points[at] * picture.size)
    return place, confidence
