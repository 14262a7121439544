"""People: the list, a person, invitations, user fields."""

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from postroom.connector import invitations, users
from postroom.connector.invitations import InvitationOver
from postroom.connector.users import UserRefused
from postroom.organisations.access import access_rule, visible_users
from postroom.organisations.finding import users_matching
from postroom.organisations.models import AccessMode, AccessRule, Purpose, Role, User, UserField
from postroom.sync.jobs import invite_soon
from postroom.web.paging import page_by_name
from postroom.web.parts import render_part, searched
from postroom.web.people.forms import FieldForm, InviteForm, PasswordForm, ProfileForm, yes_names
from postroom.web.sentences import told
from postroom.web.viewer import viewer

SIZE = 50
GET_OR_POST = require_http_methods(["GET", "POST"])


@require_GET
def index(request: HttpRequest) -> HttpResponse:
    user = get_team_viewer(request)
    search, role = searched(request), request.GET.get("role", "")
    role = role if role in Role.values else ""
    found = _found(user, search, role)
    context = {
        "rows": page_by_name(found, "name", request.GET.get("after", ""), SIZE),
        "search": search,
        "role": role,
        "roles": Role.choices,
        "filtered": bool(search or role),
    }
    return render_part(request, "people/index.html", "people/_rows.html", context)


@GET_OR_POST
def invite(request: HttpRequest) -> HttpResponse:
    by = get_administrator(request)
    form = InviteForm(
        by.account, request.POST or None, initial={"time_zone": by.time_zone, "role": Role.SALES_USER}
    )
    if request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():
                user = invitations.invite(by.account, form.cleaned_data["email"], form.profile(), by)
                invite_soon(user)
        except UserRefused as error:
            form.refuse(error)
        else:
            messages.success(request, _("An invitation is on its way to %(email)s.") % {"email": user.email})
            return redirect("people")
    return render(request, "people/invite.html", {"form": form}, status=422 if form.errors else 200)


@GET_OR_POST
def person(request: HttpRequest, pk: int) -> HttpResponse:
    """One person: to change for an administrator, to look at for their manager."""
    by = get_team_viewer(request)
    user = get_person_for(by, pk)
    form = _profile_form(request, user) if by.is_administrator else None
    if request.method == "POST":
        if form is None:
            raise PermissionDenied
        if form.is_valid():
            try:
                paused = users.change_user(user, form.profile(), by)
            except UserRefused as error:
                form.refuse(error)
                user.refresh_from_db()
            else:
                messages.success(request, _("%(user)s is saved.") % {"user": user})
                _tell_paused(request, paused)
                return redirect("person", pk=user.pk)
    context = {"person": user, "form": form, **_fields_context(by, user)}
    return render(request, "people/person.html", context, status=422 if form and form.errors else 200)


@require_POST
def person_fields(request: HttpRequest, pk: int) -> HttpResponse:
    """Which of the fields are Yes; managers set for their team the one that lets it connect (R-014)."""
    by = get_team_viewer(request)
    user = get_person_for(by, pk)
    settable = _settable_fields(by, user)
    if not settable:
        raise PermissionDenied
    names = yes_names(request.POST.getlist("yes"), settable)
    paused = users.set_fields(user, names, by, among=[field.name for field in settable])
    messages.success(request, _("The fields of %(user)s are saved.") % {"user": user})
    _tell_paused(request, paused)
    return redirect("person", pk=user.pk)


@require_POST
def deactivate(request: HttpRequest, pk: int) -> HttpResponse:
    by = get_administrator(request)
    user = get_person_for(by, pk)
    try:
        users.deactivate_user(user, by)
    except UserRefused as error:
        messages.error(request, told(error))
    else:
        messages.success(
            request, _("%(user)s is deactivated: signed out, and the mailbox paused.") % {"user": user}
        )
    return redirect("person", pk=user.pk)


@require_POST
def activate(request: HttpRequest, pk: int) -> HttpResponse:
    by = get_administrator(request)
    user = get_person_for(by, pk)
    users.reactivate_user(user, by)
    messages.success(
        request,
        _("%(user)s can sign in again. The mailbox, if any, goes on when they resume it.") % {"user": user},
    )
    return redirect("person", pk=user.pk)


@require_POST
def invite_again(request: HttpRequest, pk: int) -> HttpResponse:
    by = get_administrator(request)
    user = get_person_for(by, pk)
    with transaction.atomic():
        sent = invitations.invite_again(user, by)
        if sent:
            invite_soon(user)
    if sent:
        messages.success(request, _("A new link is on its way to %(email)s.") % {"email": user.email})
    else:
        messages.error(request, _("%(user)s has accepted the invitation already.") % {"user": user})
    return redirect("person", pk=user.pk)


@require_POST
def cancel_invitation(request: HttpRequest, pk: int) -> HttpResponse:
    by = get_administrator(request)
    user = get_person_for(by, pk)
    if invitations.cancel_invitation(user, by):
        messages.success(request, _("The invitation of %(email)s is taken back.") % {"email": user.email})
        return redirect("people")
    messages.error(request, _("%(user)s has accepted the invitation already.") % {"user": user})
    return redirect("person", pk=user.pk)


