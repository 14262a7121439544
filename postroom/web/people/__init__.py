"""The account's people: invite, change, deactivate, and the yes-or-no fields (R-013, R-014, R-016)."""
