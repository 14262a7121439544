"""The lead list and Lead Details."""

import re
from datetime import UTC, datetime, timedelta

from postroom.connector.policies import current_settings
from postroom.crm.models import Activity, Attachment, Lead, StoredMessage
from tests.mails import mail
from tests.sync.conftest import change_policy, make_lead

PNG = b"\x89PNG\r\n\x1a\n" + bytes(64)
HOSTILE = (
    '<p onclick="alert(1)">Hello</p><script>alert(2)</script><img src="http://spy.example/pixel.gif">'
    '<img src="cid:logo@x"><a href="javascript:alert(3)">go</a>'
)


def test_an_empty_list_says_what_to_do(as_, rita):
    page = as_(rita).get("/leads/").content.decode()
    assert "No leads yet" in page
    assert "Connect my inbox" in page


def test_the_lead_with_the_newest_mail_comes_first(as_, rita, account):
    now = datetime.now(UTC)
    old, new = make_lead(account, "old@customer.example"), make_lead(account, "new@customer.example")
    Lead.objects.filter(pk=old.pk).update(last_activity_at=now + timedelta(hours=1))
    Lead.objects.filter(pk=new.pk).update(last_activity_at=now + timedelta(hours=2))
    make_lead(account, "silent@customer.example")
    page = as_(rita).get("/leads/").content.decode()
    assert re.findall(r'">(\w+)@customer.example</a>', page) == ["new", "old", "silent"]


def test_pages_hold_every_lead_once(as_, rita, account):
    for number in range(130):
        make_lead(account, f"lead{number}@customer.example")
    client, url, seen = as_(rita), "/leads/", []
    while url:
        page = client.get(url).content.decode()
        seen += re.findall(r'href="/leads/(\d+)/"', page)
        more = re.search(r'href="(\?after=[^"]+)"', page)
        url = f"/leads/{more[1]}" if more else ""
    assert len(seen) == len(set(seen)) == 130


def test_r082_search_by_name_address_and_id(as_, rita, account):
    carol = make_lead(account, "carol@customer.example")
    Lead.objects.filter(pk=carol.pk).update(first_name="Carol", last_name="Jones", company="Brightfields")
    make_lead(account, "dan@elsewhere.example")
    client = as_(rita)
    for words in ("carol", "JONES", "brightfields carol", "customer.example", str(carol.pk)):
        page = client.get("/leads/", {"q": words}).content.decode()
        assert f"/leads/{carol.pk}/" in page, words
        assert "dan@" not in page, words
    nothing = client.get("/leads/", {"q": "<b>nobody"}).content.decode()
    assert "No lead matches “&lt;b&gt;nobody”" in nothing


def test_a_bad_cursor_is_a_404_and_no_crash(as_, rita):
    for cursor in ("x", "2020-01-01_1", "2020-01-01T00:00:00+00:00_x", "_" * 200):
        assert as_(rita).get("/leads/", {"after": cursor}).status_code == 404


def test_htmx_gets_the_rows_alone_and_nothing_when_nothing_is_new(as_, rita, carol):
    client = as_(rita)
    part = client.get("/leads/", headers={"HX-Request": "true"})
    assert part.content.lstrip().startswith(b"<section")
    stamp = re.search(r"stamp=([\d.]+)", part.content.decode())[1]
    assert client.get(f"/leads/?stamp={stamp}", headers={"HX-Request": "true"}).status_code == 204
    make_lead(carol.account, "dan@customer.example")
    assert client.get(f"/leads/?stamp={stamp}", headers={"HX-Request": "true"}).status_code == 200


def test_r080_the_history_is_by_conversation_newest_first(as_, google, mailbox, carol, sync, rita):
    base = int(datetime.now(UTC).timestamp() * 1000) - 10_000
    letters = [("Offer", "a@x", ""), ("Invoice", "b@x", ""), ("Re: Offer", "c@x", "a@x")]
    for number, (subject, message_id, answered) in enumerate(letters):
        raw = mail(subject=subject, message_id=message_id, reply_to=answered)
        google.deliver(mailbox.address, raw, internal_date=base + number * 1000)
    sync(mailbox)
    page = as_(rita).get(f"/leads/{carol.pk}/").content.decode()
    assert re.findall(r"<h2><span>(.*?)</span>", page) == ["Offer", "Invoice"]
    assert page.count('class="mail"') == 3
    assert "Email Received" in page


