"""The policy of the account."""
