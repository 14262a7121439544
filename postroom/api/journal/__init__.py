"""What became of each mail, and why."""
