"""Heatmaps against annotators."""
