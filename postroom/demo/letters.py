"""What the demo's customers write, and what the rep answers."""

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime, formataddr
from itertools import count, cycle

from postroom.demo.company import COLLEAGUE, REP

RITA = ("Rita Rossi", REP)
CAROL = ("Carol Jones", "carol.jones@brightfields.example")
TOMAS = ("Tomás García", "tomas@luzsolar.example")
MEI = ("Mei Lin", "mei.lin@harborlogistics.example")
JUERGEN = ("Jürgen Weiß", "j.weiss@weiss-soehne.example")
ANNA = ("Anna Kowalska", "anna@kowalska-studio.example")
PRIYA = ("Priya Nair", "priya.nair@monsoonteas.example")
NEWS = ("Deal Digest", "hello@newsletter.example")
SAM = ("Sam Suzuki", COLLEAGUE)

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAoAAAAKCAYAAACNMs+9AAAAFUlEQVR42mNk+M9Qz0AEYBxVSF+FABJADveWkH6oAAAAAElFTkSuQmCC"
)

Person = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Letter:
    """One mail of the demo."""

    author: Person
    to: Person
    subject: str
    text: str
    html: str = ""
    answers: int = 0
    """How many letters before this one stands the mail that it answers; 0: it begins a conversation."""
    attachment: tuple[str, str, bytes] | None = None

    @property
    def by_rep(self) -> bool:
        return self.author == RITA


QUOTE_HTML = """<div style="font-family: sans-serif"><p>Hi Rita,</p>
<p>thanks for the call. Our order for the <b>spring season</b> would be:</p>
<table border="1" cellpadding="6"><tr><th>Item</th><th>Crates</th></tr>
<tr><td>Seed trays, large</td><td>40</td></tr><tr><td>Irrigation kit</td><td>12</td></tr></table>
<p>Could you send an offer by Thursday?</p><p>Carol</p>
<img src="http://tracker.brightfields.example/open.gif" width="1" height="1" alt=""></div>"""

LETTERS = (
    Letter(CAROL, RITA, "Order for the spring season", "Hi Rita, our order: 40 seed trays, 12 irrigation"
           " kits.", QUOTE_HTML),
    Letter(RITA, CAROL, "Re: Order for the spring season",
           "Hello Carol,\n\nthe offer is attached. It holds until the end of the month.\n\nRita",
           answers=1, attachment=("Offer 2041.pdf", "application/pdf", b"%PDF-1.4\n% sample offer\n%%EOF\n")),
    Letter(CAROL, RITA, "Re: Order for the spring season",
           "Perfect, we take it. Where do I sign?\n\n> the offer is attached. It holds until the end of the"
           " month.\n", answers=1),
    Letter(ANNA, RITA, "Shelves for a ceramics studio",
           "Dear Rita,\n\nMei Lin from Harbor Logistics gave me your name. We are looking for forty shelves"
           " that can carry kilns' worth of clay. Do you deliver to Kraków?\n\nAnna Kowalska"),
    Letter(NEWS, RITA, "50% off everything!", "You cannot miss this."),
    Letter(TOMAS, RITA, "Montaje en Sevilla — fechas", "Hola Rita:\n\n¿Podemos mover la instalación al 14 de"
           " mayo? El tejado no estará listo antes.\n\nUn saludo,\nTomás",
           attachment=("tejado.png", "image/png", PIXEL)),
    Letter(RITA, TOMAS, "Re: Montaje en Sevilla — fechas", "Hola Tomás: el 14 está confirmado.", answers=1),
    Letter(SAM, RITA, "Lunch?", "Noodles at noon?"),
    Letter(JUERGEN, RITA, "Rückfrage zur Rechnung 1187",
           "Guten Tag Frau Rossi,\n\ndie Lieferadresse auf der Rechnung stimmt nicht. Könnten Sie sie bitte"
           " ändern?\n\nMit freundlichen Grüßen\nJürgen Weiß"),
    Letter(MEI, RITA, "Dock 7 from Monday", "Hi Rita, please send the pallets to dock 7 from Monday on. Mei"),
    Letter(PRIYA, RITA, "Sample request: tea chests", "Hello! Could we have two sample chests before we order"
           " three hundred? Priya"),
    Letter(RITA, PRIYA, "Re: Sample request: tea chests", "They leave today. Enjoy!\n\nRita", answers=1),
)  # fmt: skip


class Post:
    """Turns letters into mails whose replies point at what they answer."""

    def __init__(self) -> None:
        self._numbers = count(1)
        self._sent: list[list[str]] = []
        """The thread of each mail so far: the ids it refers to, and its own."""

    def mail(self, letter: Letter, date: datetime) -> bytes:
        """The letter as RFC 5322 bytes."""
        message_id = f"<{next(self._numbers)}.{int(date.timestamp())}@{letter.author[1].partition('@')[2]}>"
        message = EmailMessage()
        message["From"] = formataddr(letter.author)
        message["To"] = formataddr(letter.to)
        message["Subject"] = letter.subject
        message["Date"] = format_datetime(date)
        message["Message-ID"] = message_id
        thread = self._sent[-letter.answers] if 0 < letter.answers <= len(self._sent) else []
        if thread:
            message["In-Reply-To"] = thread[-1]
            message["References"] = " ".join(thread)
        message.set_content(letter.text)
        if letter.html:
            message.add_alternative(letter.html, subtype="html")
        if letter.attachment:
            name, kind, content = letter.attachment
            main, _, sub = kind.partition("/")
            message.add_attachment(content, maintype=main, subtype=sub, filename=name)
        self._sent.append([*thread, message_id])
        return message.as_bytes()


def earlier_letters(now: datetime) -> Iterator[tuple[Letter, datetime]]:
    """A fortnight of mail that was there before Postroom came."""
    for days, letter in zip(range(14, 0, -2), LETTERS, strict=False):
        yield letter, now - timedelta(days=days, minutes=37 * days)


def coming_letters() -> Iterator[Letter]:
    """What comes while the demo runs, again and again."""
    return cycle(LETTERS)


def now() -> datetime:
    return datetime.now(UTC)
