"""The sandbox against Microsoft's documentation, a page's name at each case.

The pages are those of the Microsoft Graph reference and guides at the time of writing. What is taken from
public reports instead says so.
"""

import asyncio
from base64 import b64decode
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from postroom.sandbox.microsoft import MicrosoftSandbox

from .conftest import MAYA, OMAR, Graph, Webhook, letter

Case = Callable[[MicrosoftSandbox, Graph, Webhook], Awaitable[None]]
CASES: list[Any] = []
INBOX = "/me/mailFolders/inbox/messages"
IMMUTABLE = 'IdType="ImmutableId"'


def page(name: str) -> Callable[[Case], Case]:
    """Marks what ``name`` says."""

    def mark(case: Case) -> Case:
        CASES.append(pytest.param(case, id=f"{name}: {case.__name__.replace('_', ' ')}"))
        return case

    return mark


@pytest.mark.asyncio
async def test_it_is_as_documented(
    sandbox: MicrosoftSandbox, graph: Graph, webhook: Webhook, case: Case
) -> None:
    await case(sandbox, graph, webhook)


# Messages


@page("Get message")
async def internet_message_headers_only_by_select(
    sandbox: MicrosoftSandbox, graph: Graph, _: Webhook
) -> None:
    item = sandbox.deliver(MAYA, letter("Offer"))
    plain = (await graph.get(f"/me/messages/{item.id}")).json
    assert "internetMessageHeaders" not in plain
    assert "uniqueBody" not in plain
    chosen = (await graph.get(f"/me/messages/{item.id}?$select=internetMessageHeaders,subject")).json
    assert {name for name in chosen if "@" not in name} == {"id", "internetMessageHeaders", "subject"}
    assert {"name": "Subject", "value": "Offer"} in chosen["internetMessageHeaders"]


@page("Get message")
async def a_body_is_html_unless_text_is_preferred(
    sandbox: MicrosoftSandbox, graph: Graph, _: Webhook
) -> None:
    item = sandbox.deliver(MAYA, letter(text="a < b"))
    body = (await graph.get(f"/me/messages/{item.id}")).json["body"]
    assert body["contentType"] == "html"
    assert "a &lt; b" in body["content"]
    answer = await graph.get(f"/me/messages/{item.id}", 'outlook.body-content-type="text"')
    assert answer.json["body"]["contentType"] == "text"
    assert 'outlook.body-content-type="text"' in answer.headers["Preference-Applied"]


@page("message resource type")
async def unsafe_html_is_removed_unless_allowed(sandbox: MicrosoftSandbox, graph: Graph, _: Webhook) -> None:
    item = sandbox.deliver(MAYA, letter(html="<p>x</p><script>alert(1)</script>"))
    safe = (await graph.get(f"/me/messages/{item.id}")).json["body"]["content"]
    whole = (await graph.get(f"/me/messages/{item.id}", "outlook.allow-unsafe-html")).json["body"]["content"]
    assert "<script>" not in safe
    assert "<script>" in whole


@page("message resource type")
async def a_preview_has_255_characters(sandbox: MicrosoftSandbox, graph: Graph, _: Webhook) -> None:
    item = sandbox.deliver(MAYA, letter(text="word " * 400))
    assert len((await graph.get(f"/me/messages/{item.id}")).json["bodyPreview"]) == 255


@page("message resource type")
async def inline_attachments_do_not_count(sandbox: MicrosoftSandbox, graph: Graph, _: Webhook) -> None:
    raw = (
        b"From: a@b.example\nMIME-Version: 1.0\nContent-Type: multipart/related; boundary=x\n\n--x\n"
        b'Content-Type: text/html\n\n<img src="cid:i@x">\n--x\nContent-Type: image/gif\nContent-ID: <i@x>\n'
        b"Content-Disposition: inline\n\nGIF89a\n--x--\n"
    )
    item = sandbox.deliver(MAYA, raw)
    assert (await graph.get(f"/me/messages/{item.id}")).json["hasAttachments"] is False
    (image,) = (await graph.get(f"/me/messages/{item.id}/attachments")).json["value"]
    assert (image["isInline"], image["contentId"]) == (True, "i@x")


