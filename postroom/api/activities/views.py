"""The mail on leads. All of the account see it, as on the leads' pages."""

from django.conf import settings
from django.db.models import Count, F, IntegerField, OuterRef, Prefetch, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.utils.cache import get_conditional_response
from django.utils.http import content_disposition_header
from ninja import Query, Router

from postroom.api.activities.schemas import ActivitiesAsked, ActivityPage, ActivityWhole, shown, whole
from postroom.api.answers import answer, page
from postroom.api.auth import caller
from postroom.api.operations import operation
from postroom.api.paging import Id, by_time
from postroom.api.problems import Kinds, Problem
from postroom.api.scopes import Scope
from postroom.crm.models import Activity, Attachment, MessageBody, MessageCopy
from postroom.organisations.models import Account
from postroom.vault.blobs import BlobStore

router = Router()

_BYTES = {
    "200": {
        "description": "The bytes",
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


@router.get("/activities", **operation("activity_list", Scope.ACTIVITIES_READ, ActivityPage, problems=[404]))
def activity_list(request: HttpRequest, asked: Query[ActivitiesAsked]) -> HttpResponse:
    """The mail on one lead, or on all of them, newest first. A mail on two leads is two activities."""
    activities = activities_of(caller(request).user.account)
    if asked.lead_id:
        activities = activities.filter(lead=asked.lead_id)
    if asked.kind:
        activities = activities.filter(kind=asked.kind)
    if asked.since:
        activities = activities.filter(happened_at__gte=asked.since)
    if asked.until:
        activities = activities.filter(happened_at__lt=asked.until)
    rows = by_time(activities, "happened_at", asked)
    return page(request, ActivityPage(items=list(map(shown, rows.rows)), next=rows.next), rows.next)


@router.get("/activities/{id}", **operation("activity", Scope.ACTIVITIES_READ, ActivityWhole, problems=[404]))
def activity(request: HttpRequest, id: Id) -> HttpResponse:
    """One mail on one lead, with headers, text, safe HTML and its attachments."""
    found = get_object_or_404(activities_of(caller(request).user.account), pk=id)
    body = MessageBody.objects.filter(account_id=found.account_id, message=found.message_id).first()
    files = Attachment.objects.filter(account_id=found.account_id, message=found.message_id).order_by("pk")
    return answer(request, whole(found, body, list(files)))


@router.get(
    "/attachments/{id}",
    **operation("attachment", Scope.ACTIVITIES_READ, None, problems=[404], responses=_BYTES),
)
def attachment(request: HttpRequest, id: Id) -> HttpResponseBase:
    """The bytes of an attachment that was captured."""
    captured = Attachment.objects.exclude(blob="")
    row = get_object_or_404(captured, account=caller(request).user.account, pk=id)
    etag = f'"{row.blob}"'
    unchanged = get_conditional_response(request, etag=etag)
    if unchanged:
        return unchanged
    try:
        chunks = BlobStore(settings.POSTROOM.blob_url).read(row.account_id, row.blob)
    except KeyError as error:
        raise Problem(Kinds.NOT_FOUND, "The file is no longer in the blob store.") from error
    name = " ".join(row.filename.split()) or f"attachment-{row.pk}"
    headers = {
        "Content-Length": str(row.size),
        "Content-Disposition": content_disposition_header(True, name) or "attachment",
        "ETag": etag,
    }
    return StreamingHttpResponse(chunks, content_type="application/octet-stream", headers=headers)


def activities_of(account: Account) -> QuerySet[Activity]:
    """With all that a list shows of them, whatever their number, in two queries."""
    files = Attachment.objects.filter(account=OuterRef("account"), message=OuterRef("message"))
    counted = files.order_by().values("message").annotate(number=Count("pk")).values("number")
    copies = MessageCopy.objects.select_related("user").order_by("-sent", "pk")
    return (
        Activity.objects.filter(account=account)
        .select_related("message")
        .annotate(
            preview=F("message__body__preview"),
            attachment_count=Coalesce(Subquery(counted, output_field=IntegerField()), 0),
        )
        .prefetch_related(Prefetch("message__copies", copies))
    )
