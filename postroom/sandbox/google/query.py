"""The ``q`` parameter: the part of Gmail's search language that programs use.

Source: "Search and filter messages" of the Gmail API guides and Gmail Help "Refine searches". Dates
are midnight in the Pacific time zone, or seconds since the epoch. Words match whole words of the
subject, the addresses and the text. Anything unknown is searched for as a word, as Gmail does.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from .mail import Views
from .mailbox import HIDDEN, Mailbox, StoredMessage

_TERM = re.compile(
    r'(?P<not>-)?(?:(?P<key>[A-Za-z0-9_]+):)?(?:"(?P<quoted>[^"]*)"|\((?P<group>[^)]*)\)|(?P<word>[^\s"]+))'
)
_AGE = re.compile(r"(\d+)([dmyh])$")
_DAY = re.compile(r"(\d{4})[/-](\d{1,2})[/-](\d{1,2})$")
_PACIFIC = ZoneInfo("America/Los_Angeles")
_SECONDS = {"h": 3_600, "d": 86_400, "m": 30 * 86_400, "y": 365 * 86_400}
_PLACES = {
    "inbox": "INBOX",
    "sent": "SENT",
    "trash": "TRASH",
    "spam": "SPAM",
    "drafts": "DRAFT",
    "draft": "DRAFT",
}
_STATES = {"unread": "UNREAD", "starred": "STARRED", "important": "IMPORTANT", **_PLACES}


@dataclass(frozen=True, slots=True)
class Scene:
    """What a search runs over."""

    mailbox: Mailbox
    views: Views
    now: float


Test = Callable[[Scene, StoredMessage], bool]


@dataclass(frozen=True, slots=True)
class Search:
    """A parsed query."""

    tests: tuple[Test, ...]
    opens_hidden: bool
    """It asks for spam, trash or anywhere, so those are not left out."""

    def matches(self, scene: Scene, message: StoredMessage) -> bool:
        return all(test(scene, message) for test in self.tests)


@lru_cache(512)
def parse(q: str) -> Search:
    """Read a query; every string is one."""
    tests: list[Test] = []
    opens = False
    for found in _TERM.finditer(q):
        key = (found["key"] or "").lower()
        value = found["quoted"] if found["quoted"] is not None else found["group"] or found["word"] or ""
        opens = opens or (key in ("in", "is", "label") and value.lower() in ("anywhere", "spam", "trash"))
        test = _test(key, value)
        tests.append(_negated(test) if found["not"] else test)
    return Search(tuple(tests), opens)


def is_hidden(message: StoredMessage) -> bool:
    return not HIDDEN.isdisjoint(message.labels)


def _test(key: str, value: str) -> Test:
    operator = _OPERATORS.get(key)
    if operator is None:
        return _words(f"{key}:{value}" if key else value)
    return operator(value)


def _negated(test: Test) -> Test:
    return lambda scene, message: not test(scene, message)


def _words(value: str) -> Test:
    found = _phrase(value)
    return lambda scene, message: bool(found(_everything(scene, message)))


def _phrase(value: str) -> Callable[[str], re.Match[str] | None]:
    words = r"\W+".join(re.escape(word) for word in re.findall(r"\w+", value))
    return re.compile(rf"(?<!\w){words}(?!\w)", re.IGNORECASE).search


def _everything(scene: Scene, message: StoredMessage) -> str:
    envelope = message.mail.envelope
    return "\n".join((envelope.subject, envelope.from_, envelope.to, scene.views.text(message.mail)))


def _after(value: str) -> Test:
    moment = _moment(value)
    return lambda scene, message: message.internal_date >= moment * 1000


def _before(value: str) -> Test:
    moment = _moment(value)
    return lambda scene, message: message.internal_date < moment * 1000


def _newer_than(value: str) -> Test:
    seconds = _age(value)
    return lambda scene, message: message.internal_date >= (scene.now - seconds) * 1000


def _older_than(value: str) -> Test:
    seconds = _age(value)
    return lambda scene, message: message.internal_date < (scene.now - seconds) * 1000


def _moment(value: str) -> float:
    if value.isdigit() and len(value) > 8:
        return float(value)
    if day := _DAY.match(value):
        try:
            return datetime(int(day[1]), int(day[2]), int(day[3]), tzinfo=_PACIFIC).timestamp()
        except ValueError:
            return 0.0
    return float(value) if value.isdigit() else 0.0


def _age(value: str) -> float:
    found = _AGE.match(value.lower())
    return timedelta(seconds=int(found[1]) * _SECONDS[found[2]]).total_seconds() if found else 0.0


def _from(value: str) -> Test:
    if value.lower() == "me":
        return lambda scene, message: scene.mailbox.address in message.mail.envelope.from_.lower()
    return lambda scene, message: _names(value, message.mail.envelope.from_)


def _to(value: str) -> Test:
    if value.lower() == "me":
        return lambda scene, message: scene.mailbox.address in message.mail.envelope.to.lower()
    return lambda scene, message: _names(value, message.mail.envelope.to)


def _names(value: str, addresses: str) -> bool:
    """An address or a domain literally, other words as words; `OR` lists are read as alternatives."""
    wanted = [word for word in value.split() if word != "OR"]
    text = addresses.lower()
    return any(word.lower() in text if "@" in word or "." in word else _phrase(word)(text) for word in wanted)


def _subject(value: str) -> Test:
    found = _phrase(value)
    return lambda scene, message: bool(found(message.mail.envelope.subject))


def _label(value: str) -> Test:
    wanted = value.lower().replace(" ", "-")
    return lambda scene, message: any(wanted == name for name in _label_names(scene.mailbox, message))


def _label_names(mailbox: Mailbox, message: StoredMessage) -> list[str]:
    names = (mailbox.user_labels.get(label, label) for label in message.labels)
    return [name.lower().replace(" ", "-").replace("/", "-") for name in names]


def _in(value: str) -> Test:
    if value.lower() == "anywhere":
        return lambda scene, message: True
    if value.lower() == "archive":
        return lambda scene, message: "INBOX" not in message.labels and not is_hidden(message)
    return _has_label(_PLACES[value.lower()]) if value.lower() in _PLACES else _label(value)


def _is(value: str) -> Test:
    if value.lower() == "read":
        return lambda scene, message: "UNREAD" not in message.labels
    return _has_label(_STATES[value.lower()]) if value.lower() in _STATES else _words(f"is:{value}")


def _has_label(label: str) -> Test:
    return lambda scene, message: label in message.labels


def _has(value: str) -> Test:
    if value.lower() == "attachment":
        return lambda scene, message: bool(scene.views.filenames(message.mail))
    if value.lower() == "userlabels":
        return lambda scene, message: any(label in scene.mailbox.user_labels for label in message.labels)
    return _words(f"has:{value}")


def _filename(value: str) -> Test:
    wanted = value.lower()
    return lambda scene, message: any(wanted in n.lower() for n in scene.views.filenames(message.mail))


def _message_id(value: str) -> Test:
    wanted = value.strip("<>")
    return lambda scene, message: message.mail.envelope.message_id == wanted


def _larger(value: str) -> Test:
    return lambda scene, message: len(message.mail.raw) > _size(value)


def _smaller(value: str) -> Test:
    return lambda scene, message: len(message.mail.raw) < _size(value)


def _size(value: str) -> int:
    number = re.match(r"\d+", value)
    scale = {"k": 1_024, "m": 1_048_576}.get(value[-1:].lower(), 1)
    return int(number[0]) * scale if number else 0


_OPERATORS: dict[str, Callable[[str], Test]] = {
    "after": _after,
    "newer": _after,
    "before": _before,
    "older": _before,
    "newer_than": _newer_than,
    "older_than": _older_than,
    "from": _from,
    "to": _to,
    "cc": _to,
    "bcc": _to,
    "subject": _subject,
    "label": _label,
    "in": _in,
    "is": _is,
    "has": _has,
    "filename": _filename,
    "rfc822msgid": _message_id,
    "larger": _larger,
    "size": _larger,
    "smaller": _smaller,
}
