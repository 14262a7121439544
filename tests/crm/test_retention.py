"""Content past its time goes, and no bytes that anything names (R-011)."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction

from postroom.crm.models import Attachment, DoomedBlob, MessageBody, StoredMessage
from postroom.crm.retention import (
    GRACE,
    claim,
    delete_doomed,
    doom,
    drop_content,
    forget_doomed,
    hold,
    keeps_content,
)
from postroom.organisations.models import Account

NOW = datetime.now(UTC)


def later() -> datetime:
    """When what is doomed now may go."""
    return datetime.now(UTC) + GRACE + timedelta(minutes=1)


def store(account: Account, days_old: int, blob: str = "b1") -> StoredMessage:
    message = StoredMessage.objects.create(
        account=account, identity=f"{days_old}{blob}", happened_at=NOW - timedelta(days=days_old)
    )
    MessageBody.objects.create(account=account, message=message, text="Hello")
    Attachment.objects.create(
        account=account, message=message, part="2", filename="plan.pdf", blob=blob, size=9
    )
    return message


@pytest.fixture
def deleted() -> list[str]:
    return []


def sweep(deleted: list[str], now: datetime | None = None) -> int:
    return delete_doomed(lambda _, blob: deleted.append(blob), now or later())


def test_r011_zero_days_keep_everything():
    assert keeps_content(0, datetime(1999, 1, 1, tzinfo=UTC))
    assert keeps_content(30, NOW - timedelta(days=29))
    assert not keeps_content(30, NOW - timedelta(days=31))


def test_r011_bodies_and_bytes_go_and_names_stay_with_the_reason(account):
    old, new = store(account, 400), store(account, 10, "b2")
    assert drop_content(account, NOW - timedelta(days=365)) == 1
    assert drop_content(account, NOW - timedelta(days=365)) == 0
    old.refresh_from_db()
    assert old.content_deleted_at
    assert MessageBody.objects.get().message == new
    row = Attachment.objects.get(message=old)
    assert (row.filename, row.blob) == ("plan.pdf", "")
    assert row.reason == "Deleted after the retention period of 365 days."


def test_r011_bytes_go_a_day_after_nothing_names_them(account, deleted):
    store(account, 400)
    drop_content(account, NOW - timedelta(days=365))
    assert (sweep(deleted, NOW), deleted) == (0, [])
    assert (sweep(deleted), deleted) == (1, ["b1"])
    assert sweep(deleted) == 0


def test_r011_bytes_that_another_mail_names_stay(account, deleted):
    store(account, 400)
    store(account, 10)
    drop_content(account, NOW - timedelta(days=365))
    sweep(deleted)
    assert deleted == []
    assert not DoomedBlob.objects.exists()


def test_r011_bytes_of_the_same_content_in_another_account_are_others(account, deleted):
    store(Account.objects.create(name="Other"), 10)
    store(account, 400)
    drop_content(account, NOW - timedelta(days=365))
    sweep(deleted)
    assert deleted == ["b1"]


def test_bytes_stored_again_before_their_day_have_another_to_be_named(account, deleted):
    doom(account.pk, ["b1"])
    DoomedBlob.objects.update(doomed_at=NOW - GRACE)
    assert hold(account.pk, {"b1", "b2"}) == set()
    sweep(deleted, NOW)
    assert deleted == []


def test_bytes_that_nothing_comes_to_name_go_after_a_day(account, deleted):
    hold(account.pk, {"b1"})
    sweep(deleted)
    assert deleted == ["b1"]


def test_bytes_that_a_commit_named_stay(account, deleted):
    hold(account.pk, {"b1", "b2"})
    claim(account.pk, {"b1"})
    sweep(deleted)
    assert deleted == ["b2"]


def test_bytes_stored_again_while_they_were_deleted_must_be_stored_once_more(account, deleted):
    doom(account.pk, ["b1"])
    sweep(deleted)
    assert hold(account.pk, {"b1", "b2"}) == {"b1"}
    assert hold(account.pk, {"b1"}) == set()


def test_bytes_that_cannot_be_deleted_are_tried_again(account, deleted):
    doom(account.pk, ["b1"])

    def fail(account_id: int, blob: str) -> None:
        raise OSError("The store is away.")

    with pytest.raises(OSError, match="away"), transaction.atomic():
        delete_doomed(fail, later())
    assert (sweep(deleted), deleted) == (1, ["b1"])


def test_the_rows_of_deleted_bytes_are_forgotten_after_another_day(account, deleted):
    doom(account.pk, ["b1"])
    sweep(deleted)
    forget_doomed(later())
    assert DoomedBlob.objects.exists()
    forget_doomed(later() + GRACE)
    assert not DoomedBlob.objects.exists()
