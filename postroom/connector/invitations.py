"""Inviting people: a user who cannot sign in until they have set a password by the link in their mail.

The link is signed, holds for a week and for one use; sending another ends it.
"""

from datetime import UTC, datetime, timedelta

from django.contrib.auth.password_validation import validate_password
from django.core import signing
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from postroom.connector.access import hold
from postroom.connector.audit import record
from postroom.connector.models import AuditArea
from postroom.connector.users import Profile, UserRefused, checked_profile
from postroom.crm.models import Lead
from postroom.errors import PostroomError
from postroom.organisations.models import Account, User

HOLDS_FOR = timedelta(days=7)
_SALT = "postroom.invitation"


class InvitationOver(PostroomError):
    """This invitation does not hold any more. Ask whoever invited you for a new one."""

    code = "invitation_over"


@transaction.atomic
def invite(account: Account, email: str, profile: Profile, by: User) -> User:
    """A user who is to accept; the caller has the mail sent. Raises ``UserRefused``."""
    hold(account)
    email = _checked_email(email)
    checked = checked_profile(account, profile, None)
    try:
        with transaction.atomic():
            user = User.objects.create_user(
                email,
                account=account,
                name=checked.name,
                role=checked.role,
                manager=checked.manager,
                time_zone=checked.time_zone,
                is_active=False,
                invited_at=datetime.now(UTC),
            )
    except IntegrityError as error:
        raise UserRefused(f"{email} is in use already.", "email") from error
    record(account, by, AuditArea.PEOPLE, f"Invited {user.name} ({email}).", about=user)
    return user


@transaction.atomic
def invite_again(user: User, by: User) -> bool:
    """Make a new link, which ends the one before; false for a user who is not invited."""
    changed = _invited(user).update(invited_at=datetime.now(UTC))
    user.refresh_from_db()
    if changed:
        record(user.account, by, AuditArea.PEOPLE, f"Invited {user} again.", about=user)
    return bool(changed)


@transaction.atomic
def cancel_invitation(user: User, by: User) -> bool:
    """Take the invitation back, and the user with it; false where it was accepted meanwhile."""
    hold(user.account)
    found = _invited(user).first()
    if found is None:
        return False
    record(user.account, by, AuditArea.PEOPLE, f"Took back the invitation of {user.name} ({user.email}).")
    # Leads that were given to the user get no owner: locked in order of id, as a commit of the sync does.
    owned = Lead.objects.of(user.account).filter(owner=user).order_by("pk")
    list(owned.select_for_update(no_key=True).values_list("pk", flat=True))
    found.delete()
    return True


def token_of(user: User) -> str:
    """What the link holds: who was invited, and when."""
    sent = user.invited_at.isoformat() if user.invited_at else ""
    return signing.dumps({"user": user.pk, "sent": sent}, salt=_SALT)


def invited_user(token: str) -> User:
    """Whom the link invites. Raises ``InvitationOver``."""
    try:
        held = signing.loads(token, salt=_SALT, max_age=HOLDS_FOR)
    except signing.BadSignature as error:
        raise InvitationOver from error
    user = User.objects.filter(pk=held["user"], is_active=False).select_related("account").first()
    if user is None or user.invited_at is None or user.invited_at.isoformat() != held["sent"]:
        raise InvitationOver
    return user


@transaction.atomic
def accept_invitation(token: str, password: str) -> User:
    """Set the password; the user can sign in from now on, and the link is used up.

    Raises ``InvitationOver``, and ``UserRefused`` for a password that is too weak.
    """
    user = invited_user(token)
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise UserRefused(" ".join(error.messages), "password") from error
    user.set_password(password)
    accepted = _invited(user).filter(invited_at=user.invited_at)
    if not accepted.update(password=user.password, is_active=True, invited_at=None):
        raise InvitationOver
    user.refresh_from_db()
    record(user.account, user, AuditArea.PEOPLE, f"{user} accepted the invitation.", about=user)
    return user


def _invited(user: User) -> QuerySet[User]:
    return User.objects.of(user.account).filter(pk=user.pk, is_active=False, invited_at__isnull=False)


def _checked_email(email: str) -> str:
    email = email.strip().lower()
    try:
        validate_email(email)
    except ValidationError as error:
        raise UserRefused("Type a mail address, such as rita@company.example.", "email") from error
    if len(email) > 254:
        raise UserRefused("This address is too long.", "email")
    return email
