"""The REST API: the account's leads, mail, journal, mailboxes and settings for other programs.

A token acts as the user who made it and can never do more than that user may on the pages; its scopes narrow
that down further. This room answers in JSON only and never looks at a browser's session.
"""
