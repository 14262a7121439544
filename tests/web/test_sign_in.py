"""Signing in, and sessions that end behind an open page."""

import pytest
from django.test import Client

from postroom.connector.policies import current_settings
from postroom.organisations.models import User

HERE = "http://testserver"


def sign_in(client: Client, user: User, following: str):
    return client.post(
        "/sign-in/", {"login": user.email, "password": "a long password", "next": following}, follow=True
    )


def test_a_part_that_is_asked_for_without_a_session_sends_the_whole_page_to_sign_in(transactional_db):
    headers = {"HX-Request": "true", "HX-Current-URL": f"{HERE}/leads/?q=carol"}
    answer = Client().get("/leads/?q=carol&stamp=1", headers=headers)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer["HX-Redirect"] == "/sign-in/?next=/leads/%3Fq%3Dcarol"


def test_a_form_that_was_sent_without_a_session_leads_back_to_its_page_and_says_so(account, rita):
    client = Client()
    answer = client.post(
        "/my-inbox/connect/", {"provider": "gmail"}, headers={"Referer": f"{HERE}/my-inbox/"}
    )
    assert answer["Location"] == "/sign-in/?next=/my-inbox/"
    assert "nothing was saved" in client.get(answer["Location"]).content.decode()
    back = sign_in(client, rita, "/my-inbox/")
    assert back.redirect_chain == [("/my-inbox/", 302)]
    assert back.status_code == 200


def test_nothing_is_saved_without_a_session(as_, account, ada):
    client = as_(ada)
    client.logout()
    client.post("/settings/inbound/", {"seen": "999999999", "excluded": "lost.example"})
    assert not current_settings(account.pk).inbound.excluded


@pytest.mark.parametrize(
    "referer",
    ["", "https://evil.example/leads/", "//evil.example", "javascript:alert(1)", "http://[", "\\evil"],
)
def test_nobody_is_led_elsewhere_after_signing_in(transactional_db, referer):
    answer = Client().post("/my-inbox/connect/", headers={"Referer": referer})
    assert answer["Location"] == "/sign-in/?next=/"


def test_a_question_of_a_script_leaves_no_word_behind(transactional_db):
    client = Client()
    client.post("/tags/check/", headers={"Sec-Fetch-Mode": "cors"})
    assert "nothing was saved" not in client.get("/sign-in/").content.decode()


def test_what_is_wrong_with_a_new_password_is_said_beside_the_field(as_, rita):
    form = {"oldpassword": "wrong", "password1": "short", "password2": "shorter"}
    page = as_(rita).post("/password/", form).content.decode()
    for name in ("oldpassword", "password1"):
        field = page.index(f'name="{name}"')
        assert page.rindex(f'<label for="id_{name}"', 0, field) < field < page.index("errorlist", field)
    assert (
        page.index('name="oldpassword"')
        < page.index("Please type your current password.")
        < page.index("id_password1")
    )
