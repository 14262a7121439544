"""What the account's policy says of a mail: a pure function from message and settings to a decision.

Speaks of settings, rules, counterparts, leads and decisions. It has no clock, no I/O and no Django,
and the same function serves the sync, the dry run and the question why a mail was not synced.
"""
