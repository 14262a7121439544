"""The methods of Graph that the sandbox plays, all but the subscriptions read-only.

Sources: the pages of the Microsoft Graph REST API v1.0 reference named at each.
"""

import re
from typing import Any
from urllib.parse import urlencode

from . import errors, resource
from .delta import OPTIONS, Deltas
from .graph import Call, Method
from .mailbox import FOLDERS, Item
from .odata import (
    ATTACHMENT,
    FOLDER,
    MESSAGE,
    USER,
    USER_DEFAULT,
    check_expand,
    check_filter,
    check_order,
    check_select,
    extended_properties,
    read_query,
    reduce,
)
from .resource import attachment_number, attachments_of, look_into

Json = dict[str, Any]
_LIST = ("$select", "$filter", "$orderby", "$top", "$skip", "$count", "$expand", "$skiptoken")
DEFAULT_PAGE = 10
SUBSCRIPTIONS_PAGE = 100


async def get_user(call: Call) -> Json:
    """ "Get a user"; proxyAddresses only by $select."""
    query = read_query(call.inquiry.query, ["$select"])
    select = check_select(query.select, USER, "user")
    values = {"@odata.context": f"{_metadata(call)}#users/$entity"} | resource.user(call.owner)
    return reduce(values, select, USER_DEFAULT)


async def list_folders(call: Call) -> Json:
    """ "List mailFolders"."""
    query = read_query(call.inquiry.query, ["$select", "$top", "$skip", "$count"])
    select = check_select(query.select, FOLDER, "mailFolder")
    names = [name for name in FOLDERS if name != "msgfolderroot"][query.skip :][: query.top or DEFAULT_PAGE]
    value = [reduce(resource.folder(call.mailbox, name), select, FOLDER) for name in names]
    return {"@odata.context": f"{_metadata(call)}#users('me')/mailFolders", "value": value}


async def get_folder(call: Call) -> Json:
    """ "Get mailFolder", by id or well-known name."""
    query = read_query(call.inquiry.query, ["$select"])
    select = check_select(query.select, FOLDER, "mailFolder")
    values = {"@odata.context": f"{_metadata(call)}#users('me')/mailFolders/$entity"}
    return values | reduce(resource.folder(call.mailbox, _folder(call, call.names[0])), select, FOLDER)


async def list_messages(call: Call) -> Json:
    """ "List messages", of a folder or of the whole mailbox; pages by $skip."""
    query = read_query(call.inquiry.query, _LIST)
    select = check_select(query.select, MESSAGE, "message")
    expand, extended = check_expand(query.expand), extended_properties(query.expand)
    by, descending = check_order(query.orderby, query.filter)
    test = check_filter(query.filter)
    folder = _folder(call, call.names[0]) if call.names else ""
    items = call.mailbox.in_folder(folder) if folder else list(call.mailbox.items.values())
    found = [item for item in items if test(look_into(item))]
    found.sort(key=lambda item: (look_into(item)(by), item.number), reverse=descending)
    size = call.page_size() or query.top or DEFAULT_PAGE
    writer = call.writer()
    answer: Json = {"@odata.context": f"{_metadata(call)}#users('me')/messages"}
    if query.count:
        answer["@odata.count"] = len(found)
    end = query.skip + size
    if end < len(found):
        answer["@odata.nextLink"] = _following(call, query, end)
    answer["value"] = [writer.message(item, select, expand, extended) for item in found[query.skip : end]]
    return answer


async def delta(call: Call) -> Json:
    """ "message: delta"."""
    query = read_query(call.inquiry.query, OPTIONS)
    size, writer = call.page_size(), call.writer()
    with call.sandbox.lock:
        folder = _folder(call, call.names[0])
        return Deltas(call.sandbox, call.mailbox, writer).page(folder, query, size, call.url())


