"""The sync itself: a pass over a mailbox's changes, its commit, the jobs that run it, and push intake.

The one place that touches provider, policy and database together. Effects and cursor are committed in
one transaction or not at all.
"""
