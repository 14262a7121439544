"""The time inside the sandbox: real time, plus whatever a test has advanced it by."""

import time


class Clock:
    """Seconds since the epoch (UTC), which can be moved forward but never back."""

    def __init__(self) -> None:
        self.offset = 0.0
        """Seconds ahead of real time."""

    def now(self) -> float:
        return time.time() + self.offset

    def millis(self) -> int:
        return int(self.now() * 1000)

    def advance(self, seconds: float) -> None:
        """Let ``seconds`` pass at once: codes, tokens, watches and quota windows age accordingly."""
        if seconds < 0:
            raise ValueError("the sandbox's clock only goes forward")
        self.offset += seconds
