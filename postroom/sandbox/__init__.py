"""Local stand-ins for the services Postroom talks to, used by the demo, the tests and the benchmarks.

Each speaks over a real socket and keeps to the service's own documentation, never to what Postroom
happens to need: it is an independent second opinion. Nothing here leaves the machine.
"""
