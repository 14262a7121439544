"""What a mail is: values, and the pure functions that read bytes into them.

Speaks of messages, addresses, headers, parts and attachments (RFC 5322, RFC 2045). It knows no
provider, no database and no clock, and never fetches anything.
"""
