"""Microsoft's own SDK, unchanged, against the sandbox; and what it knows of every property that is sent."""

import json
import warnings
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
from kiota_abstractions.authentication import (
    AccessTokenProvider,
    AllowedHostsValidator,
    BaseBearerTokenAuthenticationProvider,
)
from kiota_abstractions.base_request_configuration import RequestConfiguration
from kiota_serialization_json.json_parse_node import JsonParseNode
from kiota_serialization_json.json_serialization_writer import JsonSerializationWriter
from msgraph import GraphRequestAdapter, GraphServiceClient
from msgraph.generated.models.file_attachment import FileAttachment
from msgraph.generated.models.item_attachment import ItemAttachment
from msgraph.generated.models.mail_folder import MailFolder
from msgraph.generated.models.message import Message
from msgraph.generated.models.o_data_errors.o_data_error import ODataError
from msgraph.generated.models.reference_attachment import ReferenceAttachment
from msgraph.generated.models.subscription import Subscription
from msgraph.generated.models.user import User

from postroom.sandbox.microsoft import MicrosoftSandbox

from .conftest import MAYA, Graph, Webhook, letter

with warnings.catch_warnings():
    # The SDK deprecates classes of its own that its own modules define.
    warnings.simplefilter("ignore", DeprecationWarning)
    from msgraph.generated.users.item.mail_folders.item.messages.delta.delta_request_builder import (
        DeltaRequestBuilder,
    )
    from msgraph.generated.users.item.messages.item.message_item_request_builder import (
        MessageItemRequestBuilder,
    )
    from msgraph.generated.users.item.user_item_request_builder import UserItemRequestBuilder

pytestmark = [pytest.mark.asyncio, pytest.mark.filterwarnings("ignore:This class is deprecated")]


class Token(AccessTokenProvider):
    """A token that was given already."""

    def __init__(self, token: str) -> None:
        self.token = token

    async def get_authorization_token(self, uri: str, additional_authentication_context: Any = None) -> str:
        return self.token

    def get_allowed_hosts_validator(self) -> AllowedHostsValidator:
        return AllowedHostsValidator([])


@pytest_asyncio.fixture
async def sdk(sandbox: MicrosoftSandbox, origin: str) -> AsyncIterator[GraphServiceClient]:
    token = sandbox.issue_tokens(MAYA).access_token
    adapter = GraphRequestAdapter(BaseBearerTokenAuthenticationProvider(Token(token)))
    adapter.base_url = f"{origin}/v1.0"
    yield GraphServiceClient(request_adapter=adapter)
    await adapter._http_client.aclose()


async def test_it_reads_who_it_is(sdk: GraphServiceClient) -> None:
    query = UserItemRequestBuilder.UserItemRequestBuilderGetQueryParameters(select=["mail", "proxyAddresses"])
    me = await sdk.me.get(RequestConfiguration(query_parameters=query))
    assert me is not None
    assert (me.mail, me.proxy_addresses) == (MAYA, [f"SMTP:{MAYA}", "smtp:sales@northwind.example"])


async def test_it_lists_messages(sdk: GraphServiceClient, sandbox: MicrosoftSandbox) -> None:
    made = [sandbox.deliver(MAYA, letter(f"Mail {n}"), received=1_000.0 + n).id for n in range(3)]
    inbox = sdk.me.mail_folders.by_mail_folder_id("inbox")
    found = await inbox.messages.get()
    assert found is not None
    assert [message.id for message in found.value or []] == made[::-1]


async def test_it_pages_through_delta_and_follows_it(
    sdk: GraphServiceClient, sandbox: MicrosoftSandbox
) -> None:
    made = {sandbox.deliver(MAYA, letter(f"Mail {n}")).id for n in range(5)}
    delta = sdk.me.mail_folders.by_mail_folder_id("inbox").messages.delta
    query = DeltaRequestBuilder.DeltaRequestBuilderGetQueryParameters(top=2, select=["subject"])
    page = await delta.get(RequestConfiguration(query_parameters=query))
    found: list[str] = []
    while page is not None:
        found += [str(message.id) for message in page.value or []]
        if not page.odata_next_link:
            break
        page = await delta.with_url(page.odata_next_link).get()
    assert page is not None
    assert (set(found), len(found)) == (made, 5)
    assert page.odata_delta_link
    late = sandbox.deliver(MAYA, letter("late"))
    news = await delta.with_url(page.odata_delta_link).get()
    assert news is not None
    assert [message.id for message in news.value or []] == [late.id]


async def test_it_gets_a_message_and_its_attachments(
    sdk: GraphServiceClient, sandbox: MicrosoftSandbox
) -> None:
    item = sandbox.deliver(MAYA, letter("Offer", html="<p>Hi</p>", attachments=[("a.bin", b"\x00\xff")]))
    mail = sdk.me.messages.by_message_id(item.id)
    query = MessageItemRequestBuilder.MessageItemRequestBuilderGetQueryParameters(
        select=["subject", "internetMessageHeaders", "body", "from"]
    )
    message = await mail.get(RequestConfiguration(query_parameters=query))
    assert message is not None
    assert message.subject == "Offer"
    assert message.from_ is not None
    assert message.from_.email_address is not None
    assert message.from_.email_address.address == "priya@lighthouse.example"
    assert "Subject" in {header.name for header in message.internet_message_headers or []}
    attachments = await mail.attachments.get()
    assert attachments is not None
    (attachment,) = attachments.value or []
    assert isinstance(attachment, FileAttachment)
    assert attachment.name == "a.bin"
    assert attachment.content_bytes
    assert await mail.content.get() == item.mail.raw


