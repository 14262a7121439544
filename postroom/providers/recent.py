"""A bounded table of what was used last: a process that lives for months holds no more than it needs."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Recent(Generic[Key, Value]):
    """At most ``most`` values by key; those used longest ago are dropped. Safe to be shared by threads."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._held: OrderedDict[Key, Value] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Key) -> Value | None:
        with self._lock:
            if key in self._held:
                self._held.move_to_end(key)
            return self._held.get(key)

    def put(self, key: Key, value: Value) -> None:
        with self._lock:
            self._keep(key, value)

    def get_or_make(self, key: Key, make: Callable[[], Value]) -> Value:
        """The value held, or one made now; of two callers at once, both get the same."""
        with self._lock:
            value = self._held[key] if key in self._held else make()
            self._keep(key, value)
            return value

    def drop(self, key: Key) -> None:
        with self._lock:
            self._held.pop(key, None)

    def __len__(self) -> int:
        return len(self._held)

    def _keep(self, key: Key, value: Value) -> None:
        self._held[key] = value
        self._held.move_to_end(key)
        while len(self._held) > self._most:
            self._held.popitem(last=False)
