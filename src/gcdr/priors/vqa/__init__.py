"""Priors from visual question answering: ask what a person looks at, see where the model looked."""
