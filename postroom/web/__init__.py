"""The pages: one folder a screen, with its views, forms and templates; nothing decided here."""
