"""Running things at the same moment, each on a database connection of its own."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from django.db import connections


def at_once(*works: Callable[[], object]) -> list[BaseException]:
    """Run all in threads that start together; what they raised."""
    start = Barrier(len(works))

    def run(work: Callable[[], object]) -> None:
        try:
            start.wait()
            work()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(works)) as threads:
        runs = [threads.submit(run, work) for work in works]
    return [error for one in runs if (error := one.exception())]
