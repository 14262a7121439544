"""Leads: the list, and Lead Details with the history of mail (requirements H). All of the account see all."""
