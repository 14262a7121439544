"""What of a mail must be fetched, so that the rest never is."""

from enum import StrEnum

from postroom.mail.message import Direction
from postroom.policy.settings import Behaviour, Detail, KeywordField, Settings


class Need(StrEnum):
    """A costly part of a mail."""

    BODY = "body"
    ATTACHMENTS = "attachments"


def needs(settings: Settings, direction: Direction) -> frozenset[Need]:
    """What ``decide`` reads, or what is captured if the mail syncs; header fields are always needed."""
    chosen = settings.of(direction)
    found: set[Need] = set()
    if Detail.BODY in chosen.details:
        found.add(Need.BODY)
    if chosen.behaviour is Behaviour.KEYWORDS and KeywordField.BODY in chosen.keywords_in:
        found.add(Need.BODY)
    if Detail.ATTACHMENTS in chosen.details and chosen.attachment_kinds:
        found.add(Need.ATTACHMENTS)
    return frozenset(found)
