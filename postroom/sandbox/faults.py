"""Things that go wrong on demand: errors, slowness, broken connections, odd pages, lost pushes.

A fault waits for requests that match it and acts on the next ``times`` of them, or on each with a
``probability`` drawn from the sandbox's seeded random, so that a run can be repeated.
"""

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from itertools import count
from random import Random
from typing import Literal

Kind = Literal[
    "error",
    "html",
    "garble",
    "latency",
    "truncate",
    "drop",
    "lose_answer",
    "late_error",
    "duplicate",
    "reorder",
    "invalid_grant",
    "lose_push",
    "duplicate_push",
]
KINDS: tuple[str, ...] = Kind.__args__
ON_ANSWERS = ("error", "html", "garble", "latency", "truncate", "drop", "duplicate", "reorder")
"""The kinds that act on calls of a mail API."""

_numbers = count(1)


@dataclass(slots=True)
class Fault:
    """One thing to go wrong.

    ``error``: ``status`` with the service's own JSON body for ``reason``. ``html``: ``status`` with the
    HTML page of a frontend. ``garble``: ``status`` with ``body`` as ``content_type``, whatever that is.
    ``latency``: answer after ``seconds``. ``truncate``: the headers promise the whole body, half comes, the
    connection closes. ``drop``: the connection closes without an answer. ``lose_answer``: what was asked
    for is done, and then the connection closes; ``late_error``: it is done, and the answer is an error.
    Only LeadSquared's stand-in knows these two, because only there something is written. ``duplicate`` and
    ``reorder``: the entries of a list or history page come twice, or shuffled. ``invalid_grant``: the token
    endpoint refuses a refresh. ``lose_push``, ``duplicate_push``: a notification is never sent, or sent
    twice.
    """

    kind: Kind
    method: str = "*"
    """Pattern over the method's name, such as ``messages.get`` or ``messages.*``. ``token``, ``revoke`` and
    ``certs`` let it act on these endpoints of sign-in, which are otherwise left alone."""
    path: str = "*"
    """Pattern over the request's path."""
    user: str = "*"
    """Pattern over the mailbox's address."""
    times: int | None = 1
    """How many requests it acts on; None for every one."""
    probability: float = 1.0
    skip: int = 0
    """Let that many matching requests pass first."""
    status: int = 503
    reason: str = ""
    message: str = ""
    body: str = ""
    content_type: str = "application/json; charset=UTF-8"
    retry_after: float | None = None
    """Seconds, for a ``Retry-After`` header."""
    seconds: float = 0.0
    id: int = field(default_factory=lambda: next(_numbers))
    hits: int = 0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"no such fault: {self.kind}")

    def matches(self, method: str, path: str, user: str) -> bool:
        return (
            fnmatchcase(method, self.method) and fnmatchcase(path, self.path) and fnmatchcase(user, self.user)
        )


class Faults:
    """The faults that are waiting."""

    def __init__(self, random: Random) -> None:
        self.waiting: list[Fault] = []
        self._random = random

    def add(self, fault: Fault) -> Fault:
        self.waiting.append(fault)
        return fault

    def remove(self, fault_id: int) -> None:
        self.waiting = [fault for fault in self.waiting if fault.id != fault_id]

    def clear(self) -> None:
        self.waiting.clear()

    def take(
        self, method: str, path: str = "", user: str = "", kinds: tuple[str, ...] = ON_ANSWERS
    ) -> list[Fault]:
        """The faults of these kinds that act on this request; each counts as used."""
        if not self.waiting:
            return []
        acting = [f for f in self.waiting if f.kind in kinds and f.matches(method, path, user)]
        taken = [fault for fault in acting if self._acts(fault)]
        self.waiting = [fault for fault in self.waiting if fault.times is None or fault.hits < fault.times]
        return taken

    def _acts(self, fault: Fault) -> bool:
        if fault.skip > 0:
            fault.skip -= 1
            return False
        if fault.probability < 1.0 and self._random.random() >= fault.probability:
            return False
        fault.hits += 1
        return True
