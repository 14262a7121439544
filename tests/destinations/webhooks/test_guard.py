"""Webhooks reach the internet, and nothing inside, whatever a name leads to."""

from dataclasses import replace
from ipaddress import ip_address, ip_network

import pytest

from postroom.config import WebhookAllowance, load_config
from postroom.destinations.checking import check
from postroom.destinations.managing import create_destination, save_destination
from postroom.destinations.models import DestinationState
from postroom.destinations.webhooks.guard import is_outside
from postroom.destinations.webhooks.settings import WebhookSettings, problems, to_data, url_problem
from postroom.destinations.webhooks.signing import new_secrets
from postroom.errors import Misconfigured, Unavailable
from tests.destinations.room import run_drain
from tests.sync.conftest import make_lead

INSIDE = (
    *("127.0.0.1", "127.1.2.3", "0.0.0.0", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1"),
    *("169.254.169.254", "100.64.0.1", "100.100.100.200", "168.63.129.16", "192.0.0.192", "198.18.0.1"),
    *("224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255", "192.0.2.1", "203.0.113.9"),
    *("::1", "::", "fe80::1", "fc00::1", "fd00:ec2::254", "fec0::1", "ff02::1", "2001:db8::1"),
    *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1"),
    *("64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::a00:1", "2002:7f00:1::", "2002:a9fe:a9fe::1"),
    *("2001::1", "100::1"),
)
OUTSIDE = (
    *("8.8.8.8", "1.1.1.1", "93.184.216.34", "100.63.255.255", "100.128.0.1", "172.32.0.1"),
    *("2606:4700:4700::1111", "2a00:1450:4001::200e", "::ffff:8.8.8.8", "64:ff9b::808:808"),
)


@pytest.mark.parametrize("address", INSIDE)
def test_an_address_inside(address):
    assert not is_outside(ip_address(address))


@pytest.mark.parametrize("address", OUTSIDE)
def test_an_address_outside(address):
    assert is_outside(ip_address(address))


@pytest.mark.parametrize(
    "url",
    [
        *(
            "",
            "example.com",
            "ftp://example.com/",
            "https://",
            "https:///hook",
            "https://user:pw@example.com/",
        ),
        *("http://example.com/hook", "https://example.com:99999/", "https://[::1", "https://exa\nmple.com/"),
        *("file:///etc/passwd", "https://example.com/" + "a" * 2000),
    ],
)
def test_a_url_that_cannot_be_called(settings, url):
    assert url_problem(url, settings.POSTROOM)
    assert problems(WebhookSettings(url), settings.POSTROOM)["url"]


def test_a_url_that_can_be_called(settings):
    assert problems(WebhookSettings("https://example.com:8443/hook?of=us"), settings.POSTROOM) == {}
    assert problems(WebhookSettings("https://example.com/", events=()), settings.POSTROOM)["events"]


@pytest.fixture
def not_allowed(settings, listener):
    """The listener is there, and http:// is allowed to a name, but to no address inside."""
    settings.POSTROOM = replace(settings.POSTROOM, webhook_allow=WebhookAllowance())
    return listener


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "2130706433", "0x7f.1"])
def test_nothing_inside_is_called_by_whatever_name(account, not_allowed, host):
    """Where the check of the URL were passed, the connection itself is refused."""
    port = not_allowed.origin.rpartition(":")[2]
    place = create_destination(
        account,
        "webhook",
        "Inside",
        to_data(WebhookSettings(f"https://{host}:{port}/hook")),
        new_secrets(),
        None,
    )
    with pytest.raises((Misconfigured, Unavailable)) as caught:
        check(place)
    assert not_allowed.received == 0
    assert any(words in str(caught.value) for words in ("inside", "cannot be reached", "no URL"))


def test_a_name_that_leads_inside_stops_the_destination(account, not_allowed, clock, told):
    port = not_allowed.origin.rpartition(":")[2]
    url = f"https://localhost:{port}/hook"
    place = create_destination(
        account, "webhook", "Inside", to_data(WebhookSettings(url)), new_secrets(), None
    )
    make_lead(account, "nora@customer.example")
    run_drain(place, clock, told)
    assert place.state == DestinationState.STOPPED
    assert "inside a network" in place.last_error
    assert not_allowed.received == 0


def test_the_operator_can_allow_hosts_and_networks():
    config = load_config(
        {"POSTROOM_WEBHOOK_ALLOW": "10.0.0.0/8, crm.internal,127.0.0.1", "POSTROOM_HOME": "/x"}
    )
    allowance = config.webhook_allow
    assert allowance.names("CRM.internal")
    assert allowance.covers("crm.internal", ip_address("192.168.0.9"))
    assert allowance.covers("other.example", ip_address("10.9.9.9"))
    assert not allowance.covers("other.example", ip_address("192.168.0.9"))
    assert allowance.networks == (ip_network("10.0.0.0/8"), ip_network("127.0.0.1/32"))
    with pytest.raises(Misconfigured, match="POSTROOM_WEBHOOK_ALLOW"):
        load_config({"POSTROOM_WEBHOOK_ALLOW": "10.0.0.1/8", "POSTROOM_HOME": "/x"})


def test_no_redirect_is_followed(webhook, listener, account, clock):
    listener.always, listener.answer_headers = 302, {"Location": f"{listener.origin}/elsewhere"}
    make_lead(account, "nora@customer.example")
    run_drain(webhook, clock)
    assert listener.received == 1
    assert "redirects are not followed" in webhook.deliveries.get().said


def test_an_endless_answer_is_not_read_to_its_end(webhook, listener, account, clock):
    listener.always, listener.answer = 500, b"no " * 5_000_000
    make_lead(account, "nora@customer.example")
    run_drain(webhook, clock)
    assert len(webhook.deliveries.get().said) < 400


def test_a_url_changed_to_a_good_one_goes_on(webhook, listener, account, clock):
    url = webhook.settings["url"]
    bad = {**webhook.settings, "url": "http://example.com/"}
    saved = save_destination(webhook, version=1, by=None, settings=bad)
    make_lead(account, "nora@customer.example")
    run_drain(saved, clock)
    assert saved.state == DestinationState.STOPPED
    saved = save_destination(saved, version=2, by=None, settings={**bad, "url": url})
    assert run_drain(saved, clock).delivered == 1
