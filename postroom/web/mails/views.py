"""A mail's content. The HTML of strangers is shown in a frame that may run nothing and load nothing."""

from collections.abc import Iterable, Mapping
from urllib.parse import quote

from django.conf import settings
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.http import content_disposition_header
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from postroom.crm.models import Attachment, MessageBody, StoredMessage
from postroom.mail.quotes import split_quotes
from postroom.mail.safe_html import SafeHtml, safe_html
from postroom.organisations.models import User
from postroom.policy.settings import Detail
from postroom.vault.blobs import BlobStore
from postroom.web.viewer import viewer

PICTURES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "image/bmp"})
"""Types that a browser only draws; everything else is handed out as a download."""

_FRAME_POLICY = (
    # The page measures the frame (allow-same-origin); scripts are not allowed, so nothing inside can act.
    "sandbox allow-same-origin allow-popups allow-popups-to-escape-sandbox; default-src 'none';"
    " style-src 'unsafe-inline'; img-src {pictures}; frame-ancestors 'self'; base-uri 'none';"
    " form-action 'none'"
)
_LABELS = {
    Detail.SUBJECT: _("subject"),
    Detail.CC: _("Cc"),
    Detail.BCC: _("Bcc"),
    Detail.BODY: _("body"),
    Detail.ATTACHMENTS: _("attachments"),
}
_OWN_PICTURES, _ALL_PICTURES = "'self' data:", "'self' data: https: http:"


@require_GET
def content(request: HttpRequest, pk: int) -> HttpResponse:
    """Header, body and attachments, fetched when the mail is opened."""
    message = get_message_for(viewer(request), pk)
    body = _body_of(message)
    own, quoted = split_quotes(body.text) if body and not body.html else ("", "")
    shown = _safe(message, body.html, remote=False) if body and body.html else None
    context = {
        "message": message,
        "details": {detail: detail.value in message.details for detail in Detail},
        "body": body,
        "own": own,
        "quoted": quoted,
        "blocked": shown.blocked if shown else 0,
        "attachments": [row for row in _attachments(message) if not _is_drawn(row, body)],
        "left_out": [label for detail, label in _LABELS.items() if detail not in message.details],
    }
    return render(request, "mails/_content.html", context)


@require_GET
def body(request: HttpRequest, pk: int) -> HttpResponse:
    """The HTML body as a document of its own; ``?images=1`` lets it load remote pictures."""
    message = get_message_for(viewer(request), pk)
    held = _body_of(message)
    if held is None or not held.html:
        raise Http404("This mail has no HTML body.")
    remote = request.GET.get("images") == "1"
    shown = _safe(message, held.html, remote=remote)
    response = render(request, "mails/frame.html", {"html": shown.html})
    pictures = _ALL_PICTURES if remote else _OWN_PICTURES
    response["Content-Security-Policy"] = _FRAME_POLICY.format(pictures=pictures)
    response["Referrer-Policy"] = "no-referrer"
    return response


@require_GET
def attachment(request: HttpRequest, pk: int) -> StreamingHttpResponse:
    """The bytes, as a download."""
    row = get_attachment_for(viewer(request), pk)
    response = _bytes(row, "application/octet-stream")
    # A line break at its end would pass Django's check and not the server's.
    name = " ".join(row.filename.split()) or f"attachment-{row.pk}"
    response["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    return response


@require_GET
def inline(request: HttpRequest, pk: int) -> StreamingHttpResponse:
    """A picture, to be drawn inside of its mail; nothing but pictures."""
    row = get_attachment_for(viewer(request), pk)
    if row.content_type not in PICTURES:
        raise Http404("Only pictures are shown in place.")
    return _bytes(row, row.content_type)


def get_message_for(user: User, pk: int) -> StoredMessage:
    """A message of the user's account, or a 404."""
    return get_object_or_404(StoredMessage, account=user.account, pk=pk)


def get_attachment_for(user: User, pk: int) -> Attachment:
    """A captured attachment of the user's account, or a 404."""
    return get_object_or_404(Attachment.objects.exclude(blob=""), account=user.account, pk=pk)


def _attachments(message: StoredMessage) -> QuerySet[Attachment]:
    return Attachment.objects.filter(account_id=message.account_id, message=message).order_by("pk")


def _body_of(message: StoredMessage) -> MessageBody | None:
    return MessageBody.objects.filter(account_id=message.account_id, message=message).first()


def _safe(message: StoredMessage, html: str, *, remote: bool) -> SafeHtml:
    return safe_html(html, remote_images=remote, cid=_pictures(_attachments(message)))


def _pictures(rows: Iterable[Attachment]) -> Mapping[str, str]:
    """The URL of each picture by its Content-ID."""
    return {
        row.content_id: reverse("attachment_inline", args=[row.pk])
        for row in rows
        if row.content_id and row.blob and row.content_type in PICTURES
    }


def _is_drawn(row: Attachment, body: MessageBody | None) -> bool:
    """Whether the picture stands in the body already."""
    if not (body and row.content_id and row.blob and row.content_type in PICTURES):
        return False
    return any(f"cid:{name}" in body.html for name in (row.content_id, quote(row.content_id)))


def _bytes(row: Attachment, content_type: str) -> StreamingHttpResponse:
    try:
        chunks = BlobStore(settings.POSTROOM.blob_url).read(row.account_id, row.blob)
    except KeyError as error:
        raise Http404("The file is no longer in the blob store.") from error
    response = StreamingHttpResponse(chunks, content_type=content_type)
    response["Content-Length"] = str(row.size)
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["Cache-Control"] = "private, max-age=3600"
    return response
