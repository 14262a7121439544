"""Webhooks: every event as a signed HTTPS request to a URL of the customer's, by the Standard Webhooks spec.

A receiver tells a repetition by the header ``webhook-id``; what it answers with 2xx has arrived. A URL may
lead to no address inside: that is checked at each connection, not when it is entered.
"""
