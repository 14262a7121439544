"""Outlook keeps the promises of every provider."""

from tests.mails import mail
from tests.providers.contract import Mailroom, ProviderContract, follow, read, stored


class TestContract(ProviderContract):
    async def test_a_mail_comes_with_its_text_and_without_attachments_bytes(self, room: Mailroom) -> None:
        """Exchange keeps one body of a mail: where there is HTML, the plain text is gone."""
        source = room.source()
        cursor = stored(await source.start())
        room.deliver(
            mail(
                from_='"Jones, Carol" <carol@customer.example>',
                cc="Dan <dan@customer.example>",
                subject="Größe",
                text="Hello Rita",
                html="<p>Hello <b>Rita</b></p>",
                message_id="one@customer.example",
                reply_to="zero@northwind.example",
                attachments=(("a ü.bin", "application/octet-stream", b"x" * 700_000),),
            )
        )
        (change,) = (await follow(source, cursor))[0]
        message = await read(source, change)
        assert (message.id, bool(message.thread)) == (change.id, True)
        assert (message.subject, message.message_id) == ("Größe", "one@customer.example")
        assert message.from_ is not None
        assert (message.from_.name, message.from_.key) == ("Jones, Carol", "carol@customer.example")
        assert [person.key for person in message.cc] == ["dan@customer.example"]
        assert message.in_reply_to == "zero@northwind.example"
        assert (message.text, "<b>Rita</b>" in message.html) == ("", True)
        (attachment,) = message.attachments
        assert (attachment.filename, attachment.content) == ("a ü.bin", None)
        assert attachment.size == 700_000
