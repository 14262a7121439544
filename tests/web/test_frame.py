"""What every page shares: where the navigation says one is, and the way back from pages outside of it."""

import pytest
from django.test import Client
from django.urls import reverse

from postroom.organisations.models import UserField


def here(page: str) -> list[str]:
    """The links of the navigation that are marked as the present page."""
    nav = page.partition('<nav class="nav"')[2].partition("</nav>")[0]
    return [
        part.rpartition("</svg>")[2].partition("</a>")[0].strip()
        for part in nav.split("<a ")
        if "aria-current" in part
    ]


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("/leads/", "Leads"),
        ("/leads/new/", "Leads"),
        ("/journal/", "Journal"),
        ("/my-inbox/", "My inbox"),
        ("/my-inbox/own/", "My inbox"),
    ],
)
def test_the_navigation_says_where_one_is(as_, mailbox, rita, url, said):
    assert here(as_(rita).get(url).content.decode()) == [said]


def test_a_user_field_belongs_to_people(as_, account, ada):
    field = UserField.objects.create(account=account, name="connects", label="Connects")
    assert here(as_(ada).get(f"/people/fields/{field.pk}/").content.decode()) == ["People"]


def test_the_page_of_the_password_leads_back(as_, rita):
    client: Client = as_(rita)
    assert f'href="{reverse("my_account")}">Back to my account' in client.get("/password/").content.decode()
    form = {"oldpassword": "a long password", "password1": "yet another one", "password2": "yet another one"}
    answer = client.post("/password/", form, follow=True)
    assert answer.redirect_chain == [(reverse("my_account"), 302)]
    assert "Password successfully changed." in answer.content.decode()
    rita.refresh_from_db()
    assert rita.check_password("yet another one")
