"""People, their bodies and their heads in pictures."""
