"""A mail on a lead as it is shown: what the policy left out is empty, and named in ``left_out``."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from postroom.api.paging import Id, Paged
from postroom.api.shapes import Moment, Named, Shown, named
from postroom.crm.models import Activity, Attachment, MessageBody
from postroom.mail.readable import html_to_text
from postroom.mail.safe_html import safe_html
from postroom.policy.settings import Detail

PICTURES = "/api/v1/attachments/{}"


class Rep(Shown):
    user_id: int
    name: str
    sent: bool
    """Whether the mail is in what they sent."""


class ActivityShown(Shown):
    id: int
    kind: Literal["email_sent", "email_received"]
    happened_at: datetime
    """The mail's own time."""
    posted_at: datetime
    lead_id: int
    mail_id: int
    """The same on every lead that has this mail."""
    conversation: str
    """The same for every mail of one thread; empty where that cannot be told."""
    subject: str
    from_: Named = Field(serialization_alias="from")
    to: list[Named]
    reps: list[Rep]
    """In whose mailboxes it is."""
    preview: str
    attachments: int
    left_out: list[str]
    """Details that the policy does not capture, and retention does not count as such."""


class ActivityPage(Shown):
    items: list[ActivityShown]
    next: str | None


class AttachmentShown(Shown):
    id: int
    filename: str
    content_type: str
    size: int
    """Bytes."""
    inline: bool
    captured: bool
    """Whether its bytes can be downloaded from `/attachments/{id}`."""
    reason: str
    """Why it was not captured; empty where it was."""


class ActivityWhole(ActivityShown):
    message_id: str
    """As in the mail's header, without brackets; empty where it has none."""
    cc: list[Named]
    bcc: list[Named]
    text: str
    html: str
    """Sanitised: no scripts, and no pictures from elsewhere. Empty for a mail in plain text."""
    content_deleted_at: datetime | None
    """When body and attachments passed the retention period."""
    files: list[AttachmentShown]


class ActivitiesAsked(Paged):
    lead_id: Id | None = None
    kind: Literal["", "email_sent", "email_received"] = ""
    since: Moment | None = Field(None, description="By the mail's own time, this moment included.")
    until: Moment | None = Field(None, description="By the mail's own time, this moment excluded.")


def shown(activity: Activity) -> ActivityShown:
    """Of an activity with all that ``views.activities_of`` puts at hand."""
    return ActivityShown(**_common(activity))


def whole(activity: Activity, body: MessageBody | None, files: Sequence[Attachment]) -> ActivityWhole:
    mail = activity.message
    html = body.html if body else ""
    pictures = {row.content_id: PICTURES.format(row.pk) for row in files if row.content_id and row.blob}
    return ActivityWhole(
        **_common(activity),
        message_id=mail.message_id,
        cc=named(mail.cc),
        bcc=named(mail.bcc),
        text=(body.text or html_to_text(html)) if body else "",
        html=safe_html(html, remote_images=False, cid=pictures).html if html else "",
        content_deleted_at=mail.content_deleted_at,
        files=[_file(row) for row in files],
    )


def _common(activity: Activity) -> dict[str, Any]:
    mail = activity.message
    return {
        "id": activity.pk,
        "kind": activity.kind,
        "happened_at": activity.happened_at,
        "posted_at": activity.created_at,
        "lead_id": activity.lead_id,
        "mail_id": activity.message_id,
        "conversation": mail.conversation,
        "subject": mail.subject,
        "from_": Named(address=mail.from_address, name=mail.from_name),
        "to": named(mail.to),
        "reps": [
            Rep(user_id=copy.user_id, name=copy.user.name, sent=copy.sent) for copy in mail.copies.all()
        ],
        "preview": getattr(activity, "preview", None) or "",
        "attachments": getattr(activity, "attachment_count", 0),
        "left_out": [detail.value for detail in Detail if detail.value not in mail.details],
    }


def _file(row: Attachment) -> AttachmentShown:
    return AttachmentShown(
        id=row.pk,
        filename=row.filename,
        content_type=row.content_type,
        size=row.size,
        inline=row.inline,
        captured=bool(row.blob),
        reason=row.reason,
    )
