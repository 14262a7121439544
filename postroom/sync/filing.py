"""A judged mail, ready to be committed."""

from dataclasses import dataclass, field

from postroom.connector.models import Outcome
from postroom.mail.message import Attachment, Direction, Message
from postroom.policy.decide import Decision, Rule
from postroom.vault.blobs import Blob


@dataclass(frozen=True, slots=True)
class Kept:
    """An attachment as it will be shown: stored, or named with the reason why not."""

    attachment: Attachment
    blob: Blob | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Filing:
    """What is to be written of one mail."""

    provider_id: str
    direction: Direction | None
    decision: Decision
    outcome: Outcome
    message: Message | None = None
    identity: str = ""
    conversation: str = ""
    attachments: tuple[Kept, ...] = field(default=())

    @property
    def syncs(self) -> bool:
        return self.outcome == Outcome.SYNCED


def set_aside(provider_id: str, direction: Direction | None, reason: str, version: int) -> Filing:
    """A mail that cannot be read, with the reason; the mailbox goes on."""
    decision = Decision(Rule.UNREADABLE, reason, version)
    return Filing(provider_id, direction, decision, Outcome.SET_ASIDE)


def skipped(provider_id: str, direction: Direction, decision: Decision, message: Message | None) -> Filing:
    return Filing(provider_id, direction, decision, Outcome.SKIPPED, message)
