"""User management: everyone's connected mailboxes, and what is done to them (R-070, R-073 to R-075)."""
