"""Attachments: uploaded to LeadSquared's files host, and named by their links in the activity.

"Upload a File" lets the name of an uploaded file stand in the note of an activity. So the files go first and
the activity, in one piece, afterwards; should it not get there, unused files stay behind and nothing else.
"""

from collections.abc import AsyncIterator, Sequence

from postroom.destinations.base import FileData, Files
from postroom.destinations.leadsquared.answers import child, text
from postroom.destinations.leadsquared.client import LeadSquaredClient
from postroom.destinations.leadsquared.mapping import Link
from postroom.destinations.leadsquared.refusals import AnswerLost, NotAccepted
from postroom.errors import Unavailable

LARGEST = 25 * 1024 * 1024
"""Bytes of a file that is uploaded; the page names no limit."""


async def upload(
    client: LeadSquaredClient, files: Files, code: int, wanted: Sequence[FileData]
) -> list[Link]:
    """Links to the files of an activity of this type; a file that is refused, or too large, has none."""
    return [await _upload(client, files, code, each) for each in wanted]


async def _upload(client: LeadSquaredClient, files: Files, code: int, file: FileData) -> Link:
    name = file.filename or "attachment"
    if file.size > LARGEST or file.inline:
        return Link(name)
    form = {
        "FileType": "0",
        "FileStorageType": "0",
        "EnableResize": "false",
        "Entity": "1",
        "Id": str(code),
        "StorageVersion": "0",
    }
    pieces = files.read(file.sha256)
    try:
        # Before anything is sent: the bytes may have passed their retention period.
        first = await anext(pieces, b"")
        answer = await client.upload(form, name, _whole(first, pieces))
    except (NotAccepted, KeyError):
        return Link(name)
    except AnswerLost as error:
        # Sent again, it is there twice, and one of them unused.
        raise Unavailable(str(error)) from error
    value = child({"": answer.value}, "")
    return Link(name, text(child(value, "Message") or value, "s3FilePath", "uploadedFile"))


async def _whole(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for piece in rest:
        yield piece
