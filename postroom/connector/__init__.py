"""The connector as people see it: settings, OAuth apps, mailboxes with their states, and the journal."""
