"""Leads by the API: the same values, rights and conflicts as on the pages."""

from datetime import UTC, datetime, timedelta

import orjson
import pytest

from postroom.connector.merging import merge
from postroom.crm.models import Activity, Lead
from tests.api.room import program
from tests.sync.conftest import make_lead


def shown(answer) -> dict[str, object]:
    return orjson.loads(answer.content)


def found(asks, query: str) -> list[int]:
    return [lead["id"] for lead in orjson.loads(asks.get(f"/leads?{query}").content)["items"]]


def test_a_lead_is_shown_with_its_fields(ada, rita, filed):
    lead = shown(program(ada).get(f"/leads/{filed.lead.pk}"))
    assert lead["name"] == lead["first_name"] == "Carol"
    assert lead["source"] == "Fair"
    assert (lead["owner_id"], lead["owner_name"]) == (rita.pk, "Rita")
    assert lead["custom"] == {"size": None, "vip": None}
    assert str(lead["created_at"]).endswith("Z")


def test_a_lead_is_made_with_values_of_every_type(ada, rita, filed):
    body = {
        "first_name": " Jürgen ",
        "email": "J.Weiss@Example.com",
        "phone": "+49 30 1234567",
        "source": "Website",
        "owner_id": rita.pk,
        "custom": {"size": 12.5, "vip": True},
    }
    answer = program(ada).post("/leads", body)
    assert answer.status_code == 201
    lead = Lead.objects.get(email_key="j.weiss@example.com")
    assert answer["Location"] == f"/api/v1/leads/{lead.pk}"
    assert shown(answer)["custom"] == {"size": 12.5, "vip": True}
    assert (lead.first_name, lead.source.name, lead.owner) == ("Jürgen", "Website", rita)


def test_a_change_leaves_alone_what_it_does_not_name(ada, filed):
    asks, path = program(ada), f"/leads/{filed.lead.pk}"
    asks.patch(path, {"custom": {"size": 3, "vip": False}, "company": "Acme"})
    after = shown(asks.patch(path, {"phone": "030 1", "custom": {"vip": None}}))
    assert after["first_name"] == "Carol"
    assert after["company"] == "Acme"
    assert after["phone"] == "030 1"
    assert after["custom"] == {"size": 3, "vip": None}
    emptied = shown(asks.patch(path, {"source": "", "owner_id": None}))
    assert (emptied["source"], emptied["owner_id"]) == ("", None)


def test_an_address_of_another_lead_is_a_conflict_with_it(ada, filed):
    asks = program(ada)
    for answer in (
        asks.post("/leads", {"email": "CAROL@customer.example"}),
        asks.patch(f"/leads/{filed.other.pk}", {"email": "carol@customer.example"}),
    ):
        assert answer.status_code == 409
        assert shown(answer)["lead_id"] == filed.lead.pk
        assert list(shown(answer)["errors"]) == ["email"]


def test_if_match_refuses_what_was_changed_meanwhile(ada, filed):
    asks, path = program(ada), f"/leads/{filed.lead.pk}"
    read = asks.get(path)["ETag"]
    changed = asks.patch(path, {"phone": "030 1"}, If_Match=read)
    assert changed.status_code == 200
    stale = asks.patch(path, {"phone": "030 2", "source": "Brand new"}, If_Match=read)
    assert stale.status_code == 412
    assert asks.patch(path, {"phone": "030 3"}, If_Match=changed["ETag"]).status_code == 200
    assert asks.patch(path, {"phone": "030 4"}, If_Match="*").status_code == 200
    assert shown(asks.get(path))["phone"] == "030 4"
    assert "Brand new" not in asks.get("/lead-sources").content.decode()


def test_a_lead_that_did_not_change_is_not_sent_again(ada, filed):
    asks, path = program(ada), f"/leads/{filed.lead.pk}"
    first = asks.get(path)
    again = asks.get(path, If_None_Match=first["ETag"])
    assert (again.status_code, again.content) == (304, b"")
    asks.patch(path, {"phone": "030 1"})
    assert asks.get(path, If_None_Match=first["ETag"]).status_code == 200


