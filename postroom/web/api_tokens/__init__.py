"""API tokens: a user's own, and for administrators everyone's."""
