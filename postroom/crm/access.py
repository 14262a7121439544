"""Who may do what with leads. All of the account see and edit them, as in any CRM (R-082, R-083)."""

from postroom.crm.models import Lead
from postroom.organisations.models import Role, User


def may_manage_leads(user: User) -> bool:
    """Import and export: whole customer lists are not for every rep to take along."""
    return user.is_active and user.role != Role.SALES_USER


def may_delete(user: User, lead: Lead) -> bool:
    """Delete a lead: its owner, and whoever manages leads."""
    return may_manage_leads(user) or (user.is_active and lead.owner_id == user.pk)


def may_erase(user: User) -> bool:
    """Erase a person for good."""
    return user.is_active and user.is_administrator
