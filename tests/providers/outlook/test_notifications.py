"""Subscriptions and what comes of them, from handshake to lifecycle."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from postroom.errors import ProviderError
from postroom.providers.outlook.notifications import Push, client_state, read_notifications
from postroom.sandbox.microsoft import MicrosoftSandbox
from tests.mails import mail
from tests.providers.contract import ADDRESS, STRANGER
from tests.providers.outlook.room import STATE, Intake, OutlookRoom

pytestmark = pytest.mark.asyncio


async def settled(microsoft: MicrosoftSandbox) -> None:
    await asyncio.to_thread(microsoft.wait_for_notifications)


async def test_both_folders_are_watched_for_nearly_a_week_and_renewed(
    room: OutlookRoom, microsoft: MicrosoftSandbox
) -> None:
    watch = await room.source().watch()
    assert watch is not None
    assert timedelta(days=6, hours=23) < watch.expires_at - datetime.now(UTC) < timedelta(days=7)
    first = {each.id for each in microsoft.notifier.live()}
    assert {each.folder for each in microsoft.notifier.live()} == {"inbox", "sentitems"}
    microsoft.clock.advance(60)
    again = await room.source().watch()
    assert again is not None
    assert {each.id for each in microsoft.notifier.live()} == first


async def test_a_mail_is_notified_with_the_mailboxs_secret(
    room: OutlookRoom, microsoft: MicrosoftSandbox, intake: Intake
) -> None:
    await room.source().watch()
    room.deliver(mail())
    room.send(mail(from_=ADDRESS, to=STRANGER))
    await settled(microsoft)
    told = [one for body in intake.bodies for one in read_notifications(body)]
    assert [one.event for one in told] == ["created", "created"]
    assert all(one.is_genuine(STATE) for one in told)
    assert not any(one.is_genuine(client_state(b"another secret", "1")) or one.is_genuine("") for one in told)
    assert {one.subscription for one in told} == {each.id for each in microsoft.notifier.live()}


async def test_an_address_that_does_not_answer_is_told(room: OutlookRoom, intake: Intake) -> None:
    intake.deaf = True
    with pytest.raises(ProviderError, match="cannot reach Postroom's address"):
        await room.source().watch()
    assert not room.is_watched()


async def test_a_removed_subscription_is_made_again(
    room: OutlookRoom, microsoft: MicrosoftSandbox, intake: Intake
) -> None:
    await room.source().watch()
    assert microsoft.lifecycle(ADDRESS, "subscriptionRemoved") == 2
    await settled(microsoft)
    told = [one for body in intake.bodies for one in read_notifications(body)]
    assert [(one.event, one.needs_renewal, one.is_genuine(STATE)) for one in told] == [
        ("subscriptionRemoved", True, True)
    ] * 2
    assert not room.is_watched()
    await room.source().watch()
    assert room.is_watched()


async def test_a_subscription_that_goes_elsewhere_gives_way(
    room: OutlookRoom, microsoft: MicrosoftSandbox, intake: Intake
) -> None:
    """The deployment's address or secret has changed; two of them cannot be."""
    await room.source().watch()
    room.push = Push(f"{room.push.url}?key=2", client_state(b"a new secret", "1"))
    await room.source().watch()
    assert {each.notification_url for each in microsoft.notifier.live()} == {room.push.url}
    room.deliver(mail())
    await settled(microsoft)
    (told,) = read_notifications(intake.bodies[-1])
    assert told.is_genuine(room.push.client_state)


async def test_a_renewal_reauthorises(room: OutlookRoom, microsoft: MicrosoftSandbox, intake: Intake) -> None:
    await room.source().watch()
    microsoft.lifecycle(ADDRESS, "reauthorizationRequired")
    room.deliver(mail())
    await settled(microsoft)
    assert {one.event for body in intake.bodies for one in read_notifications(body)} == {
        "reauthorizationRequired"
    }
    await room.source().watch()
    room.deliver(mail())
    await settled(microsoft)
    assert [one.event for one in read_notifications(intake.bodies[-1])] == ["created"]


async def test_missed_notifications_need_no_renewal(
    room: OutlookRoom, microsoft: MicrosoftSandbox, intake: Intake
) -> None:
    await room.source().watch()
    microsoft.lifecycle(ADDRESS, "missed")
    await settled(microsoft)
    (first, *_) = read_notifications(intake.bodies[0])
    assert (first.event, first.needs_renewal) == ("missed", False)


@pytest.mark.parametrize(
    "body", [b"", b"[]", b'{"value": 7}', b'{"value": ["x"]}', b'{"value": [{"subscriptionId": 1}]}']
)
async def test_a_body_that_is_no_delivery(body: bytes) -> None:
    with pytest.raises(ProviderError):
        read_notifications(body)


async def test_secrets_differ_by_mailbox_and_fit() -> None:
    one, other = client_state(b"secret", "1"), client_state(b"secret", "2")
    assert one != other
    assert len(one) <= 128
