"""The demo world: illustrated rooms in which people look at things."""
