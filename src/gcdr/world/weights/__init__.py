"""Training of the weights that the demo world ships."""
