"""Lead sources as an administrator keeps them: renamed, merged, removed where unused."""

from django.db import IntegrityError, transaction
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from postroom.crm.models import Lead, LeadSource
from postroom.errors import PostroomError
from postroom.organisations.models import Account


class SourceRefused(PostroomError):
    """This cannot be done with the lead source."""

    code = "source_refused"


def sources_of(account: Account) -> QuerySet[LeadSource]:
    """The sources by name, each with the number of its ``leads``."""
    leads = Lead.objects.filter(account=account, source=OuterRef("pk")).order_by().values("source")
    counted = leads.annotate(number=Count("pk")).values("number")
    return (
        LeadSource.objects.filter(account=account)
        .annotate(leads=Coalesce(Subquery(counted), 0))
        .order_by("name")
    )


def add_source(account: Account, name: str) -> LeadSource:
    """Raises ``SourceRefused`` where there is one of that name."""
    return _named(LeadSource(account=account), name)


def rename_source(source: LeadSource, name: str) -> LeadSource:
    """Raises ``SourceRefused`` where there is one of that name."""
    return _named(source, name)


@transaction.atomic
def merge_sources(source: LeadSource, into: LeadSource) -> int:
    """Give the leads of one source to another, and remove it; returns how many leads. Cannot be undone."""
    if source.pk == into.pk or source.account_id != into.account_id:
        raise SourceRefused("Choose another lead source.")
    leads = Lead.objects.filter(account_id=source.account_id, source=source).order_by("pk")
    ids = list(leads.select_for_update(no_key=True).values_list("pk", flat=True))
    Lead.objects.filter(account_id=source.account_id, pk__in=ids).update(source=into)
    source.delete()
    return len(ids)


@transaction.atomic
def delete_source(source: LeadSource) -> None:
    """Raises ``SourceRefused`` where leads have it."""
    held = LeadSource.objects.select_for_update().filter(pk=source.pk, account_id=source.account_id).first()
    if held is None:
        return
    if Lead.objects.filter(account_id=source.account_id, source=source).exists():
        raise SourceRefused(f"Leads have the source {source.name}; merge it into another one instead.")
    held.delete()


def _named(source: LeadSource, name: str) -> LeadSource:
    source.name = " ".join(name.replace("\x00", "").split())
    if not source.name or len(source.name) > 200:
        raise SourceRefused("A lead source needs a name of at most 200 characters.")
    try:
        with transaction.atomic():
            source.save()
    except IntegrityError as error:
        raise SourceRefused(f"There is a lead source {source.name} already.") from error
    return source
