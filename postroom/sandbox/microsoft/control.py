"""The control API under ``/sandbox/``: what the Python API does, by JSON, for programs in other processes.

Answers are JSON; a mistake in the request is 400 with ``{"error": ...}``, an unknown thing 404.
"""

from base64 import b64decode, urlsafe_b64decode
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from aiohttp import web

from ..control import CommonControl, Handler, Json, Table, read_body, to_routes
from ..google.compose import Letter, write
from .mailbox import Item

if TYPE_CHECKING:
    from .sandbox import MicrosoftSandbox

_RECENT = 50


def routes(sandbox: "MicrosoftSandbox") -> list[web.RouteDef]:
    control = Control(sandbox)
    box, message = "/sandbox/mailboxes/{address}", "/sandbox/mailboxes/{address}/messages/{id}"
    table: Table = [
        *control.table(),
        ("GET", "/sandbox/accounts", control.accounts),
        ("POST", "/sandbox/accounts", control.add_account),
        ("DELETE", "/sandbox/accounts/{address}", control.remove_account),
        ("GET", "/sandbox/apps", control.apps),
        ("POST", "/sandbox/apps", control.add_app),
        ("GET", f"{box}/messages", control.messages),
        ("POST", f"{box}/messages", control.deliver),
        ("POST", f"{box}/send", control.send),
        ("POST", f"{box}/write", control.write),
        ("POST", f"{box}/load", control.load),
        ("POST", f"{box}/expire-delta", control.expire_delta),
        ("POST", f"{box}/tokens", control.issue_tokens),
        ("POST", f"{box}/revoke", control.acting("revoke")),
        ("POST", f"{box}/change-password", control.acting("change_password")),
        ("POST", f"{box}/require-mfa", control.acting("require_mfa")),
        ("POST", f"{box}/challenge", control.acting("challenge")),
        ("POST", f"{box}/expire-access", control.acting("expire_access")),
        ("POST", f"{box}/trouble", control.trouble),
        ("POST", f"{box}/lifecycle", control.lifecycle),
        ("POST", f"{message}/move", control.move),
        ("DELETE", message, control.delete),
        ("GET", "/sandbox/stats", control.stats),
        ("DELETE", "/sandbox/stats", control.clear_stats),
        ("PUT", "/sandbox/limits", control.limit),
        ("GET", "/sandbox/notifications", control.notifications),
        ("POST", "/sandbox/keys", control.rotate_keys),
    ]
    return to_routes(table)


