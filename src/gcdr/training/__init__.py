"""Training: objectives, the composition of batches and the loop that runs them."""
