"""The rep's own page: connect a mailbox, activate it, see how it is, pause it, remove it (requirements F)."""
