"""The control API, the pages, and the command that starts it all."""

import json
import subprocess
import sys
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
import requests

from postroom.sandbox.google import GoogleSandbox

from .conftest import MAYA, OMAR, letter


@pytest.fixture
def control(origin: str) -> Any:
    """Call the control API; the answer's JSON, with its status checked."""

    def call(verb: str, path: str, body: Any = None, status: int = 200, **options: Any) -> Any:
        answer = requests.request(verb, f"{origin}/sandbox/{path}", json=body, **options)
        assert answer.status_code == status, answer.text
        return answer.json()

    return call


def test_people_and_applications(control: Any, sandbox: GoogleSandbox) -> None:
    control(
        "POST", "accounts", {"address": "new@lighthouse.example", "name": "New", "aliases": ["n@x.example"]}
    )
    control("POST", "accounts", {"address": "p@gmail.com", "personal": True})
    assert sandbox.accounts["new@lighthouse.example"].hd == "lighthouse.example"
    assert sandbox.accounts["p@gmail.com"].hd == ""
    assert len(control("GET", "accounts")["accounts"]) == 5
    control("POST", "clients", {"client_id": "c", "client_secret": "s", "redirect_uris": ["http://x/"]})
    assert {client["client_id"] for client in control("GET", "clients")["clients"]} >= {"c"}
    control("DELETE", "accounts/p@gmail.com")
    control("GET", "mailboxes/p@gmail.com/messages", status=404)


def test_mail_comes_as_base64_or_as_it_is(control: Any, origin: str) -> None:
    raw = letter("Über")
    box = f"mailboxes/{MAYA}/messages"
    body = {"raw": b64encode(raw).decode(), "labels": ["SENT"], "internalDate": 1_700_000_000_000}
    first = control("POST", box, body)
    assert first["labelIds"] == ["SENT"]
    assert first["internalDate"] == "1700000000000"
    second = requests.post(
        f"{origin}/sandbox/{box}",
        data=raw,
        params={"labels": "INBOX,STARRED", "internalDate": "1600000000000"},
        headers={"Content-Type": "message/rfc822"},
    ).json()
    assert (second["subject"], second["labelIds"]) == ("Über", ["INBOX", "STARRED"])
    assert [m["id"] for m in control("GET", box)["messages"]] == [first["id"], second["id"]]
    control("POST", box, {}, status=404)
    control("POST", box, {"raw": "x" * 5, "labels": ["NOPE"]}, status=400)


def test_moves(control: Any) -> None:
    box = f"mailboxes/{MAYA}"
    made = control("POST", f"{box}/messages", {"raw": b64encode(letter()).decode()})
    one = f"{box}/messages/{made['id']}"
    assert control("POST", f"{one}/trash")["labelIds"] == ["UNREAD", "TRASH"]
    assert control("POST", f"{one}/to-inbox")["labelIds"] == ["UNREAD", "INBOX"]
    assert control("POST", f"{one}/modify", {"add": ["STARRED"], "remove": ["UNREAD"]})["labelIds"] == [
        "INBOX",
        "STARRED",
    ]
    control("DELETE", one)
    control("DELETE", one, status=404)


def test_letters_are_written_for_both_sides(control: Any, sandbox: GoogleSandbox) -> None:
    attachments = [{"filename": "a.txt", "content": b64encode(b"x").decode()}]
    wanted = {"from_address": "c@x.example", "subject": "In", "text": "t", "attachments": attachments}
    assert control("POST", f"mailboxes/{MAYA}/write", wanted)["labelIds"] == ["UNREAD", "INBOX"]
    out = control("POST", f"mailboxes/{MAYA}/write", {"to": OMAR, "subject": "Out", "text": "t"})
    assert out["labelIds"] == ["SENT"]
    assert len(sandbox.mailbox(OMAR).messages) == 1
    raw = b64encode(letter("Raw", from_address=MAYA, to=OMAR)).decode()
    assert control("POST", f"mailboxes/{MAYA}/send", {"raw": raw})["labelIds"] == ["SENT"]


