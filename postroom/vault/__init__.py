"""What must be kept safe: secrets, sealed before they are stored, and blobs, kept by their SHA-256.

Knows keys and bytes; not whose they are.
"""
