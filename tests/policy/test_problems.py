"""What stands in the way of saving settings."""

from dataclasses import replace

import pytest

from postroom.policy.problems import problems, rep_problems
from postroom.policy.settings import Behaviour, Detail, Field, RepDirection, RepSettings, Settings
from tests.policy.cases import inbound, outbound, with_keywords

GENERAL = "An entry is an address such as jane@example.com, or a domain such as example.com."
NO_KEYWORD = "Add at least one keyword, or let all emails sync."
NO_PLACE = "Choose the subject, the body or both."
NO_FIELD = "Choose at least one field that exclusions apply to."
NO_CAPTURE = "Choose at least one field that new leads are captured from."

WRONG = [
    (inbound(behaviour=Behaviour.KEYWORDS), "inbound.keywords", NO_KEYWORD),
    (outbound(behaviour=Behaviour.KEYWORDS, user_keywords=True), "outbound.keywords", NO_KEYWORD),
    (with_keywords("a", keywords_in=frozenset()), "inbound.keywords_in", NO_PLACE),
    (
        with_keywords("\u200b"),
        "inbound.keywords",
        "“\u200b”: A keyword has at least one character, and at most 255.",
    ),
    (
        inbound(excluded=frozenset({"a.example"}), excluded_in=frozenset()),
        "inbound.excluded_in",
        NO_FIELD,
    ),
    (inbound(user_exclusions=True, excluded_in=frozenset()), "inbound.excluded_in", NO_FIELD),
    (
        inbound(excluded_in=frozenset({Field.BCC})),
        "inbound.excluded_in",
        "Bcc does not apply in this direction.",
    ),
    (
        outbound(excluded_in=frozenset({Field.FROM, Field.TO})),
        "outbound.excluded_in",
        "From does not apply in this direction.",
    ),
    (inbound(excluded=frozenset({"nonsense/"})), "inbound.excluded", f"“nonsense/”: {GENERAL}"),
    (inbound(excluded=frozenset({"A.example"})), "inbound.excluded", "“A.example”: Write it as a.example."),
    (
        inbound(attachment_kinds=frozenset()),
        "inbound.attachment_kinds",
        "Choose at least one kind, or leave attachments out.",
    ),
    (inbound(capture=True, capture_from=frozenset()), "inbound.capture_from", NO_CAPTURE),
    (
        outbound(capture_from=frozenset({Field.FROM})),
        "outbound.capture_from",
        "From does not apply in this direction.",
    ),
    (
        inbound(skip_automatic=frozenset({"spam", "list"})),
        "inbound.skip_automatic",
        "“spam” is not a kind of automatic mail.",
    ),
    (
        replace(Settings(), search_fields=()),
        "search_fields",
        "Choose at least one field by which leads are found.",
    ),
    (
        replace(Settings(), search_fields=("email", "email")),
        "search_fields",
        "Choose each field only once.",
    ),
    (
        replace(Settings(), longest_import=-1),
        "longest_import",
        "Choose between 0 and 3650 days.",
    ),
    (
        replace(Settings(), longest_import=3651),
        "longest_import",
        "Choose between 0 and 3650 days.",
    ),
    (
        replace(Settings(), skip_internal=True),
        "internal_domains",
        "Enter at least one internal domain, or let internal mail sync.",
    ),
    (
        replace(Settings(), internal_domains=frozenset({"x@a.example"})),
        "internal_domains",
        "“x@a.example”: Enter a domain, not an address.",
    ),
    (
        replace(Settings(), internal_domains=frozenset({"co.uk"})),
        "internal_domains",
        "“co.uk”: Anyone can have a domain under “co.uk”; enter a domain below it.",
    ),
]


@pytest.mark.parametrize(("settings", "path", "sentence"), WRONG)
def test_a_problem_names_the_field_and_what_to_do(settings, path, sentence):
    assert [(problem.path, problem.sentence) for problem in problems(settings)] == [(path, sentence)]


RIGHT = [
    Settings(),
    with_keywords("a"),
    inbound(keywords_in=frozenset()),
    inbound(excluded_in=frozenset(), capture_from=frozenset()),
    inbound(excluded=frozenset({"a.example", "x@b.example"})),
    inbound(excluded_in=frozenset({Field.FROM, Field.TO, Field.CC})),
    outbound(capture=True, capture_from=frozenset({Field.TO, Field.CC, Field.BCC})),
    inbound(attachment_kinds=frozenset(), details=frozenset({Detail.BODY})),
    inbound(skip_automatic=frozenset({"auto_reply", "bounce", "list", "calendar"})),
    replace(Settings(), search_fields=("email", "contact_email")),
    replace(Settings(), longest_import=0),
    replace(Settings(), longest_import=3650),
    replace(Settings(), skip_internal=True, internal_domains=frozenset({"a.example"})),
]


@pytest.mark.parametrize("settings", RIGHT)
def test_what_is_right_has_no_problem(settings):
    assert problems(settings) == ()


def test_all_problems_are_told_at_once_in_the_order_of_the_form():
    settings = replace(
        inbound(behaviour=Behaviour.KEYWORDS, keywords_in=frozenset()),
        search_fields=(),
        internal_domains=frozenset({"b/", "a/"}),
    )
    assert [problem.path for problem in problems(settings)] == [
        "inbound.keywords",
        "inbound.keywords_in",
        "search_fields",
        "internal_domains",
        "internal_domains",
    ]
    assert [problem.sentence for problem in problems(settings)][-2:] == [
        f"“a/”: {GENERAL}",
        f"“b/”: {GENERAL}",
    ]


def test_a_reps_own_entries_are_looked_at_too():
    own = RepSettings(
        outbound=RepDirection(keywords=frozenset({"\u200b", "ok"})),
        inbound=RepDirection(excluded=frozenset({"b/", "a/", "a.example"})),
    )
    assert [(problem.path, problem.sentence) for problem in rep_problems(own)] == [
        ("outbound.keywords", "“\u200b”: A keyword has at least one character, and at most 255."),
        ("inbound.excluded", f"“a/”: {GENERAL}"),
        ("inbound.excluded", f"“b/”: {GENERAL}"),
    ]
    assert rep_problems(RepSettings()) == ()