@page("Get MIME content of a message")
async def the_value_is_the_mime(sandbox: MicrosoftSandbox, graph: Graph, _: Webhook) -> None:
    raw = letter("Offer")
    item = sandbox.deliver(MAYA, raw)
    assert (await graph.get(f"/me/messages/{item.id}/$value")).body == raw


@page("List messages")
async def pages_have_ten_by_default_and_go_on_by_link(
    sandbox: MicrosoftSandbox, graph: Graph, _: Webhook
) -> None:
    made = [sandbox.deliver(MAYA, letter(str(n)), received=1_000.0 + n).id for n in range(12)]
    first = await graph.get(f"{INBOX}?$select=subject&$count=true")
    second = await graph.get(first.json["@odata.nextLink"])
    assert first.ids + second.ids == made[::-1]
    assert first.json["@odata.count"] == 12
    assert "@odata.nextLink" not in second.json
    assert set(second.json["value"][0]) == {"@odata.etag", "id", "subject"}


@page("List messages")
async def what_orders_must_come_first_in_the_filter(
    sandbox: MicrosoftSandbox, graph: Graph, _: Webhook
) -> None:
    answer = await graph.get(f"{INBOX}?$filter=isRead eq false&$orderby=receivedDateTime")
    assert (answer.status, answer.code) == (400, "InefficientFilter")
    good = await graph.get(
        f"{INBOX}?$filter=receivedDateTime ge 2000-01-01T00:00:00Z&$orderby=receivedDateTime"
    )
    assert good.status == 200


@page("Use query parameters to customize responses")
async def an_unknown_property_is_refused(sandbox: MicrosoftSandbox, graph: Graph, _: Webhook) -> None:
    answer = await graph.get(f"{INBOX}?$select=subjekt")
    assert (answer.status, answer.code) == (400, "RequestBroker--ParseUri")


@page("Outlook mail API overview")
async def folders_go_by_id_or_by_name(sandbox: MicrosoftSandbox, graph: Graph, _: Webhook) -> None:
    sandbox.deliver(MAYA, letter())
    folder = (await graph.get("/me/mailFolders/Inbox")).json
    assert (folder["displayName"], folder["totalItemCount"]) == ("Inbox", 1)
    for path in (f"/me/mailFolders/{folder['id']}/messages", "/me/mailFolders('inbox')/messages", INBOX):
        assert len((await graph.get(path)).ids) == 1


@page("Get singleValueLegacyExtendedProperty")
async def what_a_mail_answers_is_an_extended_property(
    sandbox: MicrosoftSandbox, graph: Graph, _: Webhook
) -> None:
    item = sandbox.send(MAYA, letter(in_reply_to="one@x.example"))
    expand = "$expand=singleValueExtendedProperties($filter=id eq 'String 0x1042' or id eq 'String 0x0070')"
    answer = await graph.get(f"/me/messages/{item.id}?$select=subject&{expand}")
    assert answer.json["singleValueExtendedProperties"] == [
        {"id": "String 0x1042", "value": "<one@x.example>"}
    ]


@page("PidTagConversationIndex canonical property")
async def a_conversation_index_grows_with_each_reply(
    sandbox: MicrosoftSandbox, graph: Graph, _: Webhook
) -> None:
    for raw, size in ((letter(), 22), (letter(in_reply_to="one@x.example"), 27)):
        item = sandbox.send(MAYA, raw)
        found = (await graph.get(f"/me/messages/{item.id}")).json
        assert len(b64decode(found["conversationIndex"])) == size


# Ids


@page("Obtain immutable identifiers for Outlook resources")
async def an_id_changes_on_a_move_unless_it_is_immutable(
    sandbox: MicrosoftSandbox, graph: Graph, _: Webhook
) -> None:
    item = sandbox.deliver(MAYA, letter())
    before = item.id
    answer = await graph.get(INBOX, IMMUTABLE)
    assert answer.headers["Preference-Applied"] == IMMUTABLE
    assert answer.ids == [item.immutable_id]
    sandbox.move(MAYA, before, "archive")
    assert item.id != before
    assert (await graph.get(f"/me/messages/{before}")).code == "ErrorItemNotFound"
    assert (await graph.get(f"/me/messages/{item.immutable_id}", IMMUTABLE)).json["id"] == item.immutable_id


