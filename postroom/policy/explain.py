"""A decision told to people, and as data for the API.

Both may quote the mail. They are for whoever may read it, made when asked, and never stored.
"""

from postroom.policy.decision import Check, Decision, Match, Rule

NAMES = {
    Rule.SYNCED: "Synced",
    Rule.SYNC_DISABLED: "Sync switched off",
    Rule.DIRECTION_OFF: "Direction switched off",
    Rule.EXCLUDED: "Excluded",
    Rule.NO_COUNTERPART: "No counterpart",
    Rule.INTERNAL: "Internal",
    Rule.AUTOMATIC: "Automatic mail",
    Rule.NO_KEYWORD: "No keyword",
    Rule.NO_LEAD: "No lead",
    Rule.UNREADABLE: "Unreadable",
    Rule.GONE: "Gone",
}
"""Every rule in a word or two, for lists and filters."""


def explain(decision: Decision) -> list[str]:
    """The decision first, then each rule in the order it was tried."""
    verdict = decision.reason if decision.syncs else f"Not synced: {decision.reason}"
    return [verdict, *map(_sentence, decision.tested)]


def to_data(decision: Decision) -> dict[str, object]:
    """The decision as JSON."""
    return {
        "rule": decision.rule.value,
        "name": NAMES[decision.rule],
        "syncs": decision.syncs,
        "reason": decision.reason,
        "setting": decision.setting,
        "settings_version": decision.settings_version,
        "rep_settings_version": decision.rep_settings_version or None,
        "matches": list(map(_match_data, decision.matches)),
        "details": sorted(decision.details),
        "lead_source": decision.lead_source,
        "attachment_kinds": sorted(decision.attachment_kinds),
        "tested": list(map(_check_data, decision.tested)),
    }


def _sentence(check: Check) -> str:
    return " ".join((check.reason, *check.lines))


def _match_data(match: Match) -> dict[str, object]:
    return {
        "address": match.address.address,
        "name": match.address.name,
        "lead": match.lead,
        "first_name": match.first_name,
        "last_name": match.last_name,
        "field": match.field,
        "note": match.note,
    }


def _check_data(check: Check) -> dict[str, object]:
    return {
        "rule": check.rule.value,
        "stops": check.stops,
        "reason": check.reason,
        "setting": check.setting,
        "lines": list(check.lines),
    }
