"""Names of methods and metrics as people read them, and the paper's numbers beside them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from gcdr.data.split_name import CHOSEN, OWN
from gcdr.evaluation.metrics import RADII
from gcdr.methods import METHODS, Method
from gcdr.models.kinds import GAZE_MODELS
from gcdr.variants import parse_variant


@dataclass(frozen=True)
class Ruler:
    """A row of a table that is no method; attributes as in :class:`Method`."""

    title: str
    definition: str


RULERS = {
    "diffusion": Ruler(
        "Diffusion (from noise)",
        "What the diffusion model itself says of a test person from pure noise; no student is trained.",
    ),
    "diffusion-gc": Ruler(
        "Diffusion-GC (refined maps)",
        "The prior's maps of the test people, refined by the diffusion model; no student is trained.",
    ),
    "gradcam": Ruler(
        "Raw Grad-CAM",
        "The highest point of the prior's map of a test person as it is, which has learned from no label.",
    ),
    "human": Ruler(
        "One annotator",
        "Each annotator's point, measured against the other annotators of the person.",
    ),
    "centre": Ruler("Image centre", "The middle of the picture, whoever is asked about."),
    "random": Ruler("Random point", "A point drawn at random in the picture, one a person."),
}

NAMED: dict[str, Method | Ruler] = METHODS | RULERS

TRAINED_KINDS = ("student", "teacher")
RESULT_KINDS = (*TRAINED_KINDS, "maps", "baseline")
DIFFUSION_MAPS = ("diffusion", "diffusion-gc")  # what the trained diffusion model itself says

PAPER_DATA = "GazeFollow"
PAPER_LABEL = f"paper, {PAPER_DATA}"
PAPER_METRICS = ("dist_to_mean", "min_dist", "auc")
# Miao et al., ECCV 2024, GazeFollow: AvgDist, MinDist, AUC by share of labels in per cent
# (Tables 1, 2, 4, S3, S6 and S7).
PAPER: dict[int, dict[str, tuple[float, float, float]]] = {
    5: {
        "vat": (0.230, 0.161, 0.835),
        "semi-vat": (0.222, 0.152, 0.846),
        "semi-vat-gc": (0.217, 0.149, 0.846),
        "vat-mt": (0.219, 0.150, 0.850),
        "gcdr": (0.201, 0.135, 0.863),
        "gcdr-mt": (0.194, 0.128, 0.870),
        "vat-gc": (0.210, 0.144, 0.848),
        "diffusion": (0.230, 0.160, 0.768),
        "diffusion-gc": (0.199, 0.131, 0.803),
        "gradcam": (0.254, 0.180, 0.791),
    },
    10: {
        "vat": (0.202, 0.133, 0.869),
        "semi-vat": (0.195, 0.128, 0.875),
        "semi-vat-gaussian": (0.576, 0.489, 0.777),
        "semi-vat-gc": (0.195, 0.127, 0.879),
        "semi-vat-gc-gaussian": (0.195, 0.127, 0.863),
        "vat-mt": (0.189, 0.122, 0.882),
        "gcdr": (0.179, 0.115, 0.886),
        "gcdr-mt": (0.172, 0.108, 0.892),
        "raw": (0.237, 0.166, 0.833),
        "argmax": (0.207, 0.139, 0.869),
        "no-gradcam": (0.191, 0.125, 0.867),
        "direct-mapping": (0.190, 0.122, 0.878),
        "direct-mapping-plain": (0.190, 0.122, 0.878),  # the paper does not say which of the two
        "vat-gc": (0.188, 0.121, 0.884),
        "diffusion": (0.203, 0.135, 0.847),
        "diffusion-gc": (0.177, 0.112, 0.846),
        "gradcam": (0.254, 0.180, 0.791),
    },
    20: {
        "vat": (0.182, 0.116, 0.892),
        "semi-vat": (0.176, 0.110, 0.896),
        "semi-vat-gc": (0.178, 0.112, 0.895),
        "vat-mt": (0.174, 0.108, 0.898),
        "gcdr": (0.166, 0.103, 0.902),
        "gcdr-mt": (0.162, 0.098, 0.904),
        "vat-gc": (0.173, 0.107, 0.898),
        "diffusion": (0.189, 0.124, 0.849),
        "diffusion-gc": (0.167, 0.103, 0.870),
        "gradcam": (0.254, 0.180, 0.791),
    },
    50: {
        "vat": (0.160, 0.096, 0.912),
        "semi-vat": (0.153, 0.090, 0.916),
        "semi-vat-gc": (0.149, 0.086, 0.917),
        "vat-mt": (0.150, 0.086, 0.918),
        "gcdr": (0.143, 0.082, 0.919),
        "gcdr-mt": (0.141, 0.080, 0.920),
        "gradcam": (0.254, 0.180, 0.791),
    },
    100: {"vat": (0.137, 0.077, 0.921), "gradcam": (0.254, 0.180, 0.791)},
}
for _rows in PAPER.values():
    # The paper does not say which sampler its figures are of.
    if "gcdr" in _rows:
        _rows |= dict.fromkeys(("gcdr-consistent", "gcdr-reference"), _rows["gcdr"])


@dataclass(frozen=True)
class Metric:
    """How a metric is shown: its name, how the point was read off the map, and its direction."""

    name: str
    decoding: str
    higher_is_better: bool = False

    @property
    def arrow(self) -> str:
        """The direction of better values."""
        return "↑" if self.higher_is_better else "↓"

    @property
    def label(self) -> str:
        """Name and decoding in one line."""
        return f"{self.name} ({self.decoding})" if self.decoding else self.name


METRICS = {
    "dist_to_mean": Metric("AvgDist", "cell centre"),
    "dist_to_mean_reference": Metric("AvgDist", "argmax/size"),
    "min_dist": Metric("MinDist", "cell centre"),
    "min_dist_reference": Metric("MinDist", "argmax/size"),
    "mean_dist": Metric("Mean distance", "cell centre"),
    "mean_dist_reference": Metric("Mean distance", "argmax/size"),
    **{
        f"success_{radius}": Metric(f"Within {radius}", "cell centre", higher_is_better=True)
        for radius in RADII
    },
    "auc": Metric("AUC", "", higher_is_better=True),
    "auc_64": Metric("AUC", "64 x 64 grid", higher_is_better=True),
    "auc_video": Metric("AUC", "video protocol", higher_is_better=True),
    "asked": Metric("Asked person", "share", higher_is_better=True),
    "moved": Metric("Moves with head", "share", higher_is_better=True),
    "in_frame_ap": Metric("In/out AP", "", higher_is_better=True),
    "dist_to_mean_seen": Metric("AvgDist", "of COCO and Pascal"),
    "dist_to_mean_unseen": Metric("AvgDist", "of other pictures"),
}
OPTIONAL_METRICS = (
    "asked",
    "dist_to_mean_seen",
    "dist_to_mean_unseen",
    "in_frame_ap",
)  # columns of a table only where one of its methods has them
TABLE_METRICS = ("dist_to_mean", "dist_to_mean_reference", "min_dist", "auc")
MEANING = (
    "AvgDist: distance to the mean of the annotators' points (not the mean of the distances); MinDist: "
    "to the nearest annotator's point; AUC: over the pixels of the image at its original size."
)
MEANING_VIDEO = (
    "AvgDist: distance to the annotated point, of which everybody has one, so MinDist is the same; AUC: over "
    "the heatmap's cells, the 19 x 19 about the point being positive, as VideoAttentionTarget is scored."
)
MEANING_ASKED = (
    "Asked person: of people with another one in the picture who looks elsewhere, the share whose point is "
    "nearer to their own target than to the other's; 0.5 for a model that ignores heads."
)


def share_name(share: int | str) -> str:
    """A label share as people read it: ``10 %``, or that the labels are the data set's own or chosen ones."""
    return {OWN: "own labels", CHOSEN: "chosen labels"}.get(str(share), f"{share} %")


