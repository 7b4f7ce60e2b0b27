"""Names of methods and metrics as people read them, and the paper's numbers beside them."""

from dataclasses import dataclass

METHOD_NAMES = {
    "vat": "VAT (supervised)",
    "semi-vat": "Semi-VAT",
    "semi-vat-gc": "Semi-VAT-GC",
    "gcdr": "GCDR",
    "raw": "No refinement (raw Grad-CAM)",
    "argmax": "Argmax refinement",
    "no-gradcam": "No Grad-CAM (from noise)",
    "vat-gc": "VAT-GC",
    "gradcam": "Raw Grad-CAM",
    "diffusion-gc": "Diffusion-GC (refined maps)",
    "centre": "Image centre",
    "human": "One annotator",
}

TRAINED_KINDS = ("student", "teacher")
KINDS = (*TRAINED_KINDS, "maps", "baseline")

PAPER_SHARE = 10
PAPER_LABEL = "paper, GazeFollow"
PAPER_METRICS = ("dist_to_mean", "min_dist", "auc")
# Miao et al., ECCV 2024, GazeFollow with 10 % of the labels: AvgDist, MinDist, AUC.
PAPER = {
    "vat": (0.202, 0.133, 0.869),
    "semi-vat": (0.195, 0.128, 0.875),
    "semi-vat-gc": (0.195, 0.127, 0.879),
    "gcdr": (0.179, 0.115, 0.886),
    "raw": (0.237, 0.166, 0.833),
    "argmax": (0.207, 0.139, 0.869),
    "no-gradcam": (0.191, 0.125, 0.867),
    "gradcam": (0.254, 0.180, 0.791),
    "diffusion-gc": (0.177, 0.112, 0.846),
    "vat-gc": (0.188, 0.121, 0.884),
}


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
    "auc": Metric("AUC", "", higher_is_better=True),
}
TABLE_METRICS = ("dist_to_mean", "dist_to_mean_reference", "min_dist", "auc")


def method_name(method: str) -> str:
    """The display name of a method; the method itself where it has none."""
    return METHOD_NAMES.get(method, method)
