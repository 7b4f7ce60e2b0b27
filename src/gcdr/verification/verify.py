"""A published number measured again: a released model, or precomputed maps, on the public test pictures."""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from tqdm import tqdm

from gcdr.base.errors import InputError
from gcdr.base.plain import JsonTable
from gcdr.base.seeds import numpy_rng
from gcdr.data.depth_maps import check_depth_names, depth_file, open_depth
from gcdr.data.folds import clusters, resampled
from gcdr.data.manifest import BOX, annotators_points, people_alone, people_digest, write_table
from gcdr.data.prior_maps import prior_maps
from gcdr.datasets.assemble import Dataset
from gcdr.datasets.layout import Source, annotation_files, is_of_test
from gcdr.datasets.read import EXPECTED, READERS
from gcdr.datasets.videoattentiontarget import read_videoattentiontarget
from gcdr.evaluation.picture_origins import may_be_seen
from gcdr.evaluation.scores import score_maps, summarise, summarise_in_frame
from gcdr.models.interface import GazeModel
from gcdr.models.kinds import GAZE_MODELS
from gcdr.prediction.sources import open_picture
from gcdr.predictor.film_predictor import TrackedFrame, predict_frames
from gcdr.predictor.predictor import Predictor
from gcdr.priors.imported import import_gradcams
from gcdr.priors.whose import name_lacking
from gcdr.verification.claims import GAZEFOLLOW, OURS, PROTOCOLS, VIDEO, Claim

MAP_SIZE, LAYER = 64, 11
NO_AP = "the model does not tell who looks into the frame (of Gaze-LLE: a file with -inout)"
ALL_INSIDE = "nobody among these people looks out of the frame"
LOST = (
    0.01  # share of test people without a picture beyond which the data is taken for half unpacked
)
CLIPS = 8  # of films, which a part of the pictures is of at the least
ROUNDING = 0.0005  # published numbers have three digits


@dataclass(frozen=True)
class TestSet:
    """Test people of a public data set.

    Attributes:
        kind: of the data set.
        root: folder of the pictures.
        people: (N) rows of the manifest.
        points: (N, A, 2) annotators' points, padded with NaN; all NaN of who looks out of the frame.
        of: how many test people there are in all.
        lost: how many of these have no readable picture.
        table: the manifest of all of them.
        files: the annotation files.
        bodies: boxes of bodies that the annotations bring, see :class:`gcdr.datasets.assemble.Dataset`.
    """

    kind: str
    root: Path
    people: pd.DataFrame
    points: np.ndarray
    of: int
    lost: int
    table: pd.DataFrame
    files: tuple[Path, ...]
    bodies: pd.DataFrame


def read_test_set(source: Source, pictures: int | None = None, seed: int = 0) -> TestSet:
    """The test people of a data set; training files are not looked at, and need not be there.

    Args:
        source: of the kind GazeFollow or VideoAttentionTarget.
        pictures: take so many test pictures, whole clips of films; None takes all.
        seed: which.

    Raises:
        InputError: another kind, no test annotations, faulty ones, or pictures that are not unpacked.
    """
    kind, root = source["kind"], Path(source["root"])
    if kind not in PROTOCOLS:
        raise InputError(f"{root}: found {kind}, expected one of {', '.join(PROTOCOLS)}")
    files = [path for path in annotation_files(source) if is_of_test(path, root)]
    if not files:
        raise InputError(
            f"{root}: no test annotations; expected {EXPECTED[kind]}, those of the test set"
        )
    read = READERS[kind] if kind == GAZEFOLLOW else read_videoattentiontarget
    dataset: Dataset = read(root, files)
    if dataset.lost > LOST * dataset.people:
        raise InputError(
            f"{root}: {dataset.lost:,} of {dataset.people:,} test people have no readable picture; "
            "expected all test pictures to be unpacked there"
        )
    test = dataset.manifest[dataset.manifest["split"] == "test"]
    people = _some(test, pictures, seed)
    points = annotators_points(dataset.annotations, people["sample_id"].to_numpy(), files[0])
    inside = np.isfinite(points).all(2).any(1)
    if not inside.any():
        raise InputError(f"{root}: no test person looks into the frame; expected some")
    known = (len(test) + dataset.lost, dataset.lost, dataset.manifest, tuple(files), dataset.bodies)
    return TestSet(kind, root, people.reset_index(drop=True), points, *known)


