"""Endpoints that answer what no server would, as one does whose owner means harm."""

import socketserver
import threading
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_network

import pytest

from postroom.config import WebhookAllowance
from postroom.destinations.managing import create_destination
from postroom.destinations.models import Delivery, DeliveryAttempt, Destination
from postroom.destinations.webhooks.settings import WebhookSettings, to_data
from postroom.destinations.webhooks.signing import new_secrets
from tests.destinations.room import post, run_drain
from tests.sync.conftest import make_lead


class Raw(socketserver.ThreadingTCPServer):
    """Answers each request with the same bytes."""

    allow_reuse_address = daemon_threads = True
    answer = b""


class Once(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        length = 0
        while (line := self.rfile.readline()).strip():
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        self.rfile.read(length)
        assert isinstance(self.server, Raw)
        self.wfile.write(self.server.answer)


@pytest.fixture
def raw(settings) -> Iterator[Raw]:
    settings.POSTROOM = replace(
        settings.POSTROOM, webhook_allow=WebhookAllowance(networks=(ip_network("127.0.0.0/8"),))
    )
    with Raw(("127.0.0.1", 0), Once) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def place(raw: Raw, account) -> Destination:
    chosen = WebhookSettings(f"http://127.0.0.1:{raw.server_address[1]}/hook")
    return create_destination(account, "webhook", "Raw", to_data(chosen), new_secrets(), None)


HOSTILE = {
    "a request id that is no text": b"HTTP/1.1 200 OK\r\nX-Request-Id: \xff\xfe\r\nContent-Length: 0\r\n\r\n",
    "a very long request id": b"HTTP/1.1 200 OK\r\nX-Request-Id: "
    + b"a" * 8000
    + b"\r\nContent-Length: 0\r\n\r\n",
    "words that are no text": b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n\x00\xff\xed\xa0",
}
REFUSED = {
    "patience without end": b"HTTP/1.1 429 No\r\nRetry-After: "
    + b"9" * 4000
    + b"\r\nContent-Length: 0\r\n\r\n",
    "patience that is no text": b"HTTP/1.1 503 No\r\nRetry-After: \xff\r\nContent-Length: 0\r\n\r\n",
    "words that are no text": b"HTTP/1.1 500 \xff\r\nContent-Length: 4\r\n\r\n\x00\xff\xed\xa0",
    "a request id that is no text": b"HTTP/1.1 500 No\r\nX-Request-Id: \xff\r\nContent-Length: 0\r\n\r\n",
    "an endless header": b"HTTP/1.1 200 OK\r\nX: " + b"a" * 100_000,
    "a promise of more": b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\nok",
    "what is no gzip": b"HTTP/1.1 500 No\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nno",
    "a status beyond all": b"HTTP/1.1 999 No\r\nContent-Length: 0\r\n\r\n",
    "no HTTP": b"SSH-2.0-OpenSSH\r\n\r\n",
    "nothing": b"",
}


@pytest.mark.parametrize("answer", HOSTILE.values(), ids=HOSTILE)
def test_whatever_comes_with_a_success_it_arrived_once(raw, place, account, clock, answer):
    raw.answer = answer
    post(make_lead(account, "carol@customer.example"), "Hello")
    run_drain(place, clock)
    assert set(Delivery.objects.values_list("state", flat=True)) == {"delivered"}
    assert all(len(attempt.request_id) <= 100 for attempt in DeliveryAttempt.objects.all())


@pytest.mark.parametrize("answer", REFUSED.values(), ids=REFUSED)
def test_whatever_comes_in_place_of_an_answer_it_is_written_down_and_tried_again(
    raw, place, account, clock, answer
):
    raw.answer = answer
    post(make_lead(account, "carol@customer.example"), "Hello")
    run_drain(place, clock)
    raw.answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    clock.forward(days=2)
    run_drain(place, clock)
    assert set(Delivery.objects.values_list("state", flat=True)) == {"delivered"}