@GET_OR_POST
def fields(request: HttpRequest) -> HttpResponse:
    by = get_administrator(request)
    form = FieldForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            added = users.add_field(by.account, form.cleaned_data["label"], by)
        except UserRefused as error:
            form.add_error("label", told(error))
        else:
            messages.success(request, _("The field %(label)s is added.") % {"label": added.label})
            return redirect("user_fields")
    context = {"form": form, "fields": _fields_with_counts(by)}
    return render(request, "people/fields.html", context, status=422 if form.errors else 200)


@GET_OR_POST
def field(request: HttpRequest, pk: int) -> HttpResponse:
    by = get_administrator(request)
    found = get_field_for(by, pk)
    form = FieldForm(request.POST or None, initial={"label": found.label})
    if request.method == "POST" and form.is_valid():
        try:
            users.rename_field(found, form.cleaned_data["label"], by)
        except UserRefused as error:
            form.add_error("label", told(error))
        else:
            messages.success(request, _("The field is now called %(label)s.") % {"label": found.label})
            return redirect("user_fields")
    context = {"form": form, "field": get_field_for(by, pk)}
    return render(request, "people/field.html", context, status=422 if form.errors else 200)


@require_POST
def remove_field(request: HttpRequest, pk: int) -> HttpResponse:
    by = get_administrator(request)
    found = get_field_for(by, pk)
    try:
        users.remove_field(found, by)
    except UserRefused as error:
        messages.error(request, told(error))
    else:
        messages.success(request, _("The field %(label)s is removed.") % {"label": found.label})
    return redirect("user_fields")


@login_not_required
@GET_OR_POST
def accept(request: HttpRequest, token: str) -> HttpResponse:
    """The page behind the link of an invitation."""
    try:
        user = invitations.invited_user(token)
        form = PasswordForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            try:
                user = invitations.accept_invitation(token, form.cleaned_data["password"])
            except UserRefused as error:
                form.add_error("password", told(error))
            else:
                messages.success(request, _("Your password is set. Sign in with it now."))
                return redirect("account_login")
    except InvitationOver as error:
        return render(request, "people/invitation_over.html", {"said": told(error)}, status=410)
    context = {"form": form, "invited": user}
    response = render(request, "people/invitation.html", context, status=422 if form.errors else 200)
    response["Referrer-Policy"] = "no-referrer"
    return response


def get_team_viewer(request: HttpRequest) -> User:
    """The viewer, who has a team to see; a rep is refused (R-075)."""
    user = viewer(request)
    if not (user.is_administrator or user.is_manager):
        raise PermissionDenied
    return user


def get_administrator(request: HttpRequest) -> User:
    user = viewer(request)
    if not user.is_administrator:
        raise PermissionDenied
    return user


def get_person_for(by: User, pk: int) -> User:
    """One of the people whom the viewer may see, or a 404."""
    return get_object_or_404(visible_users(by).select_related("account", "manager", "mailbox"), pk=pk)


def get_field_for(by: User, pk: int) -> UserField:
    return get_object_or_404(UserField.objects.select_related("account"), account=by.account, pk=pk)


def _found(user: User, search: str, role: str) -> QuerySet[User]:
    found = visible_users(user)
    if role:
        found = found.filter(role=role)
    return users_matching(found, search).select_related("manager", "mailbox")


def _profile_form(request: HttpRequest, user: User) -> ProfileForm:
    initial = {
        "name": user.name,
        "role": user.role,
        "manager": user.manager_id,
        "time_zone": user.time_zone,
    }
    return ProfileForm(user.account, request.POST or None, initial=initial, user=user)


def _fields_context(by: User, user: User) -> dict[str, object]:
    settable = _settable_fields(by, user)
    return {
        "fields": [(field, field.name in user.yes_fields) for field in settable],
        "is_self": by.pk == user.pk,
    }


def _settable_fields(by: User, of: User) -> list[UserField]:
    """An administrator sets every field (R-016), a manager the one that lets their team connect (R-014).

    Not their own: whether managers connect is not theirs to say. And not where that field opens the
    configuration as well: a manager must not give that away.
    """
    if by.is_administrator:
        return list(UserField.objects.filter(account=by.account))
    if by.pk == of.pk:
        return []
    connect, configure = (
        access_rule(by.account, purpose) for purpose in (Purpose.CONNECT, Purpose.CONFIGURE)
    )
    if connect.mode != AccessMode.FIELD or connect.field is None or connect.field_id == configure.field_id:
        return []
    return [connect.field]


def _fields_with_counts(by: User) -> list[tuple[UserField, int, list[str]]]:
    """(field, users with a Yes, what access goes by it)."""
    held: dict[str, int] = {}
    for names in User.objects.of(by.account).exclude(yes_fields=[]).values_list("yes_fields", flat=True):
        for name in names:
            held[name] = held.get(name, 0) + 1
    opened: dict[int | None, list[str]] = {}
    for rule in AccessRule.objects.filter(account=by.account).exclude(field=None):
        opened.setdefault(rule.field_id, []).append(str(Purpose(rule.purpose).label))
    found = UserField.objects.filter(account=by.account)
    return [(each, held.get(each.name, 0), opened.get(each.pk, [])) for each in found]


def _tell_paused(request: HttpRequest, paused: int) -> None:
    if paused:
        said = ngettext(
            "%(number)d mailbox is paused, for its user may not connect one any more.",
            "%(number)d mailboxes are paused, for their users may not connect one any more.",
            paused,
        )
        messages.warning(request, said % {"number": paused})