def predicted(
    model: Predictor, test: TestSet, depth: Path | None = None
) -> tuple[np.ndarray, np.ndarray | None]:
    """What a model says of test people, picture by picture, along tracks where there are any.

    Args:
        model: a gaze model that sees no prior maps.
        test: N people.
        depth: folder of the pictures' depth (:mod:`gcdr.data.depth_maps`), for a model that sees it.

    Returns:
        heatmaps (N, H, W) float32 in [0, 1]; and the probability (N,) of looking into the frame, of a model
        that tells.

    Raises:
        InputError: a picture or its depth cannot be read, or the model needs prior maps.
    """
    size, count = model.model.map_size, len(test.people)
    maps = np.zeros((count, size, size), np.float32)
    inside = np.zeros(count, np.float32) if model.model.tells_in_frame else None
    total = test.people["image"].nunique()
    with tqdm(total=total, desc="predicting", unit="picture", mininterval=1, disable=None) as bar:
        for _, film in test.people.groupby(clusters(test.people), sort=False):
            by_frame = _frames_of(film)
            for rows, one in zip(
                by_frame, predict_frames(model, _tracked(test, by_frame, depth)), strict=True
            ):
                maps[rows.index] = one.people.heatmap
                if inside is not None and one.people.in_frame is not None:
                    inside[rows.index] = one.people.in_frame
                bar.update()
    return maps, inside


def check_depth(depth: Path, test: TestSet) -> list[Path]:
    """The depth maps of test people, before any is opened.

    Raises:
        InputError: some lack, or two pictures would share one.
    """
    names = test.people["image"].unique()
    check_depth_names(names)
    files = [depth_file(depth, name) for name in names]
    absent = [file for file in files if not file.is_file()]
    if absent:
        raise InputError(
            f"--depth: {len(absent):,} of {len(files):,} pictures have no depth map, such as {absent[0]}"
        )
    return files


def precomputed(pickles: list[Path], test: TestSet, size: int = MAP_SIZE) -> np.ndarray:
    """The authors' precomputed Grad-CAM maps (N, size, size) of test people, at the layer of the paper.

    Raises:
        InputError: they are not such pickles, or lack more than a hundredth of the people.
    """
    if test.kind != GAZEFOLLOW:
        raise InputError(f"{pickles[0]}: found maps for {test.kind}, expected those of GazeFollow")
    with tempfile.TemporaryDirectory() as folder:
        manifest, store = Path(folder, "manifest.parquet"), Path(folder, "maps.h5")
        people = people_alone(test.table)
        write_table(people, manifest, people_digest(people))
        import_gradcams(manifest, pickles, test.files, [LAYER], store)
        ids = test.people["sample_id"].to_numpy()
        maps, valid = prior_maps(store, people_digest(people), ids, LAYER, size)
    if (lacking := int((~valid).sum())) > LOST * len(ids):
        raise InputError(
            f"{pickles[0]}: no map, or an empty one, for {lacking:,} of {len(ids):,} test people: "
            f"{name_lacking(test.people, ~valid)}; expected maps of everybody"
        )
    return maps


def beside_claim(
    claim: Claim,
    test: TestSet,
    maps: np.ndarray,
    inside: np.ndarray | None,
    slack: float = 0.0,
    wide: float = 1.0,
) -> JsonTable:
    """What was measured beside what was published.

    Args:
        claim: the publication's numbers.
        test: N people.
        maps: (N, H, W) heatmaps.
        inside: (N,) probability of looking into the frame, or None.
        wide: how many times as far from the measured number a published one may be as the interval's end.
        slack: how much further than the interval a published number may lie, as a part of it (of AUC and AP,
            of what they lack to 1).

    Returns:
        ``metrics``: by published name the ``published`` value, ``measured`` under its protocol with ``low``
        and ``high`` (95 % interval), ``agrees``, and ``own``, the same under this project's protocol;
        ``protocols``: every number of the same maps that the field calls so; ``overlap`` by pictures that a
        prior may have seen; and how many people there are.
    """
    looking = np.isfinite(test.points).all(2).any(1)
    people = test.people[looking].reset_index(drop=True)
    scores = score_maps(maps[looking], people, test.points[looking])
    summary = summarise(scores)
    if inside is not None and not looking.all():
        groups = resampled(test.people)[0]
        summary["in_frame_ap"] = summarise_in_frame(inside, looking, groups)
    metrics, absent = {}, {}
    for name, value in claim.values.items():
        if (found := summary.get(PROTOCOLS[test.kind][name])) is None:
            absent[name] = NO_AP if inside is None else ALL_INSIDE
            continue
        own = summary[OURS[PROTOCOLS[test.kind][name]]]["value"]
        more = ROUNDING + slack * (1 - value if name in ("AUC", "AP") else value)
        middle, ends = found["value"], (found["low"], found["high"])
        low, high = (middle + wide * (end - middle) for end in ends)
        agrees = low - more <= value <= high + more
        metrics[name] = {
            "published": value, "measured": middle, "low": ends[0], "high": ends[1],
            "agrees": bool(agrees), "own": own,
        }  # fmt: skip
    return {
        "claim": claim.name,
        "title": claim.title,
        "source": claim.source,
        "dataset": test.kind,
        "people": len(test.people),
        "of": test.of,
        "unreadable": test.lost,
        "pictures": int(test.people["image"].nunique()),
        "metrics": metrics,
        **({"absent": absent} if absent else {}),
        "protocols": {name: found["value"] for name, found in summary.items()},
        "overlap": _by_overlap(scores) if test.kind == GAZEFOLLOW else {},
    }