def test_the_history_answers_204_until_a_mail_comes(as_, google, mailbox, carol, sync, rita):
    client = as_(rita)
    stamp = re.search(r"stamp=(\d+)", client.get(f"/leads/{carol.pk}/").content.decode())[1]
    assert client.get(f"/leads/{carol.pk}/history/?stamp={stamp}").status_code == 204
    google.deliver(mailbox.address, mail(subject="News"))
    sync(mailbox)
    assert b"News" in client.get(f"/leads/{carol.pk}/history/?stamp={stamp}").content


def test_a_mail_opens_to_its_header_text_and_attachments(as_, google, mailbox, carol, sync, rita):
    text = "Fine for me.\n\nOn Monday Rita wrote:\n> Is this fine?\n"
    google.deliver(
        mailbox.address,
        mail(text=text, cc="Dan <dan@customer.example>", attachments=(("Ümlaut.png", "image/png", PNG),)),
    )
    sync(mailbox)
    page = as_(rita).get(f"/mails/{StoredMessage.objects.get().pk}/").content.decode()
    assert "Carol Jones" in page
    assert "Dan" in page
    assert "Fine for me." in page
    assert "<summary>Quoted text</summary>" in page
    assert "Ümlaut.png" in page


def test_the_html_of_strangers_is_harmless(as_, google, mailbox, carol, sync, rita):
    google.deliver(mailbox.address, mail(text="Hello", html=HOSTILE))
    sync(mailbox)
    client, pk = as_(rita), StoredMessage.objects.get().pk
    frame = client.get(f"/mails/{pk}/body/")
    html = frame.content.decode()
    assert "Hello" in html
    for evil in ("alert(", "onclick", "javascript:", "spy.example"):
        assert evil not in html, evil
    policy = frame["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "sandbox allow-same-origin" in policy
    assert "allow-scripts" not in policy
    assert "img-src 'self' data:;" in f"{policy};"
    assert "1 remote picture not loaded" in client.get(f"/mails/{pk}/").content.decode()
    asked = client.get(f"/mails/{pk}/body/?images=1")
    assert "http://spy.example/pixel.gif" in asked.content.decode()
    assert "allow-scripts" not in asked["Content-Security-Policy"]


def test_attachments_are_handed_out_as_downloads(as_, google, mailbox, account, carol, sync, rita):
    google.deliver(mailbox.address, mail(attachments=(('ein "Plan".png', "image/png", PNG),)))
    sync(mailbox)
    row = Attachment.objects.get()
    response = as_(rita).get(f"/mails/attachments/{row.pk}/")
    assert b"".join(response.streaming_content) == PNG
    assert response["Content-Type"] == "application/octet-stream"
    assert response["Content-Disposition"].startswith("attachment")
    assert response["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in response["Content-Security-Policy"]


def test_only_pictures_are_shown_in_place(as_, google, mailbox, account, carol, sync, rita):
    page = b"<html><script>alert(1)</script></html>"
    google.deliver(mailbox.address, mail(attachments=(("page.html", "text/html", page),)))
    sync(mailbox)
    row = Attachment.objects.exclude(blob="").get()
    assert as_(rita).get(f"/mails/attachments/{row.pk}/inline/").status_code == 404


def test_r040_what_was_left_out_is_said(as_, google, mailbox, account, carol, sync, rita):
    details = current_settings(account.pk).inbound.details
    change_policy(account, "inbound", details=frozenset(each for each in details if each != "body"))
    google.deliver(mailbox.address, mail(text="secret"))
    sync(mailbox)
    page = as_(rita).get(f"/mails/{StoredMessage.objects.get().pk}/").content.decode()
    assert "The body was not captured" in page
    assert "secret" not in page


def test_a_long_history_takes_few_queries(
    as_, google, mailbox, carol, sync, rita, django_assert_max_num_queries
):
    for number in range(30):
        google.deliver(mailbox.address, mail(subject=f"mail {number}"))
    sync(mailbox)
    assert Activity.objects.count() == 30
    client = as_(rita)
    for url in (f"/leads/{carol.pk}/", "/leads/", "/journal/", "/my-inbox/"):
        with django_assert_max_num_queries(15):
            assert client.get(url).status_code == 200
