"""The control API under ``/sandbox/``: what the Python API does, by JSON, for programs in other processes.

Answers are JSON; a mistake in the request is 400 with ``{"error": ...}``, an unknown thing 404.
"""

from base64 import b64decode, urlsafe_b64decode
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiohttp import web

from ..control import CommonControl, Handler, Json, Table, read_body, to_routes
from .compose import Letter, write
from .mailbox import ARRIVED, StoredMessage

if TYPE_CHECKING:
    from .sandbox import GoogleSandbox

_MOVES = ("trash", "untrash", "spam", "archive", "to_inbox")
_RECENT = 50


def routes(sandbox: "GoogleSandbox") -> list[web.RouteDef]:
    control = Control(sandbox)
    box, message = "/sandbox/mailboxes/{address}", "/sandbox/mailboxes/{address}/messages/{id}"
    table: Table = [
        *control.table(),
        ("GET", "/sandbox/accounts", control.accounts),
        ("POST", "/sandbox/accounts", control.add_account),
        ("DELETE", "/sandbox/accounts/{address}", control.remove_account),
        ("GET", "/sandbox/clients", control.clients),
        ("POST", "/sandbox/clients", control.add_client),
        ("POST", "/sandbox/service-accounts", control.add_service_account),
        ("PUT", "/sandbox/delegations/{domain}", control.delegate),
        ("DELETE", "/sandbox/delegations/{domain}", control.undelegate),
        ("GET", f"{box}/messages", control.messages),
        ("POST", f"{box}/messages", control.deliver),
        ("POST", f"{box}/send", control.send),
        ("POST", f"{box}/write", control.write),
        ("POST", f"{box}/load", control.load),
        ("POST", f"{box}/warm", control.warm),
        ("POST", f"{box}/labels", control.add_label),
        ("POST", f"{box}/expire-history", control.expire_history),
        ("POST", f"{box}/tokens", control.issue_tokens),
        ("POST", f"{box}/revoke", control.revoke),
        ("POST", f"{box}/change-password", control.change_password),
        ("POST", f"{box}/expire-access", control.expire_access),
        ("POST", f"{message}/modify", control.modify),
        ("DELETE", message, control.delete),
        ("GET", "/sandbox/stats", control.stats),
        ("DELETE", "/sandbox/stats", control.clear_stats),
        ("PUT", "/sandbox/quota", control.limit),
        ("GET", "/sandbox/push", control.push),
        ("PUT", "/sandbox/push", control.subscribe),
        ("POST", "/sandbox/keys", control.rotate_keys),
    ]
    table += [("POST", f"{message}/{move.replace('_', '-')}", control.moving(move)) for move in _MOVES]
    return to_routes(table)


