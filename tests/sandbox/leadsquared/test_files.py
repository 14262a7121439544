"""Files: the pages "Upload a File" and "Attach a File to a Custom or Sales Activity"."""

import aiohttp
import pytest

from postroom.sandbox.leadsquared import WELL_KNOWN, ActivityType, LeadSquaredSandbox

from .conftest import ACTIVITIES, JOHN, Api

pytestmark = pytest.mark.asyncio


def form(**changes: str) -> aiohttp.FormData:
    """The documented form, with a file of three bytes."""
    parts = {"FileType": "3", "AccessKey": WELL_KNOWN[0], "SecretKey": WELL_KNOWN[1], "FileStorageType": "0"}
    made = aiohttp.FormData(quote_fields=False)
    for name, value in (parts | {"EnableResize": "false", "Entity": "0"} | changes).items():
        made.add_field(name, value)
    made.add_field("uploadFiles", b"abc", filename="my offer.pdf", content_type="application/pdf")
    return made


async def test_a_file_is_uploaded_and_can_be_had_again(api: Api) -> None:
    async with api.session.post(f"{api.origin}/File/Upload", data=form()) as answer:
        assert answer.status == 200
        made = await answer.json()
    assert made["uploadedFile"].endswith("-my_offer.pdf")
    async with api.session.get(made["s3FilePath"]) as answer:
        assert await answer.read() == b"abc"
        assert answer.headers["Content-Disposition"] == "attachment"
    async with api.session.get(f"{api.origin}/files/other.pdf") as answer:
        assert answer.status == 404


async def test_the_keys_are_parts_of_the_form(api: Api, sandbox: LeadSquaredSandbox) -> None:
    async with api.session.post(f"{api.origin}/File/Upload", data=form(SecretKey="wrong")) as answer:
        assert answer.status == 401
        assert (await answer.json())["ExceptionType"] == "MXInvalidAccessDetailsException"
    assert sandbox.files == {}


async def test_a_form_without_a_file_is_refused(api: Api) -> None:
    parts = {"AccessKey": WELL_KNOWN[0], "SecretKey": WELL_KNOWN[1], "uploadFiles": "no file"}
    made = aiohttp.FormData(parts, default_to_multipart=True)
    async with api.session.post(f"{api.origin}/File/Upload", data=made) as answer:
        assert answer.status == 500
        assert (await answer.json())["ExceptionType"] == "MXMandatoryAttributeMissingException"


async def test_a_file_is_attached_to_an_activity(
    api: Api, sandbox: LeadSquaredSandbox, email_sent: ActivityType
) -> None:
    lead = sandbox.add_lead(JOHN)
    body = {"RelatedProspectId": lead.id, "ActivityEvent": email_sent.code}
    made = (await api.post(ACTIVITIES + "Create", body)).json["Message"]["Id"]
    attachment = {
        "ProspectActivityId": made,
        "AttachmentName": "my offer.pdf",
        "Description": "The offer",
        "AttachmentFile": f"{api.origin}/files/x-my_offer.pdf",
    }
    answer = (await api.post(ACTIVITIES + "Attachment/Add", attachment)).json
    (kept,) = sandbox.activities_of(JOHN)[0].attachments
    assert answer == {"Status": "Success", "Message": {"Id": kept["Id"]}}
    assert kept["AttachmentName"] == "my offer.pdf"
    nameless = await api.post(ACTIVITIES + "Attachment/Add", attachment | {"AttachmentName": ""})
    assert nameless.kind == "MXMandatoryAttributeMissingException"


async def test_a_type_may_take_no_attachments(api: Api, sandbox: LeadSquaredSandbox) -> None:
    kind = sandbox.add_activity_type("Visit", allow_attachments=False)
    body = {"RelatedProspectId": sandbox.add_lead(JOHN).id, "ActivityEvent": kind.code}
    made = (await api.post(ACTIVITIES + "Create", body)).json["Message"]["Id"]
    attachment = {"ProspectActivityId": made, "AttachmentName": "a", "AttachmentFile": "https://x.example/a"}
    answer = await api.post(ACTIVITIES + "Attachment/Add", attachment)
    assert answer.kind == "MXFeatureNotEnabledException"