@page("Obtain immutable identifiers for Outlook resources")
async def delta_links_serve_both_kinds(sandbox: MicrosoftSandbox, graph: Graph, _: Webhook) -> None:
    link = (await graph.get(f"{INBOX}/delta")).json["@odata.deltaLink"]
    item = sandbox.deliver(MAYA, letter())
    assert (await graph.get(link, IMMUTABLE)).ids == [item.immutable_id]
    assert (await graph.get(link)).ids == [item.id]


# Attachments


@page("Get attachment")
async def a_file_comes_in_json_and_raw(sandbox: MicrosoftSandbox, graph: Graph, _: Webhook) -> None:
    item = sandbox.deliver(MAYA, letter(attachments=[("a.bin", b"\x00\xff")]))
    path = f"/me/messages/{item.id}/attachments"
    (listed,) = (await graph.get(path)).json["value"]
    assert listed["@odata.type"] == "#microsoft.graph.fileAttachment"
    assert b64decode(listed["contentBytes"]) == b"\x00\xff"
    raw = await graph.get(f"{path}/{listed['id']}/$value")
    assert (raw.body, raw.headers["Content-Type"]) == (b"\x00\xff", "application/octet-stream")


@page("Get attachment")
async def an_item_comes_as_mime_and_a_reference_not_at_all(
    sandbox: MicrosoftSandbox, graph: Graph, _: Webhook
) -> None:
    raw = (
        b"From: a@b.example\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=x\n\n--x\n"
        b"Content-Type: message/rfc822\n\nSubject: Inner\n\nhi\n--x--\n"
    )
    item = sandbox.deliver(MAYA, raw, links=[("Plan.xlsx", "https://cloud.example/plan")])
    path = f"/me/messages/{item.id}/attachments"
    mail, link = (await graph.get(path)).json["value"]
    assert (mail["@odata.type"], mail["name"]) == ("#microsoft.graph.itemAttachment", "Inner")
    assert b"Subject: Inner" in (await graph.get(f"{path}/{mail['id']}/$value")).body
    assert link["@odata.type"] == "#microsoft.graph.referenceAttachment"
    assert (await graph.get(f"{path}/{link['id']}/$value")).status == 405


@page("fileAttachment resource type")
async def content_id_is_of_the_derived_type(sandbox: MicrosoftSandbox, graph: Graph, _: Webhook) -> None:
    item = sandbox.deliver(MAYA, letter(attachments=[("a.bin", b"x")]))
    path = f"/me/messages/{item.id}/attachments?$select=name"
    assert (await graph.get(f"{path},contentId")).code == "RequestBroker--ParseUri"
    (listed,) = (await graph.get(f"{path},microsoft.graph.fileAttachment/contentId")).json["value"]
    assert "contentBytes" not in listed
    assert listed["contentId"] is None


# Delta


@page("message: delta")
async def options_are_kept_in_the_links(sandbox: MicrosoftSandbox, graph: Graph, _: Webhook) -> None:
    for n in range(3):
        sandbox.deliver(MAYA, letter(str(n)))
    first = (await graph.get(f"{INBOX}/delta?$select=subject", "odata.maxpagesize=2")).json
    assert len(first["value"]) == 2
    second = (await graph.get(first["@odata.nextLink"])).json
    assert {name for name in second["value"][0] if "@" not in name} == {"id", "subject"}
    assert "@odata.deltaLink" in second


@page("message: delta")
async def only_one_filter_is_supported(sandbox: MicrosoftSandbox, graph: Graph, _: Webhook) -> None:
    old = sandbox.deliver(MAYA, letter(), received=1_000_000.0)
    new = sandbox.deliver(MAYA, letter())
    answer = await graph.get(f"{INBOX}/delta?$filter=receivedDateTime ge 2001-01-01T00:00:00Z")
    assert answer.ids == [new.id]
    assert (await graph.get(f"{INBOX}/delta?$filter=isRead eq false")).status == 400
    assert (await graph.get(f"{INBOX}/delta?$search=x")).status == 400
    # It holds in later rounds, too: the option is in the link.
    sandbox.mark_read(MAYA, old.id)
    assert (await graph.get(answer.json["@odata.deltaLink"])).ids == []


