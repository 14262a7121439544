"""Postroom: open, self-hosted email-to-CRM sync."""

__version__ = "0.1.0"