def test_a_folder_is_loaded(control: Any, tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    for name in ("one.eml", "below/two.eml", "three.txt"):
        (tmp_path / name).write_bytes(letter(name))
    wanted = {"folder": str(tmp_path), "labels": ["SENT"]}
    assert control("POST", f"mailboxes/{MAYA}/load", wanted) == {"loaded": 2}
    control("POST", f"mailboxes/{MAYA}/warm")
    control("POST", f"mailboxes/{MAYA}/load", {"folder": str(tmp_path / "none")}, status=400)


def test_tokens_stats_and_mishaps(control: Any, origin: str) -> None:
    token = control("POST", f"mailboxes/{MAYA}/tokens")["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    profile = f"{origin}/gmail/v1/users/me/profile"
    fault = control("POST", "faults", {"kind": "error", "status": 500})
    assert control("GET", "faults")["faults"][0]["id"] == fault["id"]
    assert requests.get(profile, headers=headers).status_code == 500
    control("POST", "faults", {"kind": "error", "times": None})
    control("DELETE", "faults")
    assert requests.get(profile, headers=headers).status_code == 200
    stats = control("GET", "stats")
    assert stats["users"][MAYA]["getProfile"]["requests"] == 2
    assert stats["total"]["refused"] == 1
    control("DELETE", "stats")
    assert control("GET", "stats")["total"]["requests"] == 0
    control("POST", f"mailboxes/{MAYA}/revoke")
    assert requests.get(profile, headers=headers).status_code == 401
    control("POST", "faults", {"kind": "explode"}, status=400)
    control("POST", "faults", {"kindd": "error"}, status=400)


def test_settings_quota_push_and_clock(control: Any, sandbox: GoogleSandbox) -> None:
    assert (
        control("PATCH", "settings", {"changing_attachment_ids": False})["changing_attachment_ids"] is False
    )
    control("PATCH", "settings", {"nonsense": 1}, status=400)
    assert control("PUT", "quota", {"table": "legacy", "concurrent": 4})["enforced"] is True
    assert control("PUT", "quota", {"table": "off"})["enforced"] is False
    assert control("PUT", "push", {"endpoint": "http://x/", "delay": 1.5})["delay"] == 1.5
    assert control("GET", "push")["log"] == []
    before = sandbox.clock.now()
    assert control("POST", "clock", {"seconds": 3_600})["now"] >= before + 3_600
    before_expiry = sandbox.mailbox(MAYA).history_id
    control("POST", f"mailboxes/{MAYA}/expire-history")
    assert before_expiry == sandbox.mailbox(MAYA).oldest_history < sandbox.mailbox(MAYA).history_id


def test_reset_forgets_people_and_keeps_serving(control: Any) -> None:
    control("POST", "reset")
    assert control("GET", "accounts") == {"accounts": []}
    control("POST", "accounts", {"address": MAYA})
    assert control("GET", f"mailboxes/{MAYA}/messages")["total"] == 0


def test_the_page_plays_customer_and_rep(origin: str, sandbox: GoogleSandbox) -> None:
    form = {
        "from_name": "Ann <b>",
        "from_address": "ann@x.example",
        "to": MAYA,
        "subject": "<i>Hi",
        "body": "a\nb",
    }
    files = {"attachment": ("note.txt", b"text")}
    page = requests.post(f"{origin}/sandbox/pages/customer", data=form, files=files).text
    assert f"Delivered to {MAYA}." in page
    assert "&lt;i&gt;Hi" in page
    assert "<i>Hi" not in page
    (message,) = sandbox.mailbox(MAYA).messages.values()
    assert b"note.txt" in message.mail.raw
    form = {"from": MAYA, "to": "Ann <ann@x.example>", "subject": "Out", "body": "text"}
    assert "Sent to" in requests.post(f"{origin}/sandbox/pages/rep", data=form).text
    move = {"address": MAYA, "id": message.id, "move": "trash"}
    assert "Move to trash: done." in requests.post(f"{origin}/sandbox/pages/move", data=move).text
    assert "TRASH" in message.labels
    form = {"from_address": "a@x.example", "to": "nobody@x.example", "subject": "s", "body": "b"}
    assert "Nobody here" in requests.post(f"{origin}/sandbox/pages/customer", data=form).text


def test_pages_ask_nothing_of_other_hosts(origin: str) -> None:
    page = requests.get(origin).text
    assert "http://" not in page
    assert "https://" not in page
    assert "src=" not in page


def test_it_starts_as_a_program(tmp_path: Path) -> None:
    (tmp_path / "one.eml").write_bytes(letter())
    command = [sys.executable, "-m", "postroom.sandbox", "--port", "0"]
    command += ["--account", f"Maya <{MAYA}>", "--personal", "p@gmail.com", "--load", f"{MAYA}={tmp_path}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        origin = json.loads(process.stdout.readline())["origin"]
        accounts = requests.get(f"{origin}/sandbox/accounts").json()["accounts"]
        mail = requests.get(f"{origin}/sandbox/mailboxes/{MAYA}/messages").json()
        process.terminate()
    assert {account["address"]: account["hd"] for account in accounts} == {
        MAYA: "northwind.example",
        "p@gmail.com": "",
    }
    assert mail["total"] == 1
