"""The journal: what became of each mail, and why (R-072), as far as the viewer may see it (R-075)."""
