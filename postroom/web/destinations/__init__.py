"""Destinations: where activities and leads are delivered to, how that goes, and what was given up (R-084)."""
