"""The policy as JSON, and read from it as strictly as the forms do."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Annotated, Literal, cast

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from postroom.api.problems import Kinds, Problem
from postroom.api.shapes import Given, Shown
from postroom.connector.tags import MOST, TagKind, read_tags
from postroom.policy.problems import MOST_IMPORT_DAYS
from postroom.policy.settings import Settings, from_data, to_data

MOST_SEARCH_FIELDS = 5

Tag = Annotated[str, Field(max_length=1000)]
Behaviour = Literal["all", "keywords"]
KeywordField = Literal["subject", "body"]
Place = Literal["from", "to", "cc", "bcc"]
Detail = Literal["cc", "bcc", "subject", "body", "attachments"]
AttachmentKind = Literal[
    "inline",
    "word",
    "jpg",
    "png",
    "html",
    "excel",
    "zip",
    "json",
    "mkv",
    "mpg",
    "mp3",
    "mp4",
    "rtf",
    "avi",
    "pdf",
    "csv",
    "powerpoint",
    "text",
    "calendar",
]
AutomaticKind = Literal["auto_reply", "bounce", "list", "calendar"]


_EXAMPLE = cast("dict[str, JsonValue]", {**to_data(Settings()), "version": 0})


class _Direction(BaseModel):
    model_config = ConfigDict(use_attribute_docstrings=True)

    enabled: bool
    behaviour: Behaviour
    """All mail, or mail with one of the keywords."""
    keywords: list[Tag] = Field(max_length=MOST)
    user_keywords: bool
    """Whether users may add keywords of their own."""
    keywords_in: list[KeywordField]
    excluded: list[Tag] = Field(max_length=MOST)
    """Addresses, and domains with all their subdomains."""
    excluded_in: list[Place]
    user_exclusions: bool
    details: list[Detail]
    """What is captured besides From, To and the time."""
    attachment_kinds: list[AttachmentKind]
    capture: bool
    """Whether new leads are made from mail."""
    capture_from: list[Place]
    lead_source: str = Field(max_length=200)
    skip_automatic: list[AutomaticKind]


class _Policy(BaseModel):
    model_config = ConfigDict(use_attribute_docstrings=True)

    search_fields: list[Annotated[str, Field(max_length=50)]] = Field(
        min_length=1, max_length=MOST_SEARCH_FIELDS
    )
    """Names of the email-type lead fields by which leads are found, in order."""
    search_all: bool
    """Whether leads found by any of the fields get the mail, rather than those of the first that knows it."""
    sync_disabled: bool
    """Whether the sync is switched off for all users."""
    skip_internal: bool
    internal_domains: list[Tag] = Field(max_length=MOST)
    longest_import: int = Field(ge=0, le=MOST_IMPORT_DAYS)
    """Days of earlier mail that a user may import at most."""


class DirectionShown(_Direction, Shown):
    """One direction of mail as it is in force."""


class DirectionGiven(_Direction, Given):
    """One direction of mail as it shall be."""


class SettingsShown(_Policy, Shown):
    version: int
    """0: the defaults, never saved."""
    saved_at: datetime | None
    saved_by_id: int | None
    outbound: DirectionShown
    inbound: DirectionShown


class SettingsGiven(_Policy, Given):
    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    version: int = Field(ge=0, le=2**31 - 1, description="The version that was read and changed.")
    outbound: DirectionGiven
    inbound: DirectionGiven
    missed: Literal["catch_up", "skip"] = Field(
        "catch_up",
        description="What becomes of mail that came while the sync was switched off, if it is switched on.",
    )


def shown(settings: Settings, saved_at: datetime | None, saved_by: int | None) -> SettingsShown:
    data = to_data(settings)
    return SettingsShown.model_validate(
        {**data, "version": settings.version, "saved_at": saved_at, "saved_by_id": saved_by}
    )


def draft(given: SettingsGiven) -> Settings:
    """The settings with their tags as they are kept. Raises ``Problem`` with what is wrong, one by one."""
    data = given.model_dump(exclude={"version", "missed"})
    errors: dict[str, list[str]] = {}
    for side in ("outbound", "inbound"):
        chosen = data[side]
        chosen["lead_source"] = " ".join(chosen["lead_source"].split())
        for name, kind in (("keywords", TagKind.KEYWORD), ("excluded", TagKind.ENTRY)):
            chosen[name] = _tags(kind, chosen[name], errors, f"{side}.{name}")
    data["internal_domains"] = _tags(TagKind.DOMAIN, data["internal_domains"], errors, "internal_domains")
    if errors:
        raise Problem(Kinds.INVALID, "Some values cannot be used.", errors)
    return from_data(data, given.version)


def _tags(kind: TagKind, typed: Iterable[str], errors: dict[str, list[str]], path: str) -> Sequence[str]:
    """Of two that mean the same, the first stays; those that are none are told in ``errors``."""
    tags = read_tags(kind, typed)
    refused = {tag.typed: tag.reason for tag in tags if tag.reason}
    if refused:
        errors[path] = [f"“{text}”: {reason}" for text, reason in refused.items()]
    kept: dict[str, str] = {}
    for tag in tags:
        kept.setdefault(tag.key, tag.value)
    return list(kept.values())
