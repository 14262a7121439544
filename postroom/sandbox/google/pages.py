"""The sandbox's own page: mailboxes, recent mail, and forms to play customer and rep."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from aiohttp import web
from aiohttp.web_request import FileField

from ..html import Markup, Templates
from .compose import Letter, write
from .mailbox import Mailbox, StoredMessage

if TYPE_CHECKING:
    from .sandbox import GoogleSandbox

_templates = Templates(__file__)
render, render_each = _templates.render, _templates.render_each
_SHOWN = 12
_MOVES = {
    "to_inbox": "Move to inbox",
    "archive": "Archive",
    "spam": "Report spam",
    "trash": "Move to trash",
    "delete": "Delete for ever",
}
_STATES = {"INBOX": "Inbox", "SENT": "Sent", "SPAM": "Spam", "TRASH": "Trash", "UNREAD": "Unread"}


def routes(sandbox: "GoogleSandbox") -> list[web.RouteDef]:
    pages = Pages(sandbox)
    return [
        web.get("/", pages.home),
        web.post("/sandbox/pages/customer", pages.customer_writes),
        web.post("/sandbox/pages/rep", pages.rep_writes),
        web.post("/sandbox/pages/move", pages.move),
    ]


class Pages:
    """The page's handlers, over one sandbox."""

    def __init__(self, sandbox: "GoogleSandbox") -> None:
        self.sandbox = sandbox

    async def home(self, request: web.Request) -> web.Response:
        with self.sandbox.lock:
            mailboxes = list(self.sandbox.mailboxes.values())
            page = render(
                "home",
                note=request.query.get("note", ""),
                people=render_each("home_option", ({"address": box.address} for box in mailboxes)),
                mailboxes=Markup("".join(self._mailbox(box) for box in mailboxes))
                or Markup("<p>No mailboxes yet. Make one with POST /sandbox/accounts.</p>"),
            )
        return web.Response(text=page, content_type="text/html")

    async def customer_writes(self, request: web.Request) -> web.StreamResponse:
        form = await request.post()
        letter = Letter(
            from_name=_text(form.get("from_name")),
            from_address=_text(form.get("from_address")),
            to=_text(form.get("to")),
            subject=_text(form.get("subject")),
            text=_text(form.get("body")),
            attachments=_attached(form.get("attachment")),
        )
        try:
            self.sandbox.deliver(letter.to, write(letter, self.sandbox.clock.now()))
        except (KeyError, ValueError):
            return _back(f"Nobody here has the address {letter.to}.")
        return _back(f"Delivered to {letter.to}.")

    async def rep_writes(self, request: web.Request) -> web.StreamResponse:
        form = await request.post()
        sender = _text(form.get("from"))
        account = self.sandbox.accounts.get(sender)
        if account is None:
            return _back(f"Nobody here has the address {sender}.")
        letter = Letter(
            from_name=account.name,
            from_address=sender,
            to=_text(form.get("to")),
            subject=_text(form.get("subject")),
            text=_text(form.get("body")),
            attachments=_attached(form.get("attachment")),
        )
        self.sandbox.send(sender, write(letter, self.sandbox.clock.now()))
        return _back(f"Sent to {letter.to}.")

    async def move(self, request: web.Request) -> web.StreamResponse:
        form = await request.post()
        move = _text(form.get("move"))
        if move not in _MOVES:
            raise web.HTTPBadRequest(text="No such move.")
        try:
            getattr(self.sandbox, move)(_text(form.get("address")), _text(form.get("id")))
        except KeyError:
            return _back("That mail is gone.")
        return _back(f"{_MOVES[move]}: done.")

    def _mailbox(self, mailbox: Mailbox) -> Markup:
        account = self.sandbox.accounts[mailbox.address]
        messages = [message for message, _ in zip(mailbox.newest_first(), range(_SHOWN), strict=False)]
        return render(
            "home_mailbox",
            name=account.name,
            address=account.address,
            kind=f"Workspace, {account.hd}" if account.hd else "Personal account",
            count=str(len(mailbox.messages)),
            mails=Markup("".join(self._mail(mailbox, message) for message in messages)),
        )

    def _mail(self, mailbox: Mailbox, message: StoredMessage) -> Markup:
        moment = datetime.fromtimestamp(message.internal_date / 1000, UTC)
        envelope = message.mail.envelope
        subject = envelope.subject or "(no subject)"
        sent = "SENT" in message.labels
        return render(
            "home_mail",
            subject=subject,
            who=f"To {envelope.to}" if sent else f"From {envelope.from_}",
            when=moment.strftime("%d %b %Y, %H:%M UTC"),
            machine_time=moment.isoformat(timespec="seconds"),
            tags=render_each("home_tag", ({"tag": _STATES[x]} for x in message.labels if x in _STATES)),
            address=mailbox.address,
            id=message.id,
            moves=render_each("home_move", _moves(message, subject)),
        )


def _moves(message: StoredMessage, subject: str) -> list[dict[str, str]]:
    """The moves that would change something."""
    labels = set(message.labels)
    useful = {
        "to_inbox": "INBOX" not in labels and "SENT" not in labels,
        "archive": "INBOX" in labels,
        "spam": "SPAM" not in labels and "SENT" not in labels,
        "trash": "TRASH" not in labels,
        "delete": "TRASH" in labels,
    }
    return [{"move": m, "words": w, "subject": subject} for m, w in _MOVES.items() if useful[m]]


def _text(value: object) -> str:
    """A form's value without white space around it; "" where it is missing or a file."""
    return value.strip() if isinstance(value, str) else ""


def _attached(value: object) -> list[tuple[str, bytes]]:
    if isinstance(value, FileField) and value.filename:
        return [(value.filename, value.file.read())]
    return []


def _back(note: str) -> web.Response:
    return web.Response(status=303, headers={"Location": "/?" + urlencode({"note": note})})