@page("Get incremental changes to messages in a folder")
async def a_filtered_round_tells_5000_at_the_most(
    sandbox: MicrosoftSandbox, graph: Graph, _: Webhook
) -> None:
    assert sandbox.settings.filtered_delta_most == 5_000
    sandbox.settings.filtered_delta_most = 2
    for n in range(4):
        sandbox.deliver(MAYA, letter(str(n)))
    filtered = f"{INBOX}/delta?$filter=receivedDateTime ge 2001-01-01T00:00:00Z"
    first = (await graph.get(f"{filtered}&$top=1")).json
    second = (await graph.get(first["@odata.nextLink"])).json
    assert (len(second["value"]), "@odata.deltaLink" in second) == (1, True)
    assert len((await graph.get(f"{INBOX}/delta")).ids) == 4


@page("Get incremental changes to messages in a folder")
async def created_updated_and_deleted_can_be_told_apart(
    sandbox: MicrosoftSandbox, graph: Graph, _: Webhook
) -> None:
    read, gone = sandbox.deliver(MAYA, letter("read")), sandbox.deliver(MAYA, letter("gone"))
    kinds = ("created", "updated", "deleted")
    links = {
        kind: (await graph.get(f"{INBOX}/delta?changeType={kind}")).json["@odata.deltaLink"] for kind in kinds
    }
    new = sandbox.deliver(MAYA, letter("new"))
    sandbox.mark_read(MAYA, read.id)
    gone_id = gone.id
    sandbox.move(MAYA, gone_id, "archive")
    found = {kind: (await graph.get(link)).ids for kind, link in links.items()}
    assert found == {"created": [new.id], "updated": [read.id], "deleted": [gone_id]}


@page("Use delta query to track changes in Microsoft Graph data")
async def what_left_is_removed(sandbox: MicrosoftSandbox, graph: Graph, _: Webhook) -> None:
    item = sandbox.deliver(MAYA, letter())
    link = (await graph.get(f"{INBOX}/delta")).json["@odata.deltaLink"]
    sandbox.delete(MAYA, item.id)
    (line,) = (await graph.get(link)).json["value"]
    assert line["@removed"] == {"reason": "deleted"}


@page("Use delta query to track changes in Microsoft Graph data")
async def an_update_tells_at_least_what_changed(sandbox: MicrosoftSandbox, graph: Graph, _: Webhook) -> None:
    """Public reports: a mail marked as read comes with id, isRead and parentFolderId only."""
    item = sandbox.deliver(MAYA, letter())
    link = (await graph.get(f"{INBOX}/delta?$select=subject,body")).json["@odata.deltaLink"]
    sandbox.mark_read(MAYA, item.id)
    (line,) = (await graph.get(link)).json["value"]
    assert {name for name in line if "@" not in name} == {"id", "isRead", "parentFolderId"}


@page("Use delta query to track changes in Microsoft Graph data")
async def a_forgotten_token_is_gone_with_a_place_to_begin(
    sandbox: MicrosoftSandbox, graph: Graph, _: Webhook
) -> None:
    link = (await graph.get(f"{INBOX}/delta")).json["@odata.deltaLink"]
    sandbox.expire_delta(MAYA)
    answer = await graph.get(link)
    assert (answer.status, answer.code) == (410, "SyncStateNotFound")
    assert (await graph.get(answer.headers["Location"])).status == 200
    sandbox.settings.resync_code = "resyncRequired"
    assert (await graph.get(link)).code == "resyncRequired"


@page("Use delta query to track changes in Microsoft Graph data")
async def a_token_that_was_not_given_is_refused(sandbox: MicrosoftSandbox, graph: Graph, _: Webhook) -> None:
    assert (await graph.get(f"{INBOX}/delta?$deltatoken=latest")).status == 400


# Errors, throttling, authorisation


@page("Microsoft Graph error responses and resource types")
async def an_error_has_its_code_and_request_id(sandbox: MicrosoftSandbox, graph: Graph, _: Webhook) -> None:
    answer = await graph.get("/me/messages/AAMkNoSuchMessage=")
    error = answer.json["error"]
    assert (answer.status, error["code"]) == (404, "ErrorItemNotFound")
    assert set(error) == {"code", "message", "innerError"}
    assert set(error["innerError"]) == {"date", "request-id", "client-request-id"}
    assert error["innerError"]["request-id"] == answer.headers["request-id"]


