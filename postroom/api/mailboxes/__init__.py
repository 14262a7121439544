"""Mailboxes and their states."""