async def get_message(call: Call) -> Json:
    """ "Get message"."""
    query = read_query(call.inquiry.query, ["$select", "$expand"])
    select = check_select(query.select, MESSAGE, "message")
    expand = check_expand(query.expand)
    values = {"@odata.context": f"{_metadata(call)}#users('me')/messages/$entity"}
    return values | call.writer().message(_item(call), select, expand, extended_properties(query.expand))


async def get_mime(call: Call) -> tuple[bytes, str]:
    """ "Get MIME content of a message"."""
    return _item(call).mail.raw, "text/plain"


async def list_attachments(call: Call) -> Json:
    """ "List attachments"."""
    query = read_query(call.inquiry.query, ["$select", "$top", "$skip", "$filter", "$expand", "$count"])
    select = check_select(query.select, ATTACHMENT, "attachment")
    value = call.writer().attachments(_item(call), select)
    return {"@odata.context": f"{_metadata(call)}#users('me')/messages/attachments", "value": value}


async def get_attachment(call: Call) -> Json:
    """ "Get attachment"."""
    query = read_query(call.inquiry.query, ["$select", "$expand"])
    select = check_select(query.select, ATTACHMENT, "attachment")
    item = _item(call)
    return call.writer().attachment(item, _number(item, call.names[1]), select)


async def get_attachment_value(call: Call) -> tuple[bytes, str]:
    """ "Get attachment", the raw contents: 405 for a reference."""
    item = _item(call)
    attached = attachments_of(item)[_number(item, call.names[1])]
    if attached.kind == "reference":
        raise errors.GraphError(405, "ErrorInvalidRequest", "The OData request is not supported.")
    return attached.content, attached.content_type or "application/octet-stream"


async def list_subscriptions(call: Call) -> Json:
    """ "List subscriptions": the application's own, of the person who asks."""
    creator = call.access.account.oid if call.access.account else call.access.app.client_id
    live = [
        s for s in call.sandbox.notifier.live() if (s.app, s.creator) == (call.access.app.client_id, creator)
    ]
    query = read_query(call.inquiry.query, ["$skiptoken", "$top"])
    start = int(query.others.get("$skiptoken", "0") or 0)
    size = SUBSCRIPTIONS_PAGE
    answer: Json = {"@odata.context": f"{_metadata(call)}#subscriptions"}
    answer["value"] = [each.as_json() for each in live[start : start + size]]
    if start + size < len(live):
        answer["@odata.nextLink"] = f"{call.url()}?$skiptoken={start + size}"
    return answer


async def create_subscription(call: Call) -> Json:
    """ "Create subscription"."""
    immutable = call.prefer.get("idtype", "").lower() == "immutableid"
    wanted = call.json()
    _check_reach(call, wanted.get("resource"))
    made = await call.sandbox.notifier.create(
        wanted, call.access.app.client_id, call.access.account, immutable
    )
    values = {"@odata.context": f"{_metadata(call)}#subscriptions/$entity"} | made.as_json()
    return values | {"clientState": made.client_state or None}


async def get_subscription(call: Call) -> Json:
    """ "Get subscription"."""
    return _own(call).as_json()


async def renew_subscription(call: Call) -> Json:
    """ "Update subscription"."""
    return call.sandbox.notifier.renew(_own(call).id, call.json()).as_json()


async def reauthorize_subscription(call: Call) -> None:
    """ "subscription: reauthorize"."""
    _own(call).quiet = False


async def delete_subscription(call: Call) -> None:
    """ "Delete subscription"."""
    call.sandbox.notifier.remove(_own(call).id)


def _own(call: Call) -> Any:
    found = call.sandbox.notifier.get(call.names[0])
    if found.app != call.access.app.client_id:
        raise errors.GraphError(404, "ResourceNotFound", "The object was not found.")
    return found


