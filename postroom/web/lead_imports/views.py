"""The pages of an import. Everything that is decided is in ``crm.importing``."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from postroom.crm.access import may_manage_leads
from postroom.crm.csv_file import MAX_BYTES, MAX_ROWS, FileRefused, csv_lines, header_of, rows_of
from postroom.crm.importing import (
    OPEN,
    REFUSALS_KEPT,
    ImportRefused,
    begin_import,
    cancel,
    confirm,
    set_columns,
    targets,
)
from postroom.crm.jobs import import_soon
from postroom.crm.models import ImportState, LeadImport, LeadSource
from postroom.organisations.models import User
from postroom.web.sentences import told
from postroom.web.viewer import viewer

RECENT = 10


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the file, and what it is imported as."""

    name: str
    """In the file."""
    target: str
    sample: str
    """From the first row."""


@require_http_methods(["GET", "POST"])
def index(request: HttpRequest) -> HttpResponse:
    """Choose a file."""
    user = _importer(request)
    error = ""
    if request.method == "POST":
        file = request.FILES.get("file")
        try:
            if file is None:
                raise FileRefused(_("Choose a CSV file first."))
            # What is too large is refused by its size, before it is read.
            content = file.read(MAX_BYTES + 1)
            job = begin_import(user.account, user, str(file.name or ""), content)
        except FileRefused as refusal:
            error = told(refusal)
        else:
            if {"email", "id"} & set(job.columns):
                import_soon(job)
            return redirect("lead_import", job.pk)
    context = {
        "error": error,
        "recent": LeadImport.objects.filter(account=user.account)
        .defer("content", "refusals", "examples")
        .order_by("-created_at", "-pk")[:RECENT],
        "most_mb": MAX_BYTES // 1048576,
        "most_rows": MAX_ROWS,
    }
    return render(request, "lead_imports/index.html", context, status=422 if error else 200)


@require_GET
def page(request: HttpRequest, pk: int) -> HttpResponse:
    """How it stands; the part that changes is asked for every second while something does."""
    job = get_import_for(_importer(request), pk)
    part = "lead_imports/_state.html" if request.headers.get("HX-Request") else "lead_imports/page.html"
    return render(request, part, _context(job))


@require_POST
def columns(request: HttpRequest, pk: int) -> HttpResponse:
    """Check the file anew, with other columns."""
    job = get_import_for(_importer(request), pk)
    chosen = [request.POST.get(f"column_{number}", "") for number in range(len(job.columns))]
    try:
        set_columns(job, chosen, request.POST.get("source", "").replace("\x00", ""))
    except ImportRefused as refusal:
        return render(
            request, "lead_imports/page.html", _context(job, chosen, error=told(refusal)), status=422
        )
    import_soon(job)
    return redirect("lead_import", job.pk)


@require_POST
def go(request: HttpRequest, pk: int) -> HttpResponse:
    job = get_import_for(_importer(request), pk)
    try:
        confirm(job)
    except ImportRefused as refusal:
        messages.error(request, told(refusal))
    else:
        import_soon(job)
    return redirect("lead_import", job.pk)


@require_POST
def stop(request: HttpRequest, pk: int) -> HttpResponse:
    job = get_import_for(_importer(request), pk)
    was_running = job.state == ImportState.RUNNING
    cancel(job)
    if job.state == ImportState.CANCELLED:
        stays = _("What was written so far stays.") if was_running else _("Nothing was written.")
        messages.success(request, _("The import is cancelled.") + " " + stays)
    return redirect("lead_import", job.pk)


@require_GET
def refused(request: HttpRequest, pk: int) -> StreamingHttpResponse:
    """The refused rows with their reasons, to be put right and imported again."""
    job = get_import_for(_importer(request), pk)
    lines = csv_lines(
        [_("Line"), _("Reason"), *_names(job)],
        ([line, reason, *cells] for line, reason, cells in job.refusals),
    )
    response = StreamingHttpResponse(
        (line.encode() for line in lines), content_type="text/csv; charset=utf-8"
    )
    response["Content-Disposition"] = f'attachment; filename="refused-rows-{job.pk}.csv"'
    return response


def get_import_for(user: User, pk: int) -> LeadImport:
    """An import of the user's account, or a 404."""
    return get_object_or_404(LeadImport.objects.select_related("account"), account=user.account, pk=pk)


def _importer(request: HttpRequest) -> User:
    user = viewer(request)
    if not may_manage_leads(user):
        raise PermissionDenied
    return user


def _context(job: LeadImport, chosen: Sequence[str] = (), error: str = "") -> dict[str, object]:
    labels = dict(targets(job.account))
    used = [name for name in job.columns if name]
    waits = job.state == ImportState.CHECKING and not {"email", "id"} & set(job.columns)
    return {
        "job": job,
        "States": ImportState,
        "error": error,
        "is_open": job.state in OPEN,
        "waits": waits,
        "works": job.state in (ImportState.CHECKING, ImportState.RUNNING) and not waits,
        "columns": list(_columns(job, chosen or job.columns)),
        "targets": labels.items(),
        "headings": [labels.get(name, name) for name in used],
        "examples": [_example(row, used, labels) for row in job.examples],
        "refusals": job.refusals[:50],
        "refusals_kept": REFUSALS_KEPT,
        "sources": LeadSource.objects.filter(account_id=job.account_id).order_by("name"),
    }


def _example(row: Sequence[object], used: Sequence[str], labels: Mapping[str, str]) -> dict[str, object]:
    """A row with its cells in the order of the columns, each with its heading and whether it changes."""
    line, outcome, reason, cells, changes = row
    values = cells if isinstance(cells, dict) else {}
    changed = changes if isinstance(changes, list) and outcome == "updated" else []
    shown = [(labels.get(name, name), values.get(name, ""), name in changed) for name in used]
    return {"line": line, "outcome": outcome, "reason": reason, "cells": shown}


def _columns(job: LeadImport, chosen: Sequence[str]) -> Iterator[Column]:
    first = _first_row(job)
    for number, name in enumerate(_names(job)):
        sample = first[number][:80] if number < len(first) else ""
        yield Column(name or _("Column %(number)s") % {"number": number + 1}, chosen[number], sample)


def _names(job: LeadImport) -> list[str]:
    """The columns as the file names them or, once the file has gone, as they were imported."""
    if job.content:
        return header_of(job.content, job.separator)
    labels = dict(targets(job.account))
    return [labels.get(name, "") for name in job.columns]


def _first_row(job: LeadImport) -> list[str]:
    row = next(rows_of(job.content, job.separator), None) if job.content else None
    return row.cells if row else []