def method_name(method: str) -> str:
    """The display name of a method; the method itself where it has none."""
    return NAMED[method].title if method in NAMED else method


def definition_of(method: str) -> str:
    """What a row is, in one sentence; empty for what is neither a method nor a ruler."""
    return NAMED[method].definition if method in NAMED else ""


VAT = GAZE_MODELS["vat"].title  # the paper's gaze model, after which its methods are called
KIND_TITLES = {name: kind.title for name, kind in GAZE_MODELS.items()}


def row_title(
    method: str,
    gaze: str | None = None,
    prior: str | None = None,
    labeller: str | None = None,
    *,
    several: bool = False,
) -> str:
    """The title of a row: what was done, by which gaze model, from which prior.

    Args:
        method: a name of ``gcdr.methods``.
        gaze: title of the gaze model that is trained, if one is.
        prior: name of the prior store; None where a report has one alone, and it goes without saying.
        labeller: title of the gaze model that makes the labels, where it is another one.
        several: whether rows of other gaze models stand beside it.

    Returns:
        for example ``Supervised Gaze-LLE``, ``GCDR, student Gaze-LLE`` or ``Raw map of prior graded``.
    """
    if method == "gradcam" and prior is not None:
        return f"Raw map of prior {prior}"
    about, title, parts = METHODS.get(method), method_name(method), []
    if about is not None and gaze is not None:
        named = about.labels_by_gaze
        if named:  # the method is called after the gaze model that makes the labels, or is judged
            called, *which = (labeller or gaze).split(" (", 1)
            title = " (".join([title.replace(VAT, called), *which])
        apart = several or gaze != VAT
        if method == "vat" and apart:
            title = f"Supervised {gaze}"
        elif about.student and apart and (labeller or not named):
            parts.append(f"student {gaze}")
    return ", ".join([title, *parts, *([f"prior {prior}"] if prior else [])])


def labeller_of_row(method: str, variant: str) -> str | None:
    """The gaze model that makes the labels of a row, where it is another one than the row's."""
    about = METHODS.get(method)
    apart = about is not None and about.teacher_apart and "+" in variant
    return parse_variant(variant).labeller if apart else None


def titled_row(row: Mapping[str, Any], results: pd.DataFrame) -> str:
    """The title of a row of results: gaze models and priors are told apart where there are several.

    Args:
        row: a row of ``results``, or of a table made from them.
        results: tidy table of `tables.read_metrics`, everything that stands side by side.
    """
    one_prior = results["prior"].nunique() < 2
    return row_title(
        row["method"],
        None if pd.isna(row["gaze"]) else row["gaze_title"],
        None if one_prior or pd.isna(row["prior"]) else row["prior"],
        None if pd.isna(row["labeller_title"]) else row["labeller_title"],
        several=results["gaze"].nunique() > 1,
    )
