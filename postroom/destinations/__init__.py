"""Other CRMs and listeners that the account's activities and leads are delivered to (R-084).

What is to be delivered is written in the transaction that makes it so (the outbox), and drained afterwards:
in order for each lead, within the destination's own limits, each delivery once, visibly. This room never
looks into a mailbox, and nothing waits for it.
"""
