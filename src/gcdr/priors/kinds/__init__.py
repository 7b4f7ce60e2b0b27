"""What may be said of a prior of each kind: one file a kind, and a table of them. No torch."""
