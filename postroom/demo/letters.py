"""What the demo's customers write, and what the reps answer."""

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
    """How many letters before this one of the same rep stands the mail that it answers; 0: it begins a
    conversation."""
    attachment: tuple[str, str, bytes] | None = None


QUOTE_HTML = """<div style="font-family: sans-serif"><p>Hi Rita,</p>
<p>thanks for the call. Our order for the <b>spring season</b> would be:</p>
<table border="1" cellpadding="6"><tr><th>Item</th><th>Crates</th></tr>
<tr><td>Seed trays, large</td><td>40</td></tr><tr><td>Irrigation kit</td><td>12</td></tr></table>
<p>Could you send an offer by Thursday?</p><p>Carol</p>
<img src="http://tracker.brightfields.example/open.gif" width="1" height="1" alt=""></div>"""

RITAS = (
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
    Letter(PRIYA, RITA, "Sample request: tea chests", "Hello! Could we have two sample chests before we order"
           " three hundred? Priya"),
    Letter(RITA, PRIYA, "Re: Sample request: tea chests", "They leave today. Enjoy!\n\nRita", answers=1),
)  # fmt: skip
SAMS = (
    Letter(MEI, SAM, "Dock 7 from Monday", "Hi Sam, please send the pallets to dock 7 from Monday on. Mei"),
    Letter(SAM, MEI, "Re: Dock 7 from Monday", "Hello Mei,\n\nthe driver knows. The list is attached.\n\nSam",
           answers=1, attachment=("Pallets.pdf", "application/pdf", b"%PDF-1.4\n% sample list\n%%EOF\n")),
    Letter(JUERGEN, SAM, "Rückfrage zur Rechnung 1187",
           "Guten Tag Herr Suzuki,\n\ndie Lieferadresse auf der Rechnung stimmt nicht. Könnten Sie sie bitte"
           " ändern?\n\nMit freundlichen Grüßen\nJürgen Weiß"),
    Letter(SAM, JUERGEN, "Re: Rückfrage zur Rechnung 1187", "Guten Tag Herr Weiß, das ist geändert.",
           answers=1),
    Letter(NEWS, SAM, "Last chance!", "You cannot miss this either."),
)  # fmt: skip
LETTERS = {REP: RITAS, COLLEAGUE: SAMS}
"""By the rep in whose mailbox they are."""


class Post:
    """Turns letters into mails whose replies point at what they answer."""

    def __init__(self, rep: str) -> None:
        self.rep = rep
        self._numbers = count(1)
        self._sent: list[list[str]] = []
        """The thread of each mail so far: the ids it refers to, and its own."""

    def mail(self, letter: Letter, date: datetime) -> bytes:
        """The letter as RFC 5322 bytes."""
        number, domain = next(self._numbers), letter.author[1].partition("@")[2]
        message_id = f"<{self.rep.partition('@')[0]}.{number}.{int(date.timestamp())}@{domain}>"
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


def earlier_letters(rep: str, now: datetime) -> Iterator[tuple[Letter, datetime]]:
    """A fortnight of mail that was there before Postroom came."""
    for days, letter in zip(range(14, 0, -2), LETTERS[rep], strict=False):
        yield letter, now - timedelta(days=days, minutes=37 * days)


def coming_letters() -> Iterator[tuple[str, Letter]]:
    """What comes while the demo runs, to and from one rep and the other, again and again."""
    turns = {rep: cycle(letters) for rep, letters in LETTERS.items()}
    return ((rep, next(turns[rep])) for rep in cycle(turns))


def now() -> datetime:
    return datetime.now(UTC)
