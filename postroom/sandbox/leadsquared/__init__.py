"""A stand-in for LeadSquared: leads, activities, users, files, its refusals and its limits.

The API host and the files host of any region are served from one origin, with the paths as at LeadSquared.
What its documentation (apidocs.leadsquared.com) leaves open says so where it is decided.
"""

from ..faults import Fault
from .activities import Activity, ActivityType, FieldOfType
from .fields import LeadField
from .leads import Lead
from .limits import PLANS, Limits
from .people import Key, User
from .sandbox import WELL_KNOWN, LeadSquaredSandbox, Settings

__all__ = [
    "PLANS",
    "WELL_KNOWN",
    "Activity",
    "ActivityType",
    "Fault",
    "FieldOfType",
    "Key",
    "Lead",
    "LeadField",
    "LeadSquaredSandbox",
    "Limits",
    "Settings",
    "User",
]