@page("Microsoft Graph service-specific throttling limits")
async def ten_thousand_requests_in_ten_minutes(sandbox: MicrosoftSandbox, graph: Graph, _: Webhook) -> None:
    limits = sandbox.limit()
    assert (limits.requests, limits.seconds, limits.concurrent) == (10_000, 600, 4)
    limits.requests = 2
    for expected in (200, 200, 429):
        answer = await graph.get("/me")
        assert answer.status == expected
    assert answer.code == "ApplicationThrottled"
    assert 0 < int(answer.headers["Retry-After"]) <= 600
    sandbox.clock.advance(601)
    assert (await graph.get("/me")).status == 200


@page("Microsoft Graph service-specific throttling limits")
async def four_requests_under_way(sandbox: MicrosoftSandbox, graph: Graph, webhook: Webhook) -> None:
    sandbox.limit()
    (app,) = sandbox.apps
    for _ in range(4):
        sandbox.ledger.enter(app, MAYA)
    refused = await graph.get("/me")
    assert (refused.status, refused.code) == (429, "ApplicationThrottled")
    assert refused.json["error"]["message"] == "Application is over its MailboxConcurrency limit."
    sandbox.ledger.leave(app, MAYA)
    assert (await graph.get("/me")).status == 200


@page("Throttling and batching")
async def each_request_of_a_batch_counts(sandbox: MicrosoftSandbox, graph: Graph, _: Webhook) -> None:
    sandbox.limit(requests=2)
    requests = [{"id": str(n), "method": "GET", "url": "/me"} for n in range(3)]
    answer = await graph.post("/$batch", {"requests": requests})
    assert answer.status == 200
    statuses = sorted(each["status"] for each in answer.json["responses"])
    assert statuses == [200, 200, 429]
    refused = next(each for each in answer.json["responses"] if each["status"] == 429)
    assert "Retry-After" in refused["headers"]


@page("Combine multiple HTTP requests using JSON batching")
async def a_batch_of_20_at_the_most_in_its_order(sandbox: MicrosoftSandbox, graph: Graph, _: Webhook) -> None:
    sandbox.deliver(MAYA, letter())
    requests = [
        {"id": "1", "method": "GET", "url": "/me/messages/AAMkNone"},
        {"id": "2", "method": "GET", "url": f"{INBOX}?$select=subject", "dependsOn": ["1"]},
        {"id": "3", "method": "GET", "url": f"{INBOX}?$select=subject"},
    ]
    answer = (await graph.post("/$batch", {"requests": requests})).json
    assert {each["id"]: each["status"] for each in answer["responses"]} == {"1": 404, "2": 424, "3": 200}
    many = [{"id": str(n), "method": "GET", "url": "/me"} for n in range(21)]
    assert (await graph.post("/$batch", {"requests": many})).status == 400
    twice = [{"id": "a", "method": "GET", "url": "/me"}, {"id": "A", "method": "GET", "url": "/me"}]
    assert (await graph.post("/$batch", {"requests": twice})).status == 400


@page("Microsoft Graph permissions reference")
async def what_was_not_granted_is_denied(sandbox: MicrosoftSandbox, graph: Graph, _: Webhook) -> None:
    graph.token = sandbox.issue_tokens(MAYA, ["openid", "Mail.Read"]).access_token
    assert (await graph.get("/me")).code == "Authorization_RequestDenied"
    assert (await graph.get(INBOX)).status == 200
    graph.token = sandbox.issue_tokens(MAYA, ["openid", "User.Read"]).access_token
    assert (await graph.get(INBOX)).code == "ErrorAccessDenied"
    graph.token = sandbox.issue_tokens(MAYA).access_token
    assert (await graph.get(f"/users/{OMAR}/messages")).code == "ErrorAccessDenied"


