"""The stages' settings, built from the configuration in one place."""
