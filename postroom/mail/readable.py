from postroom.mail.message import Message


def readable_text(message: Message) -> str:
    return html_to_text(message.html) if message.html else message.text


def html_to_text(html: str) -> str:
    return html
