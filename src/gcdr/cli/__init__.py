"""What a user types outside the workflow."""
