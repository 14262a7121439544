"""The mail on leads, with attachments."""
