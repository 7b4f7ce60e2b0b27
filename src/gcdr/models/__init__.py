"""Gaze models and the denoiser: plain modules, built from and described by JSON configurations."""
