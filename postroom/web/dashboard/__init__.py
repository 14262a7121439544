"""The log of what became of each mail: of one user, or of all whom the viewer may see (R-071, R-072)."""
