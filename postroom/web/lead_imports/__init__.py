"""Importing leads from a CSV file: choose it, see what would happen, say go, see what happened (R-082)."""
