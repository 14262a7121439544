"""The settings of the connector as values (requirements D and E)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TypeVar, cast

from postroom.mail.message import Direction


class Field(StrEnum):
    """Where on a mail an address stands."""

    FROM = "from"
    TO = "to"
    CC = "cc"
    BCC = "bcc"


class Detail(StrEnum):
    """What of a mail is captured besides From and To (R-040)."""

    CC = "cc"
    BCC = "bcc"
    SUBJECT = "subject"
    BODY = "body"
    ATTACHMENTS = "attachments"


class Behaviour(StrEnum):
    """Which mail of a direction syncs (R-031)."""

    ALL = "all"
    KEYWORDS = "keywords"


class KeywordField(StrEnum):
    """Where keywords are looked for (R-034)."""

    SUBJECT = "subject"
    BODY = "body"


class AttachmentKind(StrEnum):
    """What an attachment is, as an admin speaks of it (R-041)."""

    INLINE = "inline"
    """A picture that the body shows, whatever its format."""
    WORD = "word"
    JPG = "jpg"
    PNG = "png"
    HTML = "html"
    EXCEL = "excel"
    ZIP = "zip"
    JSON = "json"
    MKV = "mkv"
    MPG = "mpg"
    MP3 = "mp3"
    MP4 = "mp4"
    RTF = "rtf"
    AVI = "avi"
    PDF = "pdf"
    CSV = "csv"
    POWERPOINT = "powerpoint"
    TEXT = "text"
    CALENDAR = "calendar"


FIELDS = {
    Direction.SENT: (Field.TO, Field.CC, Field.BCC),
    Direction.RECEIVED: (Field.FROM, Field.TO, Field.CC),
}
"""The fields that exclusion and capture can look at, by direction (R-037, R-042)."""

DEFAULT_KINDS = frozenset(AttachmentKind) - {
    AttachmentKind.CSV,
    AttachmentKind.POWERPOINT,
    AttachmentKind.TEXT,
    AttachmentKind.CALENDAR,
}

EMAIL_FIELD = "email"
"""The lead field that every account has and that captured leads are made with (R-044)."""


@dataclass(frozen=True, slots=True)
class DirectionSettings:
    """The form of one direction."""

    enabled: bool = True
    behaviour: Behaviour = Behaviour.ALL
    keywords: frozenset[str] = frozenset()
    """As typed; looked at only when ``behaviour`` is ``KEYWORDS`` (R-031, R-032)."""
    user_keywords: bool = False
    """Whether reps add keywords of their own (R-033)."""
    keywords_in: frozenset[KeywordField] = frozenset(KeywordField)
    excluded: frozenset[str] = frozenset()
    """Address keys, and domains that stand for their subdomains too (R-036)."""
    excluded_in: frozenset[Field] = frozenset()
    user_exclusions: bool = False
    """Whether reps add exclusions of their own (R-038)."""
    details: frozenset[Detail] = frozenset(Detail)
    attachment_kinds: frozenset[AttachmentKind] = DEFAULT_KINDS
    capture: bool = False
    capture_from: frozenset[Field] = frozenset()
    lead_source: str = ""
    skip_automatic: frozenset[str] = frozenset()
    """Kinds of automatic mail that do not sync: values of ``mail.automatic.AutomaticKind``."""
    rep_version: int = 0
    """The version of the rep's own settings that took part in this; 0 where none did. No part of the form."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The whole policy of an account, as one version of it."""

    version: int = 0
    """0: the defaults, never saved."""
    outbound: DirectionSettings = field(
        default_factory=lambda: DirectionSettings(
            excluded_in=frozenset({Field.TO}), capture_from=frozenset({Field.TO})
        )
    )
    inbound: DirectionSettings = field(
        default_factory=lambda: DirectionSettings(
            excluded_in=frozenset({Field.FROM}), capture_from=frozenset({Field.FROM})
        )
    )
    search_fields: tuple[str, ...] = (EMAIL_FIELD,)
    """Names of the email-type lead fields by which leads are found, in order (R-044)."""
    search_all: bool = False
    """False: the first field that knows the address decides. True: leads of every field are matched."""
    sync_disabled: bool = False
    """R-051: no mailbox of the account syncs."""
    skip_internal: bool = False
    """R-052, with ``internal_domains``."""
    internal_domains: frozenset[str] = frozenset()
    longest_import: int = 30
    """Days of earlier mail that a rep may import on activating; 0 allows none (R-008)."""

    def of(self, direction: Direction) -> DirectionSettings:
        return self.outbound if direction is Direction.SENT else self.inbound


@dataclass(frozen=True, slots=True)
class RepDirection:
    """What a rep adds to one direction (R-033, R-038)."""

    keywords: frozenset[str] = frozenset()
    excluded: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class RepSettings:
    """What a rep adds to the account's policy, for the own mailbox only."""

    version: int = 0
    """0: nothing was ever saved."""
    outbound: RepDirection = RepDirection()
    inbound: RepDirection = RepDirection()


def effective(settings: Settings, own: RepSettings) -> Settings:
    """The settings in force for a rep: the admin's and, where the admin lets them, the rep's own."""
    return replace(
        settings,
        outbound=_joined(settings.outbound, own.outbound, own.version),
        inbound=_joined(settings.inbound, own.inbound, own.version),
    )


