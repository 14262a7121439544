"""The sandbox's own page: mailboxes, recent mail, and forms to play customer and rep."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from aiohttp import web
from aiohttp.web_request import FileField

from ..google.compose import Letter, write
from ..html import Markup, Templates
from .mailbox import FOLDERS, Item, Mailbox

if TYPE_CHECKING:
    from .sandbox import MicrosoftSandbox

_templates = Templates(__file__)
render, render_each = _templates.render, _templates.render_each
_SHOWN = 12
_MOVES = {
    "inbox": "Move to inbox",
    "archive": "Archive",
    "junkemail": "Report junk",
    "deleteditems": "Delete",
    "delete": "Delete for ever",
}


def routes(sandbox: "MicrosoftSandbox") -> list[web.RouteDef]:
    pages = Pages(sandbox)
    return [
        web.get("/", pages.home),
        web.post("/sandbox/pages/customer", pages.customer_writes),
        web.post("/sandbox/pages/rep", pages.rep_writes),
        web.post("/sandbox/pages/move", pages.move),
    ]


class Pages:
    """The page's handlers, over one sandbox."""

    def __init__(self, sandbox: "MicrosoftSandbox") -> None:
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
        move, address, item_id = (_text(form.get(name)) for name in ("move", "address", "id"))
        if move not in _MOVES:
            raise web.HTTPBadRequest(text="No such move.")
        try:
            if move == "delete":
                self.sandbox.delete(address, item_id)
            else:
                self.sandbox.move(address, item_id, move)
        except KeyError:
            return _back("That mail is gone.")
        return _back(f"{_MOVES[move]}: done.")

    def _mailbox(self, mailbox: Mailbox) -> Markup:
        account = self.sandbox.accounts[mailbox.address]
        items = sorted(mailbox.items.values(), key=lambda item: (-item.received, -item.number))[:_SHOWN]
        return render(
            "home_mailbox",
            name=account.name,
            address=account.address,
            kind="Personal account" if account.is_personal else f"Work account, tenant {account.tid[:8]}",
            count=str(len(mailbox.items)),
            mails=Markup("".join(_mail(mailbox, item) for item in items)),
        )


def _mail(mailbox: Mailbox, item: Item) -> Markup:
    moment = datetime.fromtimestamp(item.received, UTC)
    envelope = item.mail.envelope
    subject = envelope.subject or "(no subject)"
    tags = [FOLDERS[item.folder], *([] if item.is_read else ["Unread"])]
    return render(
        "home_mail",
        subject=subject,
        who=f"To {envelope.to}" if item.folder == "sentitems" else f"From {envelope.from_}",
        when=moment.strftime("%d %b %Y, %H:%M UTC"),
        machine_time=moment.isoformat(timespec="seconds"),
        tags=render_each("home_tag", ({"tag": tag} for tag in tags)),
        address=mailbox.address,
        id=item.immutable_id,
        moves=render_each("home_move", _moves(item, subject)),
    )


def _moves(item: Item, subject: str) -> list[dict[str, str]]:
    """The moves that would change something."""
    useful = [move for move in _MOVES if move != item.folder]
    if item.folder != "deleteditems":
        useful.remove("delete")
    return [{"move": move, "words": _MOVES[move], "subject": subject} for move in useful]


def _text(value: object) -> str:
    """A form's value without white space around it; "" where it is missing or a file."""
    return value.strip() if isinstance(value, str) else ""


def _attached(value: object) -> list[tuple[str, bytes]]:
    if isinstance(value, FileField) and value.filename:
        return [(value.filename, value.file.read())]
    return []


def _back(note: str) -> web.Response:
    return web.Response(status=303, headers={"Location": "/?" + urlencode({"note": note})})
