"""The customer organisation: its account, its users with their roles, and who sees whose things."""
