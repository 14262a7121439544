"""Destinations and what was delivered to them."""