def _check_reach(call: Call, name: object) -> None:
    """A person's token reaches their own mailbox only; an application's, those its policy allows."""
    parts = str(name or "").strip("/").replace("('", "/").replace("')", "").split("/")
    account = (
        call.sandbox.account_called(parts[1]) if parts[0].lower() == "users" and len(parts) > 1 else None
    )
    if call.access.account is not None:
        if account is not None and account is not call.access.account:
            raise errors.GraphError(403)
        if not call.access.account.licensed:
            raise errors.no_mailbox()
    elif account is not None:
        allowed = call.access.app.allowed_mailboxes
        if allowed is not None and account.address not in allowed:
            raise errors.blocked_by_policy()


def _folder(call: Call, name: str) -> str:
    try:
        return call.mailbox.folder_named(name)
    except KeyError:
        raise errors.malformed_id() if len(name) < 8 else errors.not_found() from None


def _item(call: Call) -> Item:
    name = call.names[0]
    found = call.mailbox.find(name)
    if found is None:
        raise errors.not_found() if name.startswith("AA") else errors.malformed_id()
    return found


def _number(item: Item, id: str) -> int:
    number = attachment_number(item, id)
    if number is None:
        raise errors.GraphError(404, "ErrorInvalidAttachmentId", "The specified attachment Id is invalid.")
    return number


def _metadata(call: Call) -> str:
    return f"{call.inquiry.origin}/v1.0/$metadata"


def _following(call: Call, query: Any, skip: int) -> str:
    options = {
        "$select": ",".join(sorted(query.select)),
        "$filter": query.filter,
        "$orderby": query.orderby,
        "$top": "" if query.top is None else str(query.top),
        "$expand": query.expand,
        "$count": "true" if query.count else "",
        "$skip": str(skip),
    }
    return f"{call.url()}?{urlencode({name: value for name, value in options.items() if value}, safe='$,()')}"


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text, re.IGNORECASE)


_FOLDER_PATH = "/mailFolders/([^/]+)"
_MESSAGE_PATH = "(?:/mailFolders/[^/]+)?/messages/([^/]+)"
_SUBSCRIPTION_PATH = "/subscriptions/([^/]+)"
_PROFILE = frozenset({"User.Read", "User.ReadBasic.All", "User.Read.All"})

METHODS = (
    Method("users.get", "GET", _pattern("/?"), get_user, _PROFILE),
    Method("folders.list", "GET", _pattern("/mailFolders"), list_folders),
    Method("folders.get", "GET", _pattern(_FOLDER_PATH), get_folder),
    Method("messages.list", "GET", _pattern("/messages"), list_messages),
    Method("messages.list", "GET", _pattern(f"{_FOLDER_PATH}/messages"), list_messages),
    Method("messages.delta", "GET", _pattern(f"{_FOLDER_PATH}/messages/delta"), delta),
    Method("messages.get", "GET", _pattern(_MESSAGE_PATH), get_message),
    Method("messages.value", "GET", _pattern(rf"{_MESSAGE_PATH}/\$value"), get_mime),
    Method("attachments.list", "GET", _pattern(f"{_MESSAGE_PATH}/attachments"), list_attachments),
    Method("attachments.get", "GET", _pattern(f"{_MESSAGE_PATH}/attachments/([^/]+)"), get_attachment),
    Method(
        "attachments.value",
        "GET",
        _pattern(rf"{_MESSAGE_PATH}/attachments/([^/]+)/\$value"),
        get_attachment_value,
    ),
    Method("subscriptions.list", "GET", _pattern("/subscriptions"), list_subscriptions),
    Method("subscriptions.create", "POST", _pattern("/subscriptions"), create_subscription, status=201),
    Method("subscriptions.get", "GET", _pattern(_SUBSCRIPTION_PATH), get_subscription),
    Method("subscriptions.renew", "PATCH", _pattern(_SUBSCRIPTION_PATH), renew_subscription),
    Method(
        "subscriptions.reauthorize",
        "POST",
        _pattern(f"{_SUBSCRIPTION_PATH}/reauthorize"),
        reauthorize_subscription,
    ),
    Method("subscriptions.delete", "DELETE", _pattern(_SUBSCRIPTION_PATH), delete_subscription),
)
