"""A list takes as many queries for many rows as for one."""

from datetime import UTC, datetime, timedelta

import pytest

from postroom.connector.models import JournalEntry
from postroom.crm.models import Activity, Attachment, Lead, MessageCopy, StoredMessage
from tests.api.room import program

MOST = 8


@pytest.mark.parametrize(
    "path",
    [
        *("/me", "/leads", "/leads?sort=recent&q=customer", "/lead-fields", "/lead-sources", "/activities"),
        *("/journal", "/journal?q=carol", "/mailboxes", "/users", "/settings", "/destinations"),
    ],
)
@pytest.mark.parametrize("who", ["ada", "max_", "rita"])
def test_a_list_takes_few_queries_whatever_it_holds(request, filed, path, who, django_assert_max_num_queries):
    asks = program(request.getfixturevalue(who))
    fill(filed)
    with django_assert_max_num_queries(MOST):
        answer = asks.get(path if "?" in path else f"{path}?limit=200" if path not in LONE else path)
    assert answer.status_code in {200, 403}


LONE = {"/me", "/settings"}


def fill(filed) -> None:
    """Sixty of each."""
    account, now = filed.lead.account, datetime.now(UTC)
    for number in range(60):
        lead = Lead.objects.create(account=account, first_name=f"Customer {number}", owner=filed.lead.owner)
        message = StoredMessage.objects.create(
            account=account, identity=f"{number:064}", happened_at=now - timedelta(minutes=number)
        )
        MessageCopy.objects.create(account=account, message=message, user=filed.lead.owner, sent=True)
        Attachment.objects.create(account=account, message=message, part="1", filename="x.pdf")
        Activity.objects.create(
            account=account, lead=lead, message=message, kind="email_sent", happened_at=message.happened_at
        )
    entries = [
        JournalEntry(
            account=account,
            user=filed.lead.owner,
            provider_id=str(number),
            outcome="skipped",
            rule="no_lead",
            settings_version=0,
            lead=filed.lead,
        )
        for number in range(60)
    ]
    JournalEntry.objects.bulk_create(entries)
