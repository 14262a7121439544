"""An attachment's way into the blob store: judged by its name, fetched, judged by its first bytes, kept.

What the policy forbids is not stored, and what its name rules out is not even fetched (R-041).
"""

from collections.abc import AsyncGenerator, AsyncIterator

from postroom.crm.retention import hold
from postroom.errors import MessageGone
from postroom.mail.message import Attachment, Message
from postroom.policy.kinds import HEAD, capture_verdict
from postroom.policy.settings import AttachmentKind
from postroom.providers.base import MailSource
from postroom.providers.http import patiently
from postroom.sync.filing import Kept
from postroom.threads import in_thread
from postroom.vault.blobs import BlobStore

GONE = "The mail was deleted before the attachment could be read."

Kinds = frozenset[AttachmentKind]


class Keeper:
    """Keeps the attachments of one mailbox's mails."""

    def __init__(self, source: MailSource, blobs: BlobStore, account_id: int) -> None:
        self._source = source
        self._blobs = blobs
        self._account_id = account_id

    async def keep(self, message: Message, kinds: Kinds) -> tuple[Kept, ...]:
        """Every attachment of the mail, kept or with the reason why not."""
        kept = [await self._keep(message, attachment, kinds) for attachment in message.attachments]
        stored = {one.blob.sha256 for one in kept if one.blob}
        lost = await in_thread(hold, self._account_id, stored) if stored else set[str]()
        return tuple(
            [
                await self._keep(message, one.attachment, kinds)
                if one.blob and one.blob.sha256 in lost
                else one
                for one in kept
            ]
        )

    async def _keep(self, message: Message, attachment: Attachment, kinds: Kinds) -> Kept:
        """Stream it into the blob store; from its beginning again where it breaks off."""
        wanted, reason = capture_verdict(attachment, None, kinds)
        if not wanted:
            return Kept(attachment, None, reason)

        async def store() -> Kept:
            chunks = self._source.content(message, attachment)
            head = await _head(chunks)
            wanted, reason = capture_verdict(attachment, head[:HEAD], kinds)
            if wanted:
                return Kept(attachment, await self._blobs.put(self._account_id, _joined(head, chunks)))
            if isinstance(chunks, AsyncGenerator):
                await chunks.aclose()
            return Kept(attachment, None, reason)

        try:
            return await patiently(store)
        except MessageGone:
            return Kept(attachment, None, GONE)


async def _head(chunks: AsyncIterator[bytes]) -> bytes:
    """The first bytes: ``HEAD`` of them and what came along, or all there are."""
    head = bytearray()
    async for chunk in chunks:
        head += chunk
        if len(head) >= HEAD:
            break
    return bytes(head)


async def _joined(head: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield head
    async for chunk in rest:
        yield chunk
