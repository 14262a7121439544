"""Delta query over a folder: rounds of pages, told by opaque tokens.

Sources: "message: delta", "Get incremental changes to messages in a folder" (options are encoded into the
links; with a filter at most 5,000 messages), "Use delta query to track changes in Microsoft Graph data"
(removed, synchronization reset). Public reports add: an update tells only what changed (a mail marked as
read comes with id, isRead and parentFolderId), and Exchange keeps the last few generations of a sync state
(``SyncStateNotFound`` for older ones). The documentation does not say whether a round without changes
gives the same link again; here it does.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import orjson

from . import errors
from .mailbox import Event, Item, Mailbox
from .odata import MESSAGE, Query, check_expand, check_filter, check_order, check_select, extended_properties
from .resource import Writer, look_into

if TYPE_CHECKING:
    from .sandbox import MicrosoftSandbox

Json = dict[str, Any]
OPTIONS = ("$select", "$filter", "$orderby", "$top", "$expand", "changeType", "$skiptoken", "$deltatoken")
DEFAULT_PAGE = 10
_CHANGES = frozenset({"", "created", "updated", "deleted"})


@dataclass(frozen=True, slots=True)
class State:
    """What a token holds."""

    folder: str
    stream: str
    epoch: int
    generation: int = 0
    since: int = -1
    """Number of the last event told; -1 in the first round."""
    upto: int = 0
    """The round tells events up to this one."""
    after: int = 0
    """Entries of the round told so far."""
    select: tuple[str, ...] = ()
    filter: str = ""
    orderby: str = ""
    top: int = 0
    expand: str = ""
    change_type: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a round: an item that is there, or one that has left."""

    item: Item
    removed: str = ""
    """The id under which it left; "" for one that is there."""
    partial: bool = False
    kind: str = "created"