@page("Get a user")
async def proxy_addresses_only_by_select(sandbox: MicrosoftSandbox, graph: Graph, _: Webhook) -> None:
    me = (await graph.get("/me")).json
    assert (me["mail"], me["userPrincipalName"]) == (MAYA, "maya.l@northwind.example")
    assert "proxyAddresses" not in me
    chosen = (await graph.get("/me?$select=proxyAddresses")).json
    assert chosen["proxyAddresses"] == [f"SMTP:{MAYA}", "smtp:sales@northwind.example"]


@page("Authentication and authorization basics")
async def no_token_and_a_dead_one(sandbox: MicrosoftSandbox, graph: Graph, _: Webhook) -> None:
    sandbox.expire_access(MAYA)
    assert (await graph.get("/me")).code == "InvalidAuthenticationToken"
    graph.token = ""
    answer = await graph.get("/me")
    assert (answer.status, answer.json["error"]["message"]) == (401, "Access token is empty.")
    assert "Bearer" in answer.headers["WWW-Authenticate"]


@page("Claims challenges, claims requests, and client capabilities")
async def a_challenge_carries_its_claims(sandbox: MicrosoftSandbox, graph: Graph, _: Webhook) -> None:
    sandbox.challenge(MAYA)
    header = (await graph.get("/me")).headers["WWW-Authenticate"]
    assert 'error="insufficient_claims"' in header
    claims = b64decode(header.partition('claims="')[2].partition('"')[0])
    assert claims.startswith(b'{"access_token":{"nbf":')


@page("Limiting application permissions to specific Exchange Online mailboxes")
async def a_policy_names_the_mailboxes(sandbox: MicrosoftSandbox, graph: Graph, _: Webhook) -> None:
    app = next(iter(sandbox.apps.values()))
    tid = sandbox.accounts[MAYA].tid
    app.admin_consents.add(tid)
    form = {"scope": "https://graph.microsoft.com/.default"}
    graph.token = sandbox.tokens.by_itself(app, tid, form).access_token
    assert (await graph.get(f"/users/{MAYA}/mailFolders/inbox/messages")).status == 200
    assert (await graph.get("/me")).status == 400
    app.allowed_mailboxes = frozenset({OMAR})
    answer = await graph.get(f"/users/{MAYA}/mailFolders/inbox/messages")
    assert (answer.status, "AccessPolicy" in answer.json["error"]["message"]) == (403, True)
    assert (await graph.get(f"/users/{OMAR}/messages")).status == 200


# Notifications


def wanted(webhook: Webhook, **changed: Any) -> dict[str, Any]:
    expires = datetime.now(UTC) + timedelta(days=1)
    return {
        "changeType": "created",
        "notificationUrl": webhook.url,
        "lifecycleNotificationUrl": f"{webhook.url}/lifecycle",
        "resource": "me/mailFolders('Inbox')/messages",
        "expirationDateTime": expires.strftime("%Y-%m-%dT%H:%M:%S.0000000Z"),
        "clientState": "secret",
    } | changed


def days_from_now(days: float) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).isoformat()


async def settle(sandbox: MicrosoftSandbox) -> None:
    await asyncio.to_thread(sandbox.wait_for_notifications)


@page("Receive change notifications through webhooks")
async def both_addresses_are_validated(sandbox: MicrosoftSandbox, graph: Graph, webhook: Webhook) -> None:
    answer = await graph.post("/subscriptions", wanted(webhook))
    assert answer.status == 201
    assert answer.json["clientState"] == "secret"
    assert [request.path for request in webhook.handshakes] == ["/hook", "/hook/lifecycle"]
    assert all(request.content_type == "text/plain" for request in webhook.handshakes)


@page("Receive change notifications through webhooks")
async def a_wrong_token_is_no_validation(sandbox: MicrosoftSandbox, graph: Graph, webhook: Webhook) -> None:
    webhook.spoil = "!"
    answer = await graph.post("/subscriptions", wanted(webhook))
    assert (answer.status, answer.code) == (400, "ValidationError")
    assert sandbox.notifier.live() == []


