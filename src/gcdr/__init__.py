"""GCDR: gaze-following labels from few annotations (Miao et al., ECCV 2024)."""

__version__ = "0.1.0"
