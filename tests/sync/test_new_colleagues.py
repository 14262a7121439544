"""Who joins the account while a pass is under way is a colleague from then on (R-042)."""

from postroom.crm.models import Lead
from postroom.sync import passes
from tests.mails import mail
from tests.sync.conftest import change_policy, make_rep


def test_r042_who_is_made_a_user_during_a_pass_becomes_no_lead(google, account, mailbox, sync, monkeypatch):
    change_policy(account, "inbound", capture=True)
    google.deliver(mailbox.address, mail(from_="nina@northwind.example"))
    google.deliver(mailbox.address, mail(from_="new@customer.example"))
    real, joined = passes.Pass._read_one, []

    async def joined_meanwhile(one: passes.Pass, change: object) -> object:
        if not joined:
            joined.append("Nina")
            await passes.in_thread(make_rep, account, "Nina")
        return await real(one, change)

    monkeypatch.setattr(passes.Pass, "_read_one", joined_meanwhile)
    sync(mailbox)
    assert set(Lead.objects.values_list("email", flat=True)) == {"new@customer.example"}
