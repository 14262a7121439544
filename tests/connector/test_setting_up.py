"""When an account is open to mailboxes, and at which providers (R-010, R-021, R-053)."""

import pytest

from postroom.connector.models import AuditArea, AuditEntry, Provider, SetUp
from postroom.connector.setting_up import (
    NotOpenYet,
    ProviderOff,
    SetUpUnfinished,
    Step,
    complete,
    complete_at_once,
    finish_step,
    mark_prepared,
    open_steps,
    refuse_until_open,
    save_providers,
    set_up_of,
)


def test_r010_steps_are_open_until_they_are_saved_whatever_their_order(account):
    assert open_steps(set_up_of(account)) == list(Step)
    finish_step(account, Step.INBOUND)
    finish_step(account, Step.SECURITY)
    finish_step(account, Step.SECURITY)
    left = [Step.ACCESS, Step.PROVIDER, Step.OUTBOUND, Step.ADVANCED, Step.DONE]
    assert open_steps(set_up_of(account)) == left


def test_r053_completing_names_what_is_missing(account, ada):
    finish_step(account, Step.SECURITY)
    with pytest.raises(SetUpUnfinished, match=r"Not saved yet: Connector Access, Provider, Outbound"):
        complete(account, ada)
    for step in Step:
        if step is not Step.DONE:
            finish_step(account, step)
    complete(account, ada)
    completed_at = set_up_of(account).completed_at
    complete(account, ada)
    assert set_up_of(account).completed_at == completed_at
    assert open_steps(set_up_of(account)) == []
    assert AuditEntry.objects.filter(area=AuditArea.SET_UP).count() == 1


def test_r053_a_rep_is_told_who_has_to_finish_what(account, ada, rita):
    with pytest.raises(NotOpenYet, match="Ada has to finish the set-up first; still open: Security"):
        refuse_until_open(rita, Provider.GMAIL)
    complete_at_once(account)
    refuse_until_open(rita, Provider.GMAIL)


def test_r021_a_provider_that_is_off_takes_no_new_mailbox_and_keeps_the_old(account, ada, rita, mailbox):
    complete_at_once(account)
    save_providers(account, [], ada)
    assert mailbox.is_syncing
    refuse_until_open(rita, Provider.GMAIL)
    with pytest.raises(ProviderOff, match="does not connect Gmail mailboxes"):
        refuse_until_open(ada, Provider.GMAIL)


def test_r046_what_is_chosen_at_the_provider_is_in_the_audit_trail(account, ada):
    save_providers(account, ["gmail"], ada)
    save_providers(account, ["gmail"], ada)
    mark_prepared(account, Provider.GMAIL, ada, prepared=True)
    mark_prepared(account, Provider.GMAIL, ada, prepared=True)
    mark_prepared(account, Provider.GMAIL, ada, prepared=False)
    said = list(AuditEntry.objects.order_by("pk").values_list("said", flat=True))
    assert said == [
        "Chose Gmail for mailboxes.",
        "Marked the app as trusted at Gmail.",
        "Marked the app as not trusted at Gmail.",
    ]
    assert SetUp.objects.get().prepared == []
