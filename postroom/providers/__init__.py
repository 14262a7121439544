"""Mail providers: one folder each, all behind the port in ``base``.

A provider turns a mailbox into pages of changes and messages, and nothing else: it does not know what
the policy is, nor the database. It only ever reads (R-001).
"""
