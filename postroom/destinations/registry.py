"""Every kind of destination there is, by the name that is stored with it.

To add one: a folder with a ``destination.py`` as the others have it, and its line here.
"""

from collections.abc import Mapping

from postroom.destinations.base import DestinationKind
from postroom.destinations.leadsquared.destination import LeadSquared
from postroom.destinations.webhooks.destination import Webhooks

KINDS: Mapping[str, DestinationKind] = {
    "leadsquared": LeadSquared(),
    "webhook": Webhooks(),
}
