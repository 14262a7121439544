"""The fields that the account added to its leads."""
