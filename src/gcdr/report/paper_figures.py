"""The paper's figures: which maps each one shows. Data, and no torch; what draws them is in ``plates``."""

from collections.abc import Mapping
from dataclasses import dataclass, field

RAW, TRUTH = "Raw Grad-CAM", "Truth"


@dataclass(frozen=True)
class PaperFigure:
    """A figure of Miao et al., ECCV 2024, drawn anew from a study's own people.

    Attributes:
        title: what it shows.
        stores: headings by the method whose maps of test people it shows.
        steps: whether it shows what the diffusion model makes step by step.
    """

    title: str
    stores: Mapping[str, str] = field(default_factory=dict)
    steps: bool = False


PAPER_FIGURES = {
    "figure1b": PaperFigure("Figure 1b: a gallery of pseudo-labels", {"gcdr": "Pseudo-label"}),
    "figure4": PaperFigure(
        "Figure 4: pseudo-labels by teacher",
        {
            "semi-vat": "VAT",
            "semi-vat-gc": "VAT-GC",
            "direct-mapping": "Direct mapping",
            "no-gradcam": "Diffusion\n(No Grad-CAM)",
            "gcdr": "GCDR",
        },
    ),
    "figure5": PaperFigure("Figure 5: maps by the timestep they are noised up to", steps=True),
    "figure_s2": PaperFigure(
        "Figure S2: nearer maps with less AUC",
        {"semi-vat-gc": "VAT-GC", "gcdr": "Diffusion-GC"},
    ),
    "figure_s3": PaperFigure("Figure S3: maps by denoising step", steps=True),
}
WHERE_REPORTED = frozenset({"direct-mapping"})
"""Methods that are shown only where the report has them: each would train a model for the figure alone."""
