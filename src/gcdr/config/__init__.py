"""The configuration: its schema, its checks, its reference page."""
