"""The account's users."""
