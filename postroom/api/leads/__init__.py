"""Leads: list, read, make, change, merge and delete."""