class Control(CommonControl["GoogleSandbox"]):
    """The handlers, over one sandbox."""

    def limits(self) -> Json:
        return {"quota": asdict(self.sandbox.ledger.policy)}

    async def accounts(self, request: web.Request) -> Json:
        return {"accounts": [asdict(account) for account in self.sandbox.accounts.values()]}

    async def add_account(self, request: web.Request) -> Json:
        """``address``, ``name``, ``hd`` or ``personal``, ``aliases``."""
        wanted = await read_body(request)
        return asdict(self.sandbox.add_account(wanted.pop("address"), wanted.pop("name", ""), **wanted))

    async def remove_account(self, request: web.Request) -> Json:
        self.sandbox.remove_account(_address(request))
        return {}

    async def clients(self, request: web.Request) -> Json:
        clients = self.sandbox.clients.values()
        return {"clients": [{"client_id": c.client_id, "redirect_uris": c.redirect_uris} for c in clients]}

    async def add_client(self, request: web.Request) -> Json:
        """``client_id``, ``client_secret``, ``redirect_uris``, ``name``, ``project``, ``testing``."""
        client = self.sandbox.add_client(**await read_body(request))
        return {"client_id": client.client_id, "client_secret": client.client_secret}

    async def add_service_account(self, request: web.Request) -> Json:
        """``email``, ``project``: the JSON file of its first key."""
        account = self.sandbox.add_service_account(**await read_body(request))
        return self.sandbox.service_account_key(account.email, f"{request.scheme}://{request.host}")

    async def delegate(self, request: web.Request) -> Json:
        """``client_id``, ``scopes``: as a super administrator enters them for the domain."""
        wanted = await read_body(request)
        self.sandbox.delegate(request.match_info["domain"], wanted["client_id"], wanted["scopes"])
        return {}

    async def undelegate(self, request: web.Request) -> Json:
        self.sandbox.undelegate(request.match_info["domain"])
        return {}

    async def messages(self, request: web.Request) -> Json:
        mailbox = self.sandbox.mailbox(_address(request))
        found = list(mailbox.newest_first())[:_RECENT]
        return {"messages": [_summary(message) for message in found], "total": len(mailbox.messages)}

    async def deliver(self, request: web.Request) -> Json:
        """``raw`` (base64), ``labels``, ``internalDate`` in ms; or message/rfc822 with these in the query."""
        if request.content_type == "message/rfc822":
            wanted: Mapping[str, Any] = {
                "labels": list(filter(None, request.query.get("labels", "").split(","))),
                "internalDate": request.query.get("internalDate"),
            }
            raw = await request.read()
        else:
            wanted = await read_body(request)
            raw = _bytes(wanted["raw"])
        labels, moment = wanted.get("labels") or ARRIVED, wanted.get("internalDate")
        message = self.sandbox.deliver(
            _address(request), raw, labels, int(moment) if moment else None, wanted.get("threadId", "")
        )
        return _summary(message)

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
        sends = wanted.get("from_address", address) == address
        letter = Letter(
            **{"from_address": address, "to": address, "subject": "", "text": ""} | wanted,
            attachments=attachments,
        )
        raw = write(letter, self.sandbox.clock.now())
        act = self.sandbox.send if sends else self.sandbox.deliver
        return _summary(act(address, raw))

    async def load(self, request: web.Request) -> Json:
        """Every .eml below ``folder``, with ``labels``."""
        wanted = await read_body(request)
        labels = wanted.get("labels") or ARRIVED
        return {"loaded": self.sandbox.load(_address(request), Path(wanted["folder"]), labels)}

    async def warm(self, request: web.Request) -> Json:
        self.sandbox.warm(_address(request))
        return {}

    async def add_label(self, request: web.Request) -> Json:
        """``name``."""
        name = (await read_body(request))["name"]
        return {"id": self.sandbox.mailbox(_address(request)).create_label(name), "name": name}

    async def expire_history(self, request: web.Request) -> Json:
        """``below``: starting points below it answer 404; without it, all up to now."""
        self.sandbox.expire_history(_address(request), (await read_body(request)).get("below"))
        return {}

    async def issue_tokens(self, request: web.Request) -> Json:
        """``scopes``, ``client_id``: tokens without the consent page."""
        return self.sandbox.issue_tokens(_address(request), **await read_body(request)).as_json()

    async def revoke(self, request: web.Request) -> Json:
        self.sandbox.revoke(_address(request))
        return {}

    async def change_password(self, request: web.Request) -> Json:
        self.sandbox.change_password(_address(request))
        return {}

    async def expire_access(self, request: web.Request) -> Json:
        """Access tokens run out; refresh tokens stay good."""
        self.sandbox.tokens.expire_access(self.sandbox.owner(_address(request)))
        return {}

    async def modify(self, request: web.Request) -> Json:
        """``add`` and ``remove``: label ids."""
        wanted = await read_body(request)
        return _summary(self.sandbox.modify(_address(request), request.match_info["id"], **wanted))

    def moving(self, move: str) -> Handler:
        """A handler for one of the moves a person makes."""

        async def act(request: web.Request) -> Json:
            return _summary(getattr(self.sandbox, move)(_address(request), request.match_info["id"]))

        return act

    async def delete(self, request: web.Request) -> Json:
        self.sandbox.delete(_address(request), request.match_info["id"])
        return {}

    async def stats(self, request: web.Request) -> Json:
        """Requests, units, answer bytes and refusals per user and method, and in all."""
        ledger = self.sandbox.ledger
        users = {user: {m: asdict(s) for m, s in spent.items()} for user, spent in ledger.spent.items()}
        return {"total": asdict(ledger.total()), "users": users}

    async def clear_stats(self, request: web.Request) -> Json:
        self.sandbox.ledger.clear()
        return {}

    async def limit(self, request: web.Request) -> Json:
        """``table``: 2026, legacy or off; ``wording``: documented or observed; ``concurrent``."""
        return asdict(self.sandbox.limit(**await read_body(request)))

    async def push(self, request: web.Request) -> Json:
        log = [asdict(delivery) for delivery in self.sandbox.push.log]
        return {"subscription": asdict(self.sandbox.push.subscription), "log": log}

    async def subscribe(self, request: web.Request) -> Json:
        """``endpoint`` and the other fields of ``Subscription``."""
        return asdict(self.sandbox.subscribe(**await read_body(request)))

    async def rotate_keys(self, request: web.Request) -> Json:
        self.sandbox.keys.rotate()
        return {}


def _address(request: web.Request) -> str:
    return request.match_info["address"]


def _bytes(text: str) -> bytes:
    """Base64 in either alphabet, padded or not."""
    padded = text + "=" * (-len(text) % 4)
    return urlsafe_b64decode(padded) if "-" in text or "_" in text else b64decode(padded)


def _summary(message: StoredMessage) -> Json:
    envelope = message.mail.envelope
    return {
        "id": message.id,
        "threadId": message.thread_id,
        "labelIds": message.labels,
        "internalDate": str(message.internal_date),
        "historyId": str(message.history_id),
        "from": envelope.from_,
        "to": envelope.to,
        "subject": envelope.subject,
        "messageId": envelope.message_id,
    }
