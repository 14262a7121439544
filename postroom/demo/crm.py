"""The other CRM of the demo's company: its LeadSquared account, and the destination that delivers there."""

from postroom.demo import company
from postroom.destinations.leadsquared.settings import LeadSquaredSettings
from postroom.destinations.managing import create_destination
from postroom.organisations.models import Account, Role, User
from postroom.sandbox.leadsquared import WELL_KNOWN, FieldOfType, LeadSquaredSandbox

SENT, RECEIVED = 201, 202
_FIELDS = (
    ("mx_Custom_1", "subject", "Subject"),
    ("mx_Custom_2", "from", "From"),
    ("mx_Custom_3", "to", "To"),
    ("mx_Custom_4", "key", "Postroom's id"),
)
_ROLES = {
    Role.ADMINISTRATOR: "Administrator",
    Role.SALES_MANAGER: "Sales_Manager",
    Role.SALES_USER: "Sales_User",
}


def open_account(leadsquared: LeadSquaredSandbox) -> None:
    """Its users, the two types of activity, and the first of the company's leads; the others come by mail."""
    for email, name, role in company.PEOPLE:
        leadsquared.add_user(email, name, _ROLES[role])
    leadsquared.add_key(*WELL_KNOWN, user=company.ADMINISTRATOR)
    fields = [FieldOfType(schema, label) for schema, _, label in _FIELDS]
    leadsquared.add_activity_type("Email Sent", fields, SENT, outbound=True)
    leadsquared.add_activity_type("Email Received", fields, RECEIVED)
    first, last, email, firm, owner = company.LEADS[0]
    leadsquared.add_lead(
        email, owner=owner, FirstName=first, LastName=last, Company=firm, Source="Trade fair"
    )


def deliver_there(account: Account) -> None:
    """Let the account's activities go to LeadSquared from now on."""
    chosen = {schema: value for schema, value, _ in _FIELDS}
    settings = LeadSquaredSettings(SENT, RECEIVED, sent_fields=chosen, received_fields=chosen)
    secrets = {"access_key": WELL_KNOWN[0], "secret_key": WELL_KNOWN[1]}
    administrator = User.objects.get(account=account, email=company.ADMINISTRATOR)
    create_destination(account, "leadsquared", "LeadSquared", settings.to_json(), secrets, administrator)