def _joined(admin: DirectionSettings, own: RepDirection, version: int) -> DirectionSettings:
    """Where the admin lets the rep add nothing, or the rep adds nothing, the admin's as they are."""
    counts = admin.user_keywords and admin.behaviour is Behaviour.KEYWORDS
    keywords = own.keywords if counts else frozenset[str]()
    excluded = own.excluded if admin.user_exclusions else frozenset[str]()
    if not (keywords or excluded):
        return admin
    return replace(
        admin,
        keywords=admin.keywords | keywords,
        excluded=admin.excluded | excluded,
        rep_version=version,
    )


def to_data(settings: Settings) -> dict[str, object]:
    """The settings as JSON; the version is not part of it."""
    return {
        "outbound": _direction_data(settings.outbound),
        "inbound": _direction_data(settings.inbound),
        "search_fields": list(settings.search_fields),
        "search_all": settings.search_all,
        "sync_disabled": settings.sync_disabled,
        "skip_internal": settings.skip_internal,
        "internal_domains": sorted(settings.internal_domains),
        "longest_import": settings.longest_import,
    }


def from_data(data: Mapping[str, object], version: int) -> Settings:
    """The inverse of ``to_data``; a key that is missing has its default, so old versions stay readable."""
    default = Settings()
    return Settings(
        version=version,
        outbound=_direction(_mapping(data.get("outbound")), default.outbound),
        inbound=_direction(_mapping(data.get("inbound")), default.inbound),
        search_fields=tuple(_strings(data, "search_fields", default.search_fields)),
        search_all=bool(data.get("search_all", default.search_all)),
        sync_disabled=bool(data.get("sync_disabled", default.sync_disabled)),
        skip_internal=bool(data.get("skip_internal", default.skip_internal)),
        internal_domains=frozenset(_strings(data, "internal_domains", default.internal_domains)),
        longest_import=_days(data.get("longest_import"), default.longest_import),
    )


def rep_to_data(own: RepSettings) -> dict[str, object]:
    """A rep's settings as JSON; the version is not part of it."""
    return {
        "outbound": _rep_direction_data(own.outbound),
        "inbound": _rep_direction_data(own.inbound),
    }


def rep_from_data(data: Mapping[str, object], version: int) -> RepSettings:
    """The inverse of ``rep_to_data``; a key that is missing has its default."""
    return RepSettings(
        version=version,
        outbound=_rep_direction(_mapping(data.get("outbound"))),
        inbound=_rep_direction(_mapping(data.get("inbound"))),
    )


def _direction_data(direction: DirectionSettings) -> dict[str, object]:
    return {
        "enabled": direction.enabled,
        "behaviour": direction.behaviour.value,
        "keywords": sorted(direction.keywords),
        "user_keywords": direction.user_keywords,
        "keywords_in": sorted(direction.keywords_in),
        "excluded": sorted(direction.excluded),
        "excluded_in": sorted(direction.excluded_in),
        "user_exclusions": direction.user_exclusions,
        "details": sorted(direction.details),
        "attachment_kinds": sorted(direction.attachment_kinds),
        "capture": direction.capture,
        "capture_from": sorted(direction.capture_from),
        "lead_source": direction.lead_source,
        "skip_automatic": sorted(direction.skip_automatic),
    }


def _direction(data: Mapping[str, object], default: DirectionSettings) -> DirectionSettings:
    return DirectionSettings(
        enabled=bool(data.get("enabled", default.enabled)),
        behaviour=Behaviour(str(data.get("behaviour", default.behaviour))),
        keywords=frozenset(_strings(data, "keywords", default.keywords)),
        user_keywords=bool(data.get("user_keywords", default.user_keywords)),
        keywords_in=_members(KeywordField, data, "keywords_in", default.keywords_in),
        excluded=frozenset(_strings(data, "excluded", default.excluded)),
        excluded_in=_members(Field, data, "excluded_in", default.excluded_in),
        user_exclusions=bool(data.get("user_exclusions", default.user_exclusions)),
        details=_members(Detail, data, "details", default.details),
        attachment_kinds=_members(AttachmentKind, data, "attachment_kinds", default.attachment_kinds),
        capture=bool(data.get("capture", default.capture)),
        capture_from=_members(Field, data, "capture_from", default.capture_from),
        lead_source=str(data.get("lead_source", default.lead_source)),
        skip_automatic=frozenset(_strings(data, "skip_automatic", default.skip_automatic)),
    )


def _rep_direction_data(own: RepDirection) -> dict[str, object]:
    return {"keywords": sorted(own.keywords), "excluded": sorted(own.excluded)}


def _rep_direction(data: Mapping[str, object]) -> RepDirection:
    return RepDirection(
        keywords=frozenset(_strings(data, "keywords", ())), excluded=frozenset(_strings(data, "excluded", ()))
    )


_Member = TypeVar("_Member", bound=StrEnum)


def _mapping(value: object) -> Mapping[str, object]:
    return cast("Mapping[str, object]", value) if isinstance(value, Mapping) else {}


def _strings(data: Mapping[str, object], key: str, default: Iterable[str]) -> Iterable[str]:
    value = data.get(key)
    return map(str, cast("list[object]", value)) if isinstance(value, list) else default


def _days(value: object, default: int) -> int:
    return value if isinstance(value, int) else default


def _members(
    kind: type[_Member], data: Mapping[str, object], key: str, default: frozenset[_Member]
) -> frozenset[_Member]:
    return frozenset(map(kind, _strings(data, key, default)))