async def test_it_subscribes_renews_lists_and_deletes(
    sdk: GraphServiceClient, sandbox: MicrosoftSandbox, webhook: Webhook
) -> None:
    wish = Subscription(
        change_type="created",
        notification_url=webhook.url,
        resource="me/mailFolders('inbox')/messages",
        expiration_date_time=datetime.now(UTC) + timedelta(days=2),
        client_state="secret",
    )
    made = await sdk.subscriptions.post(wish)
    assert made is not None
    assert made.id
    one = sdk.subscriptions.by_subscription_id(made.id)
    renewed = await one.patch(Subscription(expiration_date_time=datetime.now(UTC) + timedelta(days=5)))
    assert renewed is not None
    assert renewed.expiration_date_time
    assert made.expiration_date_time
    assert renewed.expiration_date_time > made.expiration_date_time
    listed = await sdk.subscriptions.get()
    assert listed is not None
    assert [each.id for each in listed.value or []] == [made.id]
    await one.delete()
    assert sandbox.notifier.live() == []


async def test_it_understands_a_refusal(sdk: GraphServiceClient) -> None:
    with pytest.raises(ODataError) as refused:
        await sdk.me.messages.by_message_id("AAMkNone").get()
    error = refused.value.error
    assert error is not None
    assert (error.code, error.message) == (
        "ErrorItemNotFound",
        "The specified object was not found in the store.",
    )
    assert error.inner_error is not None
    assert error.inner_error.request_id


# What the SDK's models know

MODELS = {
    "#microsoft.graph.fileAttachment": FileAttachment,
    "#microsoft.graph.itemAttachment": ItemAttachment,
    "#microsoft.graph.referenceAttachment": ReferenceAttachment,
}


def unknown(sent: dict[str, Any], model: Any) -> dict[str, Any]:
    """The properties that the model does not know, or that come back otherwise after it has read them."""
    read = JsonParseNode(sent).get_object_value(model)
    writer = JsonSerializationWriter()
    writer.write_object_value(None, read)
    again = json.loads(writer.get_serialized_content())
    known = read.get_field_deserializers()
    wrong = {name: sent[name] for name in sent if "@" not in name and name not in known}
    given = {name: value for name, value in sent.items() if "@" not in name and value is not None}
    return wrong | {
        name: (value, again.get(name))
        for name, value in given.items()
        if comparable(again.get(name)) != comparable(value)
    }


def comparable(value: Any) -> Any:
    """Times in one spelling, without the types that the SDK writes beside complex values."""
    if isinstance(value, dict):
        return {
            name: comparable(each)
            for name, each in value.items()
            if name != "@odata.type" and each is not None
        }
    if isinstance(value, list):
        return [comparable(each) for each in value]
    return value.replace("+00:00", "Z") if isinstance(value, str) else value


async def test_every_property_of_a_message_is_known(sandbox: MicrosoftSandbox, graph: Graph) -> None:
    raw = letter("Offer", cc="dan@x.example", html="<p>Hi</p>", attachments=[("a.bin", b"x")])
    items = [sandbox.deliver(MAYA, raw), sandbox.send(MAYA, raw), sandbox.deliver(MAYA, raw, "drafts")]
    for item in items:
        chosen = "subject,internetMessageHeaders,uniqueBody,bccRecipients,replyTo"
        for query in ("", f"?$select={chosen}"):
            sent = (await graph.get(f"/me/messages/{item.id}{query}")).json
            assert unknown(sent, Message) == {}
    delta = (await graph.get("/me/mailFolders/inbox/messages/delta")).json["value"]
    assert [unknown(each, Message) for each in delta] == [{}, {}]


async def test_every_property_of_attachments_is_known(sandbox: MicrosoftSandbox, graph: Graph) -> None:
    raw = (
        b"From: a@b.example\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=x\n\n--x\n"
        b"Content-Type: message/rfc822\n\nSubject: Inner\n\nhi\n--x\nContent-Type: image/gif\n\nGIF\n--x--\n"
    )
    item = sandbox.deliver(MAYA, raw, links=[("Plan.xlsx", "https://cloud.example/plan")])
    sent = (await graph.get(f"/me/messages/{item.id}/attachments")).json["value"]
    assert {each["@odata.type"] for each in sent} == set(MODELS)
    for each in sent:
        assert unknown(each, MODELS[each["@odata.type"]]) == {}


async def test_every_property_of_folders_people_and_subscriptions_is_known(
    graph: Graph, webhook: Webhook
) -> None:
    for folder in (await graph.get("/me/mailFolders")).json["value"]:
        assert unknown(folder, MailFolder) == {}
    assert unknown((await graph.get("/me")).json, User) == {}
    wanted = {
        "changeType": "created",
        "notificationUrl": webhook.url,
        "resource": "me/messages",
        "expirationDateTime": (datetime.now(UTC) + timedelta(days=1)).isoformat(),
    }
    assert unknown((await graph.post("/subscriptions", wanted)).json, Subscription) == {}
