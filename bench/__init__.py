"""Benchmarks: what Postroom costs, beside the raw limit and a peer in the same run.

`make bench` prints one table. `python -m bench --mails 2000` is a quicker look.
"""