def test_the_list_is_searched_and_filtered(ada, rita, filed):
    asks = program(ada)
    carol, dave = filed.lead.pk, filed.other.pk
    assert found(asks, "") == [carol, dave]
    assert found(asks, "q=CAROL") == [carol]
    assert found(asks, f"q={dave}") == [dave]
    assert found(asks, "q=nobody") == []
    assert found(asks, "q=100%25") == []
    assert found(asks, "source=Fair") == [carol]
    assert found(asks, "source=Nowhere") == []
    assert found(asks, f"owner_id={rita.pk}") == [carol]
    assert found(asks, "without=owner") == [dave]
    assert found(asks, "without=source") == [dave]
    Lead.objects.filter(pk=carol).update(last_activity_at=datetime.now(UTC) + timedelta(minutes=1))
    assert found(asks, "sort=recent") == [carol, dave]


@pytest.mark.parametrize("sort", ["id", "recent"])
def test_pages_hold_every_lead_once_whatever_is_added(ada, account, sort):
    for number in range(7):
        make_lead(account, f"lead{number}@example.com")
    asks, seen, after = program(ada), [], ""
    while after is not None:
        answer = asks.get(f"/leads?limit=2&sort={sort}&after={after}")
        page = orjson.loads(answer.content)
        seen += [lead["email"] for lead in page["items"]]
        after = page["next"]
        if after:
            assert f"after={after}" in answer["Link"]
            assert answer["Link"].startswith(f"<http://testserver/api/v1/leads?limit=2&sort={sort}&after=")
        else:
            assert "Link" not in answer.headers
        make_lead(account, f"new{len(seen)}@example.com")
        if len(seen) > 20:
            break
    assert [email for email in seen if email.startswith("lead")] == sorted(
        (f"lead{number}@example.com" for number in range(7)), reverse=sort == "recent"
    )
    assert len(seen) == len(set(seen))


def test_merging_moves_the_mail_and_the_old_id_tells_where(ada, filed):
    asks = program(ada)
    answer = asks.post(f"/leads/{filed.other.pk}/merge", {"other_id": filed.lead.pk, "take": ["first_name"]})
    assert answer.status_code == 200
    assert shown(answer)["first_name"] == "Carol"
    assert Activity.objects.get().lead_id == filed.other.pk
    gone = asks.get(f"/leads/{filed.lead.pk}")
    assert gone.status_code == 404
    assert shown(gone)["merged_into"] == filed.other.pk


def test_what_cannot_be_merged(ada, account, filed):
    asks, path = program(ada), f"/leads/{filed.lead.pk}/merge"
    assert asks.post(path, {"other_id": filed.lead.pk}).status_code == 409
    assert asks.post(path, {"other_id": 999_999}).status_code == 404
    assert asks.post(path, {"other_id": filed.other.pk, "take": ["shoe"]}).status_code == 422
    assert asks.post(path, {}).status_code == 422
    merge(make_lead(account, "x@example.com"), filed.other, [], ada)
    assert asks.post(path, {"other_id": filed.other.pk}).status_code == 404
    assert Lead.objects.filter(pk=filed.lead.pk).exists()


def test_a_lead_is_deleted_by_its_owner(rita, sam, filed):
    assert program(sam).delete(f"/leads/{filed.lead.pk}").status_code == 403
    assert program(rita).delete(f"/leads/{filed.lead.pk}").status_code == 204
    assert program(rita).delete(f"/leads/{filed.lead.pk}").status_code == 404
    assert not Activity.objects.exists()


def test_fields_and_sources_are_listed(ada, filed):
    asks = program(ada)
    fields = orjson.loads(asks.get("/lead-fields").content)["items"]
    assert [(field["name"], field["type"]) for field in fields] == [("size", "number"), ("vip", "boolean")]
    sources = orjson.loads(asks.get("/lead-sources").content)["items"]
    assert sources == [{"id": filed.source.pk, "name": "Fair"}]
