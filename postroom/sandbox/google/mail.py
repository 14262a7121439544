"""One mail's bytes, held once however many mailboxes have it, and its encoded views.

Views are built when first asked for and kept in a cache bounded by bytes, because a benchmark's server
must cost less than the client it measures.
"""

import re
import secrets
from base64 import urlsafe_b64encode
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b
from weakref import WeakValueDictionary

import orjson

from . import payload
from .fields import Mask, apply, below, wants
from .headers import Envelope, envelope

_MARKER = f"@{secrets.token_hex(8)}@"
_MARKED = re.compile(_MARKER.encode() + rb"([0-9.]*)")


class Mail:
    """Immutable: the raw bytes as delivered, and what their header says."""

    __slots__ = ("__weakref__", "envelope", "raw")

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self.envelope: Envelope = envelope(raw)


class MailStore:
    """Gives equal bytes the same ``Mail``, for as long as some mailbox holds it."""

    def __init__(self) -> None:
        self._known: WeakValueDictionary[bytes, Mail] = WeakValueDictionary()

    def take(self, raw: bytes) -> Mail:
        digest = blake2b(raw, digest_size=16).digest()
        mail = self._known.get(digest)
        if mail is None:
            mail = self._known[digest] = Mail(raw)
        return mail


@dataclass(frozen=True, slots=True)
class View:
    """An encoded ``payload`` object, and whether attachment ids must be filled in."""

    encoded: bytes
    snippet: str
    marked: bool


class Views:
    """Encoded payloads of mails, the most recently used ones in at most ``budget`` bytes."""

    def __init__(self, budget: int, inline_limit: int | None = None) -> None:
        self.budget = budget
        self.inline_limit = inline_limit
        self._held: OrderedDict[tuple[object, ...], tuple[Mail, View]] = OrderedDict()
        self._bytes = 0

    def full(self, mail: Mail) -> View:
        """The whole payload."""
        return self._get(mail, (), lambda: self._build(mail))

    def masked(self, mail: Mail, mask: Mask, mask_key: str) -> View:
        """The payload reduced to a ``fields`` mask; ``mask_key`` is the mask as text."""
        return self._get(mail, ("mask", mask_key), lambda: self._reduce(mail, mask))

    def metadata(self, mail: Mail, names: frozenset[str], mask: Mask | None, mask_key: str) -> View:
        """Only the type and the header, or those header fields whose lower-case name is in ``names``."""
        return self._get(mail, ("metadata", names, mask_key), lambda: self._metadata(mail, names, mask))

    def attachment(self, mail: Mail, part_id: str) -> bytes | None:
        """The ``MessagePartBody`` of an attachment, encoded."""
        key = (id(mail), "attachment", part_id)
        if held := self._held.get(key):
            self._held.move_to_end(key)
            return held[1].encoded
        content = payload.attachment(mail.raw, part_id)
        if content is None:
            return None
        encoded = b'{"size":%d,"data":"%s"}' % (len(content), urlsafe_b64encode(content))
        return self._hold(key, mail, View(encoded, "", False)).encoded

    def text(self, mail: Mail) -> str:
        """The readable text, for search."""
        return payload.text_of(orjson.loads(self.full(mail).encoded))

    def filenames(self, mail: Mail) -> list[str]:
        return payload.filenames(orjson.loads(self.full(mail).encoded))

    def _get(self, mail: Mail, kind: tuple[object, ...], build: Callable[[], View]) -> View:
        key = (id(mail), *kind)
        held = self._held.get(key)
        if held is None:
            return self._hold(key, mail, build())
        self._held.move_to_end(key)
        return held[1]

    def _hold(self, key: tuple[object, ...], mail: Mail, view: View) -> View:
        if len(view.encoded) > self.budget // 2:
            return view
        self._held[key] = (mail, view)
        self._bytes += len(view.encoded)
        while self._bytes > self.budget:
            self._bytes -= len(self._held.popitem(last=False)[1][1].encoded)
        return view

    def _build(self, mail: Mail) -> View:
        tree = payload.build(mail.raw, _MARKER, self.inline_limit)
        return _encode(tree, payload.snippet(tree))

    def _reduce(self, mail: Mail, mask: Mask) -> View:
        full = self.full(mail)
        return _encode(apply(orjson.loads(full.encoded), mask), full.snippet)

    def _metadata(self, mail: Mail, names: frozenset[str], mask: Mask | None) -> View:
        full = self.full(mail)
        tree = orjson.loads(full.encoded)
        headers = [h for h in tree.get("headers", ()) if not names or h["name"].lower() in names]
        reduced = {"mimeType": tree["mimeType"]} | ({"headers": headers} if headers else {})
        return _encode(apply(reduced, mask), full.snippet)


def fill_attachment_ids(view: View, name: Callable[[str], str]) -> bytes:
    """The encoded payload with each marker replaced by ``name(part id)``."""
    if not view.marked:
        return view.encoded
    return _MARKED.sub(lambda found: name(found[1].decode()).encode(), view.encoded)


def payload_mask(mask: Mask | None) -> tuple[bool, Mask | None]:
    """Whether a message's mask wants the payload, and what of it."""
    return wants(mask, "payload"), below(mask, "payload")


def _encode(tree: payload.Part, snippet: str) -> View:
    encoded = orjson.dumps(tree)
    return View(encoded, snippet, _MARKER.encode() in encoded)