class Deltas:
    """The delta function over one mailbox."""

    def __init__(self, sandbox: "MicrosoftSandbox", mailbox: Mailbox, writer: Writer) -> None:
        self._sandbox = sandbox
        self._mailbox = mailbox
        self._writer = writer

    def page(self, folder: str, query: Query, page_size: int | None, url: str) -> Json:
        """The next page; ``url`` is the function's address, without a query. Raises ``GraphError``."""
        state = self._state(folder, query, url)
        entries = self._entries(state)
        size = page_size or state.top or DEFAULT_PAGE
        told = entries[state.after : state.after + size]
        end = state.after + len(told)
        answer: Json = {
            "@odata.context": f"{url.partition('/v1.0/')[0]}/v1.0/$metadata#Collection(message)",
            "value": [self._write(entry, state) for entry in told],
        }
        if end < len(entries):
            following = replace(state, after=end, generation=state.generation + 1)
            answer["@odata.nextLink"] = self._link(url, "$skiptoken", following)
        else:
            moved = state.upto != state.since or state.after
            following = replace(
                state, since=state.upto, upto=0, after=0, generation=state.generation + bool(moved)
            )
            answer["@odata.deltaLink"] = self._link(url, "$deltatoken", following)
        return answer

    def _state(self, folder: str, query: Query, url: str) -> State:
        token = query.others.get("$skiptoken") or query.others.get("$deltatoken")
        if token is None or token == "":
            return self._begin(folder, query)
        state = self._read(token)
        if state.folder != folder:
            raise errors.bad_request("Badly formed token.", "ErrorInvalidSyncStateData")
        self._check_known(state, url)
        return state if state.upto else replace(state, upto=self._mailbox.happened)

    def _begin(self, folder: str, query: Query) -> State:
        change_type = query.others.get("changeType", "")
        if change_type not in _CHANGES:
            raise errors.bad_request(f"Invalid change type '{change_type}'.")
        if query.filter:
            terms = query.filter.split()
            if len(terms) != 3 or terms[0] != "receivedDateTime" or terms[1] not in {"ge", "gt"}:
                raise errors.bad_request(
                    "The filter is not supported by change tracking.", "ErrorInvalidUrlQueryFilter"
                )
        if query.orderby and check_order(query.orderby, "") != ("receivedDateTime", True):
            raise errors.bad_request(
                "The orderby is not supported by change tracking.", "ErrorInvalidUrlQuery"
            )
        check_filter(query.filter)
        if extended_properties(query.expand):
            # Public reports contradict each other on this; here it is refused.
            raise errors.bad_request(
                "The expand is not supported by change tracking.", "ErrorInvalidUrlQuery"
            )
        check_expand(query.expand)
        check_select(query.select, MESSAGE, "message")
        return State(
            folder=folder,
            stream=_stream(folder, query, self._mailbox),
            epoch=self._mailbox.epoch,
            upto=self._mailbox.happened,
            select=tuple(sorted(query.select)),
            filter=query.filter,
            orderby=query.orderby,
            top=query.top or 0,
            expand=query.expand,
            change_type=change_type,
        )

    def _check_known(self, state: State, url: str) -> None:
        settings, newest = self._sandbox.settings, self._mailbox.generations
        highest = max(newest.get(state.stream, 0), state.generation)
        newest[state.stream] = highest
        forgotten = settings.delta_generations and state.generation <= highest - settings.delta_generations
        if state.epoch < self._mailbox.epoch or forgotten:
            raise errors.sync_state_gone(settings.resync_code, f"{url}?$deltatoken=")

    def _entries(self, state: State) -> list[Entry]:
        events = self._mailbox.events[state.folder]
        within = [event for event in events if event.number <= state.upto]
        if state.since < 0:
            found = _first_round(within)
        else:
            found = [e for e in _later_round(within, state.since) if state.change_type in {"", e.kind}]
        test = check_filter(state.filter)
        there = [e for e in found if e.removed or (self._is_there(e, state) and test(look_into(e.item)))]
        if state.orderby:
            there.sort(key=lambda entry: -entry.item.received)
        return there[: self._sandbox.settings.filtered_delta_most] if state.filter else there

    def _is_there(self, entry: Entry, state: State) -> bool:
        """It may have left since the round began; the next round tells that."""
        item = entry.item
        return item.immutable_id in self._mailbox.items and item.folder == state.folder

    def _write(self, entry: Entry, state: State) -> Json:
        if entry.removed:
            immutable = self._writer.id_of(entry.item) == entry.item.immutable_id
            item_id = entry.item.immutable_id if immutable else entry.removed
            return {
                "@odata.type": "#microsoft.graph.message",
                "id": item_id,
                "@removed": {"reason": "deleted"},
            }
        select = check_select(frozenset(state.select), MESSAGE, "message")
        if entry.partial:
            select = frozenset({"isRead", "parentFolderId"})
        # A $select inside of the $expand is not heeded by delta, as public reports have it.
        expand = None if check_expand(state.expand) is None else frozenset[str]()
        return {"@odata.type": "#microsoft.graph.message"} | self._writer.message(entry.item, select, expand)

    def _link(self, url: str, name: str, state: State) -> str:
        body = orjson.dumps(asdict(state))
        seal = blake2b(body, digest_size=8, key=self._sandbox.seal).digest()
        return f"{url}?{name}={urlsafe_b64encode(seal + body).decode('ascii').rstrip('=')}"

    def _read(self, token: str) -> State:
        try:
            content = urlsafe_b64decode(token + "=" * (-len(token) % 4))
            seal, body = content[:8], content[8:]
            if blake2b(body, digest_size=8, key=self._sandbox.seal).digest() != seal:
                raise ValueError(token)
            values = orjson.loads(body)
            return State(**values | {"select": tuple(values["select"])})
        except (ValueError, TypeError, KeyError):
            raise errors.bad_request("Badly formed token.", "ErrorInvalidSyncStateData") from None


def _stream(folder: str, query: Query, mailbox: Mailbox) -> str:
    """Asked twice in the same words with nothing new, it is the same stream."""
    words = repr((folder, query, mailbox.address, mailbox.happened)).encode()
    return blake2b(words, digest_size=8).hexdigest()


def _first_round(events: Iterable[Event]) -> list[Entry]:
    there: dict[str, Item] = {}
    for event in events:
        if event.what == "in":
            there[event.item.immutable_id] = event.item
        elif event.what == "out":
            there.pop(event.item.immutable_id, None)
    return [Entry(item) for item in there.values()]


def _later_round(events: Iterable[Event], since: int) -> list[Entry]:
    """What happened after ``since``, each item once."""
    known: set[str] = set()
    happened: dict[str, list[Event]] = {}
    for event in events:
        key = event.item.immutable_id
        if event.number > since:
            happened.setdefault(key, []).append(event)
        elif event.what == "in":
            known.add(key)
        elif event.what == "out":
            known.discard(key)
    entries: list[Entry] = []
    for key, run in happened.items():
        last, was_known = run[-1], key in known
        if last.what == "out":
            if was_known:
                entries.append(Entry(last.item, removed=last.id, kind="deleted"))
        elif not was_known or any(event.what == "in" for event in run):
            entries.append(Entry(last.item))
        else:
            entries.append(Entry(last.item, partial=True, kind="updated"))
    return entries
