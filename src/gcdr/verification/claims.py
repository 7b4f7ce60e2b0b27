"""Numbers that were published, each with the protocol under which it was measured."""

from collections.abc import Mapping
from dataclasses import dataclass

from gcdr.base.errors import InputError
from gcdr.base.plain import JsonTable
from gcdr.report.paper_tables import PAPER_TABLES
from gcdr.report.rows import PAPER, method_name

GAZEFOLLOW, VIDEO = "gazefollow", "videoattentiontarget"
PROTOCOLS: dict[str, dict[str, str]] = {
    GAZEFOLLOW: {
        "AvgDist": "dist_to_mean_reference",
        "MinDist": "min_dist_reference",
        "AUC": "auc",
    },
    VIDEO: {"Dist": "dist_to_mean_reference", "AUC": "auc_video", "AP": "in_frame_ap"},
}
"""By data set and published name, the metric of ``evaluation.metrics`` that VAT, GCDR and Gaze-LLE measured:
the point is argmax / size, the average is the distance to the annotators' mean."""
OURS = {
    "dist_to_mean_reference": "dist_to_mean",
    "min_dist_reference": "min_dist",
    "auc": "auc",
    "auc_video": "auc_video",
    "in_frame_ap": "in_frame_ap",
}
"""The same number under this project's own protocol: the point is the highest cell's centre."""

READINGS = {
    "AvgDist": ("dist_to_mean_reference", "dist_to_mean", "mean_dist_reference", "mean_dist"),
    "Dist": ("dist_to_mean_reference", "dist_to_mean"),
    "MinDist": ("min_dist_reference", "min_dist"),
    "AUC": ("auc", "auc_64", "auc_video"),
    "AP": ("in_frame_ap",),
}
"""By published name what the field calls so, of the same maps; the first is the published protocol's."""
CLAIMED = (
    "vat", "semi-vat", "semi-vat-gc", "vat-mt", "gcdr", "gcdr-mt", "vat-gc", "diffusion", "diffusion-gc"
)  # fmt: skip
"""Rows of Tables 1 and 4 whose models others may have: students, and the teachers of unlabelled people."""
TEACHERS_ALONE = ("vat-gc", "diffusion", "diffusion-gc")
"""Those of them that are no model which sees a picture alone."""


@dataclass(frozen=True)
class Claim:
    """What a publication says of a model on a data set.

    Attributes:
        name: how it is called on the command line.
        title: of the model.
        dataset: kind of the data set.
        values: by published name of the metric.
        source: where it stands.
        maps: whether it is of precomputed prior maps and not of a model.
        teacher: of a teacher, the key of ``gcdr.methods.METHODS``; empty of what sees a picture alone.
    """

    name: str
    title: str
    dataset: str
    values: Mapping[str, float]
    source: str
    maps: bool = False
    teacher: str = ""


def _claims() -> dict[tuple[str, str], Claim]:
    names = {kind: tuple(metrics) for kind, metrics in PROTOCOLS.items()}
    chong, ryan = "Chong et al. (2020), as Miao et al. (2024) quote it", "Ryan et al. (2025)"
    said: list[tuple[str, str, str, tuple[float | None, ...], str]] = [
        ("vat", "VAT", GAZEFOLLOW, (0.137, 0.077, 0.921), chong),
        ("vat", "VAT", VIDEO, (0.134, 0.860, 0.853), chong),
        ("pdp", "Miao et al. 2023", GAZEFOLLOW, (0.123, 0.065, 0.934), "Miao et al. (2023)"),
        ("video-pdp", "Miao et al. 2023", VIDEO, (0.109, 0.917, 0.908), "Miao et al. (2023)"),
        ("gazelle-vitb14", "Gaze-LLE, ViT-B", GAZEFOLLOW, (0.104, 0.045, 0.956), ryan),
        ("gazelle-vitb14", "Gaze-LLE, ViT-B", VIDEO, (0.107, 0.933, 0.897), ryan),
        ("gazelle-vitl14", "Gaze-LLE, ViT-L", GAZEFOLLOW, (0.099, 0.041, 0.958), ryan),
        ("gazelle-vitl14", "Gaze-LLE, ViT-L", VIDEO, (0.103, 0.937, 0.903), ryan),
        ("gradcam", "Grad-CAM of OFA", GAZEFOLLOW, PAPER[10]["gradcam"], "Miao et al. (2024), S7"),
    ]
    for share, rows in PAPER.items():
        for method in CLAIMED:
            if method in rows and share < 100:
                title = f"{method_name(method)}, {share} % of the labels"
                said.append(
                    (f"{method}-{share}", title, GAZEFOLLOW, rows[method], "Miao et al. (2024)")
                )
    for row in PAPER_TABLES["table_s4"].rows:
        if row.share is None and (numbers := row.paper[None]):
            distance, _, auc = numbers
            title = f"{row.name}, labels of four shows"
            whose = "Miao et al. (2024), S4"
            said.append((f"{row.method}-shows", title, VIDEO, (distance, auc, None), whose))
    return {
        (kind, name): Claim(
            name,
            title,
            kind,
            {
                metric: value
                for metric, value in zip(names[kind], values, strict=True)
                if value is not None  # the AP of shows
            },
            source,
            name == "gradcam",
            next((one for one in TEACHERS_ALONE if name.rpartition("-")[0] == one), ""),
        )
        for name, title, kind, values, source in said
    }


CLAIMS = _claims()


def claim_of(dataset: str, name: str) -> Claim:
    """A publication's numbers.

    Raises:
        InputError: none is known; the message lists those that are.
    """
    if (dataset, name) in CLAIMS:
        return CLAIMS[dataset, name]
    known = [claim for kind, claim in CLAIMS if kind == dataset]
    if not known:
        kinds = ", ".join(PROTOCOLS)
        raise InputError(f"found a data set of the kind {dataset}, expected one of {kinds}")
    raise InputError(
        f"no published numbers of {name!r} on {dataset}; expected one of {', '.join(known)}"
    )


def other_reading(result: JsonTable) -> str | None:
    """Which readings of the same maps the published numbers are near, where they are not near their own.

    Args:
        result: of :func:`gcdr.verification.verify.beside_claim`.

    Returns:
        in words; None where a number agrees with no reading.
    """
    found = []
    for name, one in result["metrics"].items():
        if one["agrees"]:
            continue
        reach = (one["high"] - one["low"]) / 2
        values = {key: result["protocols"].get(key) for key in READINGS.get(name, ())[1:]}
        near = [
            k for k, v in values.items() if v is not None and abs(v - one["published"]) <= reach
        ]
        if not near:
            return None
        found.append(f"{name} is near {near[0]}")
    return ", ".join(found) or None
