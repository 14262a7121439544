"""What a LeadSquared account offers, the check, and the jobs that mirror."""

import asyncio
from dataclasses import replace

import pytest
from django.conf import settings as django_settings
from django.db import connection
from procrastinate.contrib.django.models import ProcrastinateJob

from postroom.config import Config
from postroom.crm.models import Lead
from postroom.destinations.checking import check
from postroom.destinations.leadsquared.activities import ActivityType
from postroom.destinations.leadsquared.mirror import progress_of
from postroom.destinations.leadsquared.offers import Offers, look_up
from postroom.errors import AuthorizationLost, Misconfigured, Unavailable
from postroom.sync import jobs
from tests.destinations.leadsquared.conftest import CHOSEN, KEY, RECEIVED, SECRETS, SUBJECT, open_leadsquared
from tests.sync.test_jobs import run


def offers(codes: tuple[int, ...] = (), config: Config | None = None, **keys: str) -> Offers:
    return asyncio.run(look_up(config or django_settings.POSTROOM, "", {**SECRETS, **keys}, codes))


def test_there_are_types_and_fields_to_choose_from(leadsquared):
    seen = offers((RECEIVED, 999))
    assert ActivityType(RECEIVED, "Email Received") in seen.types
    by_name = {field.name: field for field in seen.lead_fields}
    assert (by_name["mx_City"].label, by_name["mx_City"].length) == ("City", 200)
    assert by_name["Phone"].unique
    assert [(each.name, each.label, each.length) for each in seen.fields[RECEIVED][:2]] == [
        (SUBJECT, "Subject", 200),
        (KEY, "Postroom's id", 200),
    ]


def test_wrong_keys_and_missing_ones_are_told_apart(leadsquared):
    with pytest.raises(AuthorizationLost):
        offers(secret_key="wrong")
    with pytest.raises(Misconfigured, match="Enter LeadSquared's access key"):
        offers(secret_key="")


def test_a_region_that_is_not_the_accounts_is_told_with_the_right_host(leadsquared):
    leadsquared.settings.api_host = "api-us11.leadsquared.com"
    with pytest.raises(AuthorizationLost, match=r"api-us11\.leadsquared\.com"):
        offers()


def test_a_host_that_nobody_answers_at_is_out_of_reach(leadsquared):
    config = replace(django_settings.POSTROOM, leadsquared_url="http://127.0.0.1:9")
    with pytest.raises(Unavailable, match="cannot be reached"):
        offers(config=config)


def test_the_check_names_what_mail_becomes_and_misses_no_type(leadsquared, account):
    place = open_leadsquared(account)
    assert check(place) == (
        "LeadSquared answered: 2 active users; mail becomes “Email Sent” and “Email Received”."
    )
    del leadsquared.activities.types[RECEIVED]
    with pytest.raises(Misconfigured, match="no activity type with code 202"):
        check(place)


def test_the_jobs_mirror_each_destination_that_wants_it(leadsquared, account):
    with connection.cursor() as cursor:
        cursor.execute("truncate procrastinate_jobs, procrastinate_workers cascade")
    place = open_leadsquared(account, replace(CHOSEN, mirror=True))
    leadsquared.add_lead("carol@customer.example")

    async def both(context) -> None:
        await jobs.poll_mirrors(0)
        await jobs.mirror_destination(context, place.pk)

    run(both)
    queued = ProcrastinateJob.objects.values_list("task_name", "args")
    assert list(queued) == [("mirror_destination", {"destination_id": place.pk})]
    place.refresh_from_db()
    assert progress_of(place).phase == "changes"
    assert Lead.objects.count() == 1
