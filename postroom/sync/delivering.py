"""What people do to a destination after which something may go out at once: resume it, save it, send again.

The drain is queued with the change, so whoever looks on need not wait for the next look at what is due.
"""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

from django.db import transaction

from postroom.destinations import managing
from postroom.destinations.models import Destination
from postroom.sync.jobs import deliver_soon

Given = ParamSpec("Given")
Result = TypeVar("Result")


def _waking(
    change: Callable[Concatenate[Destination, Given], Result],
) -> Callable[Concatenate[Destination, Given], Result]:
    """``change``, and a drain with it; none where the change says that it came to 0 deliveries."""

    @wraps(change)
    @transaction.atomic
    def change_and_wake(destination: Destination, *args: Given.args, **kwargs: Given.kwargs) -> Result:
        result = change(destination, *args, **kwargs)
        if result != 0:
            deliver_soon(destination)
        return result

    return change_and_wake


resume = _waking(managing.resume)
save = _waking(managing.save_destination)
send_again = _waking(managing.replay)