def _by_overlap(scores: pd.DataFrame) -> JsonTable:
    """The metrics of people in pictures of COCO and Pascal, and of the others."""
    seen = np.array(may_be_seen(scores["image"]), object)
    parts = {"COCO and Pascal": seen == True, "others": seen == False}  # noqa: E712
    found = {}
    for name, rows in parts.items():
        if rows.any():
            summary = summarise(scores[rows].reset_index(drop=True))
            chosen = {metric: summary[metric] for metric in PROTOCOLS[GAZEFOLLOW].values()}
            found[name] = {"people": int(rows.sum()), "metrics": chosen}
    return found


def _some(people: pd.DataFrame, pictures: int | None, seed: int) -> pd.DataFrame:
    """People of so many pictures: whole pictures, or whole clips, in an order drawn by the seed.

    Of films there are ``CLIPS`` clips at the least, since frames of one say the same: an interval over them
    would be far too narrow.
    """
    if pictures is None or pictures >= people["image"].nunique():
        return people
    unit = pd.Series(clusters(people), index=people.index)
    counts = people["image"].groupby(unit).nunique()
    order = counts.iloc[numpy_rng(seed, "verify").permutation(len(counts))]
    least = CLIPS if (counts > 1).any() else 1
    chosen = order.index[: max(least, int((order.cumsum() < pictures).sum()) + 1)]
    return people[unit.isin(chosen)]


def _frames_of(film: pd.DataFrame) -> list[pd.DataFrame]:
    """The people of each frame of a clip, frames in the order of time; a picture is a clip of one."""
    order = ["frame", "image"] if "frame" in film and film["frame"].notna().all() else ["image"]
    return [rows for _, rows in film.groupby(order, sort=True)]


def _tracked(
    test: TestSet, by_frame: list[pd.DataFrame], depth: Path | None
) -> Iterator[TrackedFrame]:
    tracks: dict[object, int] = {}
    for number, rows in enumerate(by_frame):
        named = rows["track"] if test.kind == VIDEO else rows["sample_id"]
        track = np.array([tracks.setdefault(name, len(tracks)) for name in named])
        name = rows["image"].iloc[0]
        image, _ = open_picture(test.root / name)
        deep = None
        if depth is not None:
            deep = np.asarray(open_depth(depth_file(depth, name), image.size, test.root / name))
        at = int(rows["frame"].iloc[0]) if test.kind == VIDEO else number
        yield TrackedFrame(at, image, rows[BOX].to_numpy(float), track, deep)


def claimed_by(model: GazeModel) -> str:
    """Whose published numbers a model is held to where nobody says: VAT's are those of all labels.

    Raises:
        InputError: none are known of a model of its kind and size.
    """
    about = GAZE_MODELS[model.kind]
    shapes = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    for size, claim in about.claims.items():
        if (size in about.depth) == model.needs.depth and all(
            shapes.get(name, shape) == shape for name, shape in about.marks_of(size).items()
        ):
            return claim
    raise InputError(
        f"no published numbers are known of such a {model.kind}; name some with --claim"
    )


def device_name(device: torch.device) -> str:
    """What computed, for the record."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"
