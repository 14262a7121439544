"""How dates are written, a module for each language; templates name a format, such as ``DATETIME_FORMAT``."""
