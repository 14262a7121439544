"""The settings of the connector as values (requirements D and E)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import cast

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


FIELDS = {
    Direction.SENT: (Field.TO, Field.CC, Field.BCC),
    Direction.RECEIVED: (Field.FROM, Field.TO, Field.CC),
}
"""The fields that exclusion and capture can look at, by direction (R-037, R-042)."""


@dataclass(frozen=True, slots=True)
class DirectionSettings:
    """The form of one direction."""

    enabled: bool = True
    excluded: frozenset[str] = frozenset()
    """Address keys, and domains that stand for their subdomains too (R-036)."""
    excluded_in: frozenset[Field] = frozenset()
    details: frozenset[Detail] = frozenset(Detail)
    capture: bool = False
    capture_from: frozenset[Field] = frozenset()
    lead_source: str = ""


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
    sync_disabled: bool = False
    """R-051: no mailbox of the account syncs."""
    skip_internal: bool = False
    """R-052, with ``internal_domains``."""
    internal_domains: frozenset[str] = frozenset()

    def of(self, direction: Direction) -> DirectionSettings:
        return self.outbound if direction is Direction.SENT else self.inbound


def to_data(settings: Settings) -> dict[str, object]:
    """The settings as JSON; the version is not part of it."""
    return {
        "outbound": _direction_data(settings.outbound),
        "inbound": _direction_data(settings.inbound),
        "sync_disabled": settings.sync_disabled,
        "skip_internal": settings.skip_internal,
        "internal_domains": sorted(settings.internal_domains),
    }


def from_data(data: Mapping[str, object], version: int) -> Settings:
    """The inverse of ``to_data``; a key that is missing has its default, so old versions stay readable."""
    default = Settings()
    return Settings(
        version=version,
        outbound=_direction(_mapping(data.get("outbound")), default.outbound),
        inbound=_direction(_mapping(data.get("inbound")), default.inbound),
        sync_disabled=bool(data.get("sync_disabled", False)),
        skip_internal=bool(data.get("skip_internal", False)),
        internal_domains=_strings(data, "internal_domains", default.internal_domains),
    )


def _direction_data(direction: DirectionSettings) -> dict[str, object]:
    return {
        "enabled": direction.enabled,
        "excluded": sorted(direction.excluded),
        "excluded_in": sorted(direction.excluded_in),
        "details": sorted(direction.details),
        "capture": direction.capture,
        "capture_from": sorted(direction.capture_from),
        "lead_source": direction.lead_source,
    }


def _direction(data: Mapping[str, object], default: DirectionSettings) -> DirectionSettings:
    return DirectionSettings(
        enabled=bool(data.get("enabled", default.enabled)),
        excluded=_strings(data, "excluded", default.excluded),
        excluded_in=frozenset(map(Field, _strings(data, "excluded_in", default.excluded_in))),
        details=frozenset(map(Detail, _strings(data, "details", default.details))),
        capture=bool(data.get("capture", default.capture)),
        capture_from=frozenset(map(Field, _strings(data, "capture_from", default.capture_from))),
        lead_source=str(data.get("lead_source", default.lead_source)),
    )


def _mapping(value: object) -> Mapping[str, object]:
    return cast("Mapping[str, object]", value) if isinstance(value, Mapping) else {}


def _strings(data: Mapping[str, object], key: str, default: frozenset[str]) -> frozenset[str]:
    value = data.get(key)
    return frozenset(map(str, cast("list[object]", value))) if isinstance(value, list) else default
