"""Predictions on a person's own pictures, from files to tables and pictures."""
