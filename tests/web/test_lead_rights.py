"""Who may do what with leads, by the server on every page (R-075, R-082, R-083)."""

import pytest

from postroom.connector.erasing import begin_erasure
from postroom.connector.merging import merge
from postroom.crm.fields import define_field
from postroom.crm.importing import begin_import
from postroom.crm.models import Erasure, FieldType, Lead, LeadImport, LeadMerge, LeadSource
from postroom.organisations.models import Role
from tests.sync.conftest import make_lead, make_rep


@pytest.fixture
def urls(account, carol, ada) -> dict[str, tuple[str, str]]:
    """(method, url) by route name."""
    done = merge(carol, make_lead(account, "again@customer.example"), [], ada)
    field = define_field(account, "Size", FieldType.NUMBER)
    source = LeadSource.objects.create(account=account, name="Fair")
    job = begin_import(account, ada, "x.csv", b"Email\na@x.example\n")
    erasure = begin_erasure(carol, ada)
    return {
        "lead_delete": ("post", f"/leads/{carol.pk}/delete/"),
        "merge_undo": ("post", f"/leads/merges/{done.pk}/undo/"),
        "leads_export": ("get", "/leads/export/"),
        "lead_erase": ("get", f"/leads/{carol.pk}/erase/"),
        "erasures": ("get", "/leads/erasures/"),
        "erasure": ("get", f"/leads/erasures/{erasure.pk}/"),
        "lead_fields": ("get", "/leads/fields/"),
        "lead_field": ("get", f"/leads/fields/{field.pk}/"),
        "lead_field_retire": ("post", f"/leads/fields/{field.pk}/retire/"),
        "lead_field_restore": ("post", f"/leads/fields/{field.pk}/restore/"),
        "lead_sources": ("get", "/leads/sources/"),
        "lead_source": ("get", f"/leads/sources/{source.pk}/"),
        "lead_source_merge": ("post", f"/leads/sources/{source.pk}/merge/"),
        "lead_source_delete": ("post", f"/leads/sources/{source.pk}/delete/"),
        "lead_imports": ("get", "/leads/import/"),
        "lead_import": ("get", f"/leads/import/{job.pk}/"),
        "lead_import_columns": ("post", f"/leads/import/{job.pk}/columns/"),
        "lead_import_go": ("post", f"/leads/import/{job.pk}/go/"),
        "lead_import_cancel": ("post", f"/leads/import/{job.pk}/cancel/"),
        "lead_import_refused": ("get", f"/leads/import/{job.pk}/refused/"),
    }


ANYONE = {"merge_undo"}
ERASE = {"lead_erase", "erasures", "erasure"}
CONFIGURE = {
    *("lead_fields", "lead_field", "lead_field_retire", "lead_field_restore"),
    *("lead_sources", "lead_source", "lead_source_merge", "lead_source_delete"),
}
OWN_LISTS = {"lead_imports", "lead_fields", "lead_sources", "erasures", "leads_export"}
"""Pages that show nothing but the visitor's own account."""


def test_every_role_gets_what_is_theirs(urls, as_, account, rita, max_, ada):
    mona = make_rep(account, "Mona", Role.MARKETING_USER)
    for user in (rita, mona, max_, ada):
        client = as_(user)
        for name, (method, url) in urls.items():
            if user == ada or name in ANYONE:
                allowed = True
            elif name in ERASE | CONFIGURE:
                allowed = False
            else:
                allowed = user in (mona, max_)
            if allowed and method == "post":
                continue
            status = getattr(client, method)(url).status_code
            assert (status == 403) is not allowed, (user, name, status)


def test_what_a_rep_may_not_do_is_not_done(urls, as_, rita):
    before = Lead.objects.count(), LeadSource.objects.count(), LeadImport.objects.get().state
    for name in ("lead_delete", "lead_source_delete", "lead_import_cancel", "lead_field_retire"):
        method, url = urls[name]
        assert getattr(as_(rita), method)(url).status_code == 403
    assert (Lead.objects.count(), LeadSource.objects.count(), LeadImport.objects.get().state) == before


def test_other_accounts_objects_are_404_even_for_an_administrator(urls, as_, stranger, carol, account):
    client = as_(stranger)
    for name, (method, url) in urls.items():
        if name in OWN_LISTS:
            assert b"Fair" not in b"".join(client.get(url)), name
        else:
            assert getattr(client, method)(url).status_code == 404, name
    theirs = make_lead(stranger.account, "x@x.example")
    assert client.post(f"/leads/{theirs.pk}/merge/{carol.pk}/").status_code == 404
    assert client.post(f"/leads/{carol.pk}/edit/", {"first_name": "Eve"}).status_code == 404
    assert client.get(f"/leads/{carol.pk}/older/").status_code == 404
    assert LeadMerge.objects.count() == 1
    assert Erasure.objects.count() == 1


def test_the_owner_of_a_lead_may_delete_it(as_, rita, sam, carol):
    Lead.objects.filter(pk=carol.pk).update(owner=rita)
    assert as_(sam).post(f"/leads/{carol.pk}/delete/").status_code == 403
    assert as_(rita).post(f"/leads/{carol.pk}/delete/").status_code == 302
    assert not Lead.objects.exists()


def test_an_owner_or_source_of_another_account_is_refused(as_, rita, carol, stranger):
    response = as_(rita).post(f"/leads/{carol.pk}/edit/", {"email": carol.email, "owner": stranger.pk})
    assert response.status_code == 422
    carol.refresh_from_db()
    assert carol.owner is None
