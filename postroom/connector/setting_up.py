"""Setting up an account, step by step (R-010, R-020, R-021), and that reps connect only afterwards (R-053).

What a change needs to be known by is in the audit trail, written in the same transaction.
"""

from collections.abc import Collection
from datetime import UTC, datetime

from django.db import models, transaction
from django.utils.translation import gettext_lazy as _

from postroom.connector.access import hold
from postroom.connector.audit import record
from postroom.connector.models import AuditArea, Mailbox, Provider, SetUp
from postroom.errors import AccountRefused, PostroomError
from postroom.organisations.models import Account, Role, User

MOST_NAMES = 3


class Step(models.TextChoices):
    """The steps in their order; the last is *Save & Complete* itself."""

    SECURITY = "security", _("Security & Compliance")
    ACCESS = "access", _("Connector Access")
    PROVIDER = "provider", _("Provider")
    OUTBOUND = "outbound", _("Outbound")
    INBOUND = "inbound", _("Inbound")
    ADVANCED = "advanced", _("Advanced")
    DONE = "done", _("Done")


class SetUpUnfinished(PostroomError):
    """The set-up has steps that are not saved yet. Finish them first."""

    code = "set_up_unfinished"


class NotOpenYet(AccountRefused):
    """Postroom is not set up yet, so no mailbox can be connected."""

    code = "not_open_yet"


class ProviderOff(AccountRefused):
    """Your company does not connect mailboxes of this provider."""

    code = "provider_off"


def set_up_of(account: Account) -> SetUp:
    """How far it has come; an unsaved one where nothing was done yet."""
    return SetUp.objects.filter(account=account).first() or SetUp(account=account)


def open_steps(set_up: SetUp) -> list[Step]:
    """The steps still to be saved, in order; empty once the set-up is complete."""
    if set_up.completed_at:
        return []
    return [step for step in Step if step not in set_up.steps]


@transaction.atomic
def finish_step(account: Account, step: Step) -> None:
    """Note that a step was saved."""
    set_up = _held(account)
    if step not in set_up.steps:
        set_up.steps.append(step.value)
        set_up.save()


@transaction.atomic
def save_providers(account: Account, providers: Collection[str], by: User | None) -> None:
    """Let reps connect with these providers and no others (R-021)."""
    set_up = _held(account)
    before = set_up.providers
    after = [provider for provider in Provider.values if provider in providers]
    if before == after:
        return
    set_up.providers = after
    set_up.save()
    named = " and ".join(str(Provider(provider).label) for provider in after) or "no provider"
    said = f"Chose {named} for mailboxes."
    record(account, by, AuditArea.PROVIDER, said, before={"providers": before}, after={"providers": after})


@transaction.atomic
def mark_prepared(account: Account, provider: Provider, by: User | None, *, prepared: bool) -> None:
    """Note that the provider's side is ready, or that it is not after all (R-020)."""
    set_up = _held(account)
    if (provider in set_up.prepared) is prepared:
        return
    others = [known for known in set_up.prepared if known != provider]
    set_up.prepared = [*others, provider.value] if prepared else others
    set_up.save()
    said = f"Marked the app as {'' if prepared else 'not '}trusted at {provider.label}."
    before, after = {"trusted": not prepared}, {"trusted": prepared}
    record(account, by, AuditArea.PROVIDER, said, before=before, after=after)


@transaction.atomic
def complete(account: Account, by: User | None) -> None:
    """End the set-up: reps connect from now on (R-053). Raises ``SetUpUnfinished``."""
    set_up = _held(account)
    if set_up.completed_at:
        return
    missing = [step for step in open_steps(set_up) if step is not Step.DONE]
    if missing:
        named = ", ".join(str(step.label) for step in missing)
        raise SetUpUnfinished(f"Not saved yet: {named}. Finish that first.")
    set_up.steps = list(Step.values)
    set_up.completed_at = datetime.now(UTC)
    set_up.save()
    record(account, by, AuditArea.SET_UP, "Completed the set-up: mailboxes can be connected.")


@transaction.atomic
def complete_at_once(account: Account, providers: Collection[str] = (Provider.GMAIL,)) -> None:
    """As if somebody had gone through every step; for accounts that are made ready by a program."""
    set_up = _held(account)
    set_up.steps = list(Step.values)
    set_up.providers = set_up.prepared = list(providers)
    set_up.completed_at = datetime.now(UTC)
    set_up.save()


def refuse_until_open(user: User, provider: Provider) -> None:
    """Raise ``NotOpenYet`` before set-up is complete, ``ProviderOff`` for a provider that is not on.

    Whoever has a mailbox at the provider may go on with it (R-021).
    """
    set_up = set_up_of(user.account)
    if not set_up.completed_at:
        raise NotOpenYet(_who_finishes(user.account, open_steps(set_up)))
    if provider in set_up.providers:
        return
    if not Mailbox.objects.of(user.account).filter(user=user, provider=provider).exists():
        raise ProviderOff(f"Your company does not connect {provider.label} mailboxes at present.")


def connected_mailboxes(account: Account) -> dict[str, int]:
    """How many mailboxes there are of each provider that has any."""
    counted = Mailbox.objects.of(account).values_list("provider").annotate(models.Count("pk"))
    return dict(counted.order_by("provider"))


def _who_finishes(account: Account, missing: list[Step]) -> str:
    people = User.objects.of(account).filter(role=Role.ADMINISTRATOR, is_active=True).order_by("pk")
    names = [str(person) for person in people[:MOST_NAMES]]
    who = " or ".join(names) or "An administrator"
    what = ", ".join(str(step.label) for step in missing)
    return (
        f"Postroom is not set up yet, so no mailbox can be connected. {who} has to finish the set-up first;"
        f" still open: {what}."
    )


def _held(account: Account) -> SetUp:
    """The row, taken for the rest of the transaction."""
    hold(account)
    return SetUp.objects.get_or_create(account=account)[0]
