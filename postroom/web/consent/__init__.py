"""Where a provider sends people back to after they were asked for their consent, and what for."""
