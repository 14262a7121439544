"""The user's own account: name and time zone."""