@page("Receive change notifications through webhooks")
async def a_notification_has_its_documented_parts(
    sandbox: MicrosoftSandbox, graph: Graph, webhook: Webhook
) -> None:
    made = (await graph.post("/subscriptions", wanted(webhook), IMMUTABLE)).json
    item = sandbox.deliver(MAYA, letter())
    sandbox.deliver(MAYA, letter(), "junkemail")
    await settle(sandbox)
    (told,) = webhook.received
    assert (told["subscriptionId"], told["clientState"], told["changeType"]) == (
        made["id"],
        "secret",
        "created",
    )
    assert told["tenantId"] == sandbox.accounts[MAYA].tid
    assert told["resourceData"]["id"] == item.immutable_id
    assert told["resource"].startswith("Users/")


@page("subscription resource type")
async def on_mail_10080_minutes_at_the_most(
    sandbox: MicrosoftSandbox, graph: Graph, webhook: Webhook
) -> None:
    for days, status in ((7.01, 400), (-1, 400), (6.99, 201)):
        answer = await graph.post("/subscriptions", wanted(webhook, expirationDateTime=days_from_now(days)))
        assert answer.status == status
    sandbox.clock.advance(7 * 86_400)
    assert sandbox.notifier.live() == []


@page("subscription resource type")
async def addresses_use_https_and_a_state_has_128_characters(
    sandbox: MicrosoftSandbox, graph: Graph, webhook: Webhook
) -> None:
    for changed in (
        {"notificationUrl": "http://example.com/x"},
        {"clientState": "x" * 129},
        {"changeType": "moved"},
    ):
        assert (await graph.post("/subscriptions", wanted(webhook, **changed))).status == 400


@page("Create subscription")
async def a_duplicate_is_a_conflict(sandbox: MicrosoftSandbox, graph: Graph, webhook: Webhook) -> None:
    assert (await graph.post("/subscriptions", wanted(webhook))).status == 201
    assert (await graph.post("/subscriptions", wanted(webhook))).status == 409


@page("Update subscription")
async def a_renewal_moves_the_expiry(sandbox: MicrosoftSandbox, graph: Graph, webhook: Webhook) -> None:
    made = (await graph.post("/subscriptions", wanted(webhook))).json
    path = f"/subscriptions/{made['id']}"
    answer = await graph.ask("PATCH", path, json={"expirationDateTime": days_from_now(3)})
    assert answer.json["expirationDateTime"] > made["expirationDateTime"]
    assert (await graph.ask("PATCH", path, json={"changeType": "deleted"})).status == 400


@page("List subscriptions")
async def only_the_persons_own_are_listed(sandbox: MicrosoftSandbox, graph: Graph, webhook: Webhook) -> None:
    made = (await graph.post("/subscriptions", wanted(webhook))).json
    assert (await graph.get("/subscriptions")).ids == [made["id"]]
    graph.token = sandbox.issue_tokens(OMAR).access_token
    assert (await graph.get("/subscriptions")).ids == []


@page("Delete subscription")
async def what_is_deleted_is_gone(sandbox: MicrosoftSandbox, graph: Graph, webhook: Webhook) -> None:
    made = (await graph.post("/subscriptions", wanted(webhook))).json
    assert (await graph.ask("DELETE", f"/subscriptions/{made['id']}")).status == 204
    assert (await graph.ask("DELETE", f"/subscriptions/{made['id']}")).status == 404


@page("Reduce missing change notifications and removed subscriptions")
async def lifecycle_events_go_to_their_address(
    sandbox: MicrosoftSandbox, graph: Graph, webhook: Webhook
) -> None:
    made = (await graph.post("/subscriptions", wanted(webhook))).json
    for event in ("missed", "reauthorizationRequired"):
        sandbox.lifecycle(MAYA, event)
    sandbox.deliver(MAYA, letter("nobody is told"))
    await settle(sandbox)
    assert [told["lifecycleEvent"] for told in webhook.received] == ["missed", "reauthorizationRequired"]
    assert webhook.received[0]["clientState"] == "secret"
    assert (await graph.ask("POST", f"/subscriptions/{made['id']}/reauthorize")).status == 204
    sandbox.deliver(MAYA, letter())
    await settle(sandbox)
    assert webhook.received[-1]["changeType"] == "created"
    sandbox.lifecycle(MAYA, "subscriptionRemoved")
    assert (await graph.get("/subscriptions")).ids == []


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "case" in metafunc.fixturenames:
        metafunc.parametrize("case", CASES)
