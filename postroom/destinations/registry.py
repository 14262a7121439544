"""Every kind of destination there is, by the name that is stored with it.

To add one: a folder with a ``destination.py`` as the others have it, and its line here.
"""

from collections.abc import Mapping

from postroom.destinations.base import DestinationKind
from postroom.destinations.leadsquared.destination import LeadSquared

KINDS: Mapping[str, DestinationKind] = {
    "leadsquared": LeadSquared(),
}