class Control(CommonControl["MicrosoftSandbox"]):
    """The handlers, over one sandbox."""

    def limits(self) -> Json:
        return {"limits": asdict(self.sandbox.ledger.limits)}

    async def accounts(self, request: web.Request) -> Json:
        return {"accounts": [asdict(account) for account in self.sandbox.accounts.values()]}

    async def add_account(self, request: web.Request) -> Json:
        """``address``, ``name``, and the other arguments of ``MicrosoftSandbox.add_account``."""
        wanted = await read_body(request)
        return asdict(self.sandbox.add_account(wanted.pop("address"), wanted.pop("name", ""), **wanted))

    async def remove_account(self, request: web.Request) -> Json:
        self.sandbox.remove_account(_address(request))
        return {}

    async def apps(self, request: web.Request) -> Json:
        apps = self.sandbox.apps.values()
        return {"apps": [{"client_id": app.client_id, "redirect_uris": app.redirect_uris} for app in apps]}

    async def add_app(self, request: web.Request) -> Json:
        """``client_id``, ``client_secret``, ``redirect_uris`` and the other fields of ``App``."""
        app = self.sandbox.add_app(**await read_body(request))
        return {"client_id": app.client_id, "client_secret": app.client_secret}

    async def messages(self, request: web.Request) -> Json:
        mailbox = self.sandbox.mailbox(_address(request))
        newest = sorted(mailbox.items.values(), key=lambda item: -item.number)[:_RECENT]
        return {"messages": [_summary(item) for item in newest], "total": len(mailbox.items)}

    async def deliver(self, request: web.Request) -> Json:
        """``raw`` (base64), ``folder``, ``received`` in seconds, ``links``; or message/rfc822."""
        if request.content_type == "message/rfc822":
            folder = request.query.get("folder", "inbox")
            return _summary(self.sandbox.deliver(_address(request), await request.read(), folder))
        wanted = await read_body(request)
        raw, links = _bytes(wanted["raw"]), [(name, url) for name, url in wanted.get("links", ())]
        folder, received = wanted.get("folder", "inbox"), wanted.get("received")
        return _summary(self.sandbox.deliver(_address(request), raw, folder, received, links))

    async def send(self, request: web.Request) -> Json:
        """The rep sends ``raw`` (base64), or message/rfc822 as the body."""
        is_mail = request.content_type == "message/rfc822"
        raw = await request.read() if is_mail else _bytes((await read_body(request))["raw"])
        return _summary(self.sandbox.send(_address(request), raw))

    async def write(self, request: web.Request) -> Json:
        """A mail from its fields (see ``Letter``): sent by this mailbox, or to it with ``from_address``."""
        wanted = await read_body(request)
        address = self.sandbox.owner(_address(request))
        attachments = [(a["filename"], _bytes(a["content"])) for a in wanted.pop("attachments", ())]
        fields = {"from_address": address, "to": address, "subject": "", "text": ""} | wanted
        raw = write(Letter(**fields, attachments=attachments), self.sandbox.clock.now())
        act = self.sandbox.send if fields["from_address"] == address else self.sandbox.deliver
        return _summary(act(address, raw))

    async def load(self, request: web.Request) -> Json:
        """Every .eml below ``folder`` of the disk, ``into`` a folder of the mailbox."""
        wanted = await read_body(request)
        into = wanted.get("into", "inbox")
        return {"loaded": self.sandbox.load(_address(request), Path(wanted["folder"]), into)}

    async def expire_delta(self, request: web.Request) -> Json:
        self.sandbox.expire_delta(_address(request))
        return {}

    async def issue_tokens(self, request: web.Request) -> Json:
        """``scopes``, ``client_id``: tokens without the consent page."""
        return self.sandbox.issue_tokens(_address(request), **await read_body(request)).as_json()

    def acting(self, name: str) -> Handler:
        """A handler for one of the things that happen to an account."""

        async def act(request: web.Request) -> Json:
            getattr(self.sandbox, name)(_address(request))
            return {}

        return act

    async def trouble(self, request: web.Request) -> Json:
        """``code``: the AADSTS code that refreshes are answered with; 0 for none."""
        self.sandbox.trouble(_address(request), int((await read_body(request))["code"]))
        return {}

    async def lifecycle(self, request: web.Request) -> Json:
        """``event``: missed, subscriptionRemoved or reauthorizationRequired."""
        return {"sent": self.sandbox.lifecycle(_address(request), (await read_body(request))["event"])}

    async def move(self, request: web.Request) -> Json:
        """``folder``: a well-known name."""
        folder = (await read_body(request))["folder"]
        return _summary(self.sandbox.move(_address(request), request.match_info["id"], folder))

    async def delete(self, request: web.Request) -> Json:
        self.sandbox.delete(_address(request), request.match_info["id"])
        return {}

    async def stats(self, request: web.Request) -> Json:
        """Requests, answer bytes and refusals per user and method, and in all."""
        ledger = self.sandbox.ledger
        users = {user: {m: asdict(s) for m, s in spent.items()} for user, spent in ledger.spent.items()}
        return {"total": asdict(ledger.total()), "users": users, "received": self.sandbox.received}

    async def clear_stats(self, request: web.Request) -> Json:
        self.sandbox.ledger.clear()
        return {}

    async def limit(self, request: web.Request) -> Json:
        """Fields of ``Limits``; enforced unless told otherwise."""
        return asdict(self.sandbox.limit(**await read_body(request)))

    async def notifications(self, request: web.Request) -> Json:
        notifier = self.sandbox.notifier
        return {
            "subscriptions": [asdict(subscription) for subscription in notifier.live()],
            "log": [asdict(delivery) for delivery in notifier.log],
        }

    async def rotate_keys(self, request: web.Request) -> Json:
        self.sandbox.keys.rotate()
        return {}


def _address(request: web.Request) -> str:
    return request.match_info["address"]


def _bytes(text: str) -> bytes:
    """Base64 in either alphabet, padded or not."""
    padded = text + "=" * (-len(text) % 4)
    return urlsafe_b64decode(padded) if "-" in text or "_" in text else b64decode(padded)


def _summary(item: Item) -> Json:
    envelope = item.mail.envelope
    return {
        "id": item.id,
        "immutableId": item.immutable_id,
        "folder": item.folder,
        "received": item.received,
        "from": envelope.from_,
        "to": envelope.to,
        "subject": envelope.subject,
        "messageId": item.message_id,
    }
