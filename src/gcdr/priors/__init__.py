"""Priors from elsewhere: points, boxes and maps that some other source made, as prior stores."""
