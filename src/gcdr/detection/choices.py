"""What may be chosen of detection. No torch."""

from dataclasses import dataclass
from typing import Literal

from gcdr.base.jsonconfig import JsonConfig, setting


@dataclass(frozen=True, kw_only=True)
class DetectSettings(JsonConfig):
    """What decides the bodies that are found, beside the detector."""

    overlap: float = setting("Least overlap of a head and its body.", exclusiveMinimum=0, maximum=1)
    measure: Literal["head_area", "iou"] = setting(
        "What overlap is: the share of the head box inside the body box, or intersection over union.",
        "head_area",
    )
    batch: int = setting(
        "Images detected together; part of the result's bits.", minimum=1, maximum=4096
    )


@dataclass(frozen=True, kw_only=True)
class Detect(DetectSettings):
    """The section ``detect``."""

    weights: str = setting("Folder of the detector.", format="path")
    shards: int | None = setting(
        "Jobs that share the images; null: as many as the people need, 8,000 a job. Never changes a bit.",
        minimum=1,
        maximum=10000,
    )


@dataclass(frozen=True, kw_only=True)
class HeadSettings(JsonConfig):
    """What decides the heads that are found, beside the detector."""

    score: float = setting("Least score of a head.", minimum=0, maximum=1)
    batch: int = setting("Images looked at together.", minimum=1, maximum=4096)


@dataclass(frozen=True, kw_only=True)
class Heads(HeadSettings):
    """The section ``heads``."""

    weights: str = setting(
        'For photographs "centerface", which is installed with the project, or torchvision\'s Keypoint R-CNN '
        "(.pth), whose keypoints of the face give the head box; or the folder of a Mask R-CNN of heads.",
        format="path",
    )
