"""Settings survive storage, old versions stay readable, and a rep's own join the admin's by rule."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom.policy.needs import Need, needs
from postroom.policy.settings import (
    AttachmentKind,
    Behaviour,
    Detail,
    DirectionSettings,
    Field,
    KeywordField,
    RepDirection,
    RepSettings,
    Settings,
    effective,
    from_data,
    rep_from_data,
    rep_to_data,
    to_data,
)
from tests.policy.cases import RECEIVED, SENT, inbound, with_keywords


def test_the_data_of_the_defaults_is_what_the_database_holds():
    direction = {
        "enabled": True,
        "behaviour": "all",
        "keywords": [],
        "user_keywords": False,
        "keywords_in": ["body", "subject"],
        "excluded": [],
        "user_exclusions": False,
        "details": ["attachments", "bcc", "body", "cc", "subject"],
        "attachment_kinds": sorted(
            [
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
            ]
        ),
        "capture": False,
        "lead_source": "",
        "skip_automatic": [],
    }
    assert to_data(Settings()) == {
        "outbound": direction | {"excluded_in": ["to"], "capture_from": ["to"]},
        "inbound": direction | {"excluded_in": ["from"], "capture_from": ["from"]},
        "search_fields": ["email"],
        "search_all": False,
        "sync_disabled": False,
        "skip_internal": False,
        "internal_domains": [],
        "longest_import": 30,
    }
    nothing = {"keywords": [], "excluded": []}
    assert rep_to_data(RepSettings()) == {"outbound": nothing, "inbound": nothing}


def test_every_setting_is_read_by_its_name():
    direction = {
        "enabled": False,
        "behaviour": "keywords",
        "keywords": ["offer"],
        "user_keywords": True,
        "keywords_in": ["body"],
        "excluded": ["a.example"],
        "excluded_in": ["cc"],
        "user_exclusions": True,
        "details": ["body"],
        "attachment_kinds": ["csv"],
        "capture": True,
        "capture_from": ["cc"],
        "lead_source": "Mail",
        "skip_automatic": ["list"],
    }
    read = DirectionSettings(
        enabled=False,
        behaviour=Behaviour.KEYWORDS,
        keywords=frozenset({"offer"}),
        user_keywords=True,
        keywords_in=frozenset({KeywordField.BODY}),
        excluded=frozenset({"a.example"}),
        excluded_in=frozenset({Field.CC}),
        user_exclusions=True,
        details=frozenset({Detail.BODY}),
        attachment_kinds=frozenset({AttachmentKind.CSV}),
        capture=True,
        capture_from=frozenset({Field.CC}),
        lead_source="Mail",
        skip_automatic=frozenset({"list"}),
    )
    account = {
        "search_fields": ["b", "a"],
        "search_all": True,
        "sync_disabled": True,
        "skip_internal": True,
        "internal_domains": ["a.example"],
        "longest_import": 7,
    }
    expected = Settings(
        version=2,
        outbound=read,
        inbound=Settings().inbound,
        search_fields=("b", "a"),
        search_all=True,
        sync_disabled=True,
        skip_internal=True,
        internal_domains=frozenset({"a.example"}),
        longest_import=7,
    )
    assert from_data(account | {"outbound": direction}, 2) == expected
    assert to_data(expected)["outbound"] == direction
    swapped = replace(expected, outbound=Settings().outbound, inbound=read)
    assert from_data(account | {"inbound": direction}, 2) == swapped


def test_what_a_rep_adds_is_read_by_its_name():
    data = {"inbound": {"keywords": ["b", "a"], "excluded": ["d", "c"]}, "outbound": {"keywords": ["x"]}}
    own = rep_from_data(data, 5)
    assert own == RepSettings(
        5, RepDirection(keywords=frozenset("x")), RepDirection(frozenset("ab"), frozenset("cd"))
    )
    assert rep_to_data(own)["inbound"] == {"keywords": ["a", "b"], "excluded": ["c", "d"]}


texts = st.frozensets(st.text(max_size=20), max_size=5)
directions = st.builds(
    DirectionSettings,
    enabled=st.booleans(),
    behaviour=st.sampled_from(Behaviour),
    keywords=texts,
    user_keywords=st.booleans(),
    keywords_in=st.frozensets(st.sampled_from(KeywordField)),
    excluded=texts,
    excluded_in=st.frozensets(st.sampled_from(Field)),
    user_exclusions=st.booleans(),
    details=st.frozensets(st.sampled_from(Detail)),
    attachment_kinds=st.frozensets(st.sampled_from(AttachmentKind)),
    capture=st.booleans(),
    capture_from=st.frozensets(st.sampled_from(Field)),
    lead_source=st.text(max_size=20),
    skip_automatic=texts,
)
all_settings = st.builds(
    Settings,
    version=st.just(7),
    outbound=directions,
    inbound=directions,
    search_fields=st.lists(st.text(max_size=10), max_size=3).map(tuple),
    search_all=st.booleans(),
    sync_disabled=st.booleans(),
    skip_internal=st.booleans(),
    internal_domains=texts,
    longest_import=st.integers(0, 3650),
)
rep_directions = st.builds(RepDirection, keywords=texts, excluded=texts)
all_rep_settings = st.builds(RepSettings, version=st.just(3), outbound=rep_directions, inbound=rep_directions)


@given(all_settings)
def test_what_is_stored_is_read_back(settings):
    assert from_data(to_data(settings), 7) == settings


@given(all_rep_settings)
def test_what_a_rep_stores_is_read_back(own):
    assert rep_from_data(rep_to_data(own), 3) == own


@pytest.mark.parametrize(
    "data", [{}, {"inbound": None, "outbound": {}}, {"inbound": {"excluded": None}}, {"longest_import": None}]
)
def test_what_an_old_version_does_not_know_has_its_default(data):
    assert from_data(data, 0) == Settings()
    assert rep_from_data(data, 0) == RepSettings()


def test_the_data_is_in_an_order_of_its_own_so_that_versions_can_be_compared():
    settings = inbound(keywords=frozenset("cab"), excluded_in=frozenset(Field))
    data = to_data(replace(settings, internal_domains=frozenset("cab")))
    assert data["inbound"]["keywords"] == ["a", "b", "c"]
    assert data["inbound"]["excluded_in"] == ["bcc", "cc", "from", "to"]
    assert data["internal_domains"] == ["a", "b", "c"]


def test_the_defaults_are_those_of_the_requirements():
    outbound, inbound = Settings().outbound, Settings().inbound
    assert (outbound.excluded_in, inbound.excluded_in) == ({Field.TO}, {Field.FROM})
    assert (outbound.capture_from, inbound.capture_from) == ({Field.TO}, {Field.FROM})
    for chosen in (outbound, inbound):
        assert chosen.enabled
        assert chosen.behaviour is Behaviour.ALL
        assert chosen.keywords_in == set(KeywordField)
        assert chosen.details == set(Detail)
        assert not any((chosen.capture, chosen.user_keywords, chosen.user_exclusions))
        assert not any((chosen.keywords, chosen.excluded, chosen.skip_automatic, chosen.lead_source))
    assert Settings().search_fields == ("email",)
    assert not any((Settings().search_all, Settings().sync_disabled, Settings().skip_internal))
    assert Settings().version == RepSettings().version == 0


def test_r041_the_kinds_of_the_source_and_pdf_are_on_and_the_others_off():
    off = set(AttachmentKind) - Settings().inbound.attachment_kinds
    assert off == {"csv", "powerpoint", "text", "calendar"}


OWN = RepSettings(
    3,
    outbound=RepDirection(frozenset({"out"}), frozenset({"out.example"})),
    inbound=RepDirection(frozenset({"mine"}), frozenset({"mine.example"})),
)


@pytest.mark.parametrize(
    ("behaviour", "user_keywords", "expected"),
    [
        (Behaviour.KEYWORDS, True, {"offer", "mine"}),
        (Behaviour.KEYWORDS, False, {"offer"}),
        (Behaviour.ALL, True, {"offer"}),
    ],
)
def test_r033_own_keywords_count_only_where_the_admin_chose_keywords_and_lets_reps_add(
    behaviour, user_keywords, expected
):
    settings = inbound(behaviour=behaviour, keywords=frozenset({"offer"}), user_keywords=user_keywords)
    joined = effective(settings, OWN)
    assert joined.inbound.keywords == expected
    assert joined.outbound == settings.outbound


@pytest.mark.parametrize(
    ("allowed", "expected"), [(True, {"a.example", "mine.example"}), (False, {"a.example"})]
)
def test_r038_own_exclusions_count_only_where_the_admin_lets_reps_add(allowed, expected):
    settings = inbound(excluded=frozenset({"a.example"}), user_exclusions=allowed)
    joined = effective(settings, OWN)
    assert joined.inbound.excluded == expected
    assert joined.outbound == settings.outbound


def test_own_settings_of_sent_mail_join_those_of_sent_mail():
    admin = DirectionSettings(behaviour=Behaviour.KEYWORDS, user_keywords=True, user_exclusions=True)
    joined = effective(Settings(version=7, outbound=admin), OWN)
    own = {"keywords": frozenset({"out"}), "excluded": frozenset({"out.example"})}
    assert joined.outbound == replace(admin, **own, rep_version=3)
    assert joined.version == 7


@pytest.mark.parametrize(
    ("admin", "version"),
    [
        ({"behaviour": Behaviour.KEYWORDS, "user_keywords": True}, 3),
        ({"user_exclusions": True}, 3),
        ({"behaviour": Behaviour.KEYWORDS}, 0),
        ({"user_keywords": True}, 0),
        ({}, 0),
    ],
)
def test_the_version_of_own_settings_is_told_where_they_count(admin, version):
    joined = effective(inbound(**admin), OWN)
    assert joined.inbound.rep_version == version
    assert joined.outbound.rep_version == 0


def test_own_settings_without_anything_for_a_direction_take_no_part_in_it():
    own = RepSettings(3, inbound=RepDirection(keywords=frozenset({"mine"})))
    settings = inbound(behaviour=Behaviour.KEYWORDS, user_keywords=True, user_exclusions=True)
    assert effective(settings, own).inbound.rep_version == 3
    other = replace(settings, outbound=settings.inbound)
    assert effective(other, own).outbound == other.outbound


def test_the_version_of_own_settings_is_no_part_of_the_form():
    joined = effective(inbound(user_exclusions=True), OWN)
    assert "rep_version" not in str(to_data(joined))


@given(all_settings)
def test_a_rep_who_adds_nothing_changes_nothing(settings):
    assert effective(settings, RepSettings()) == settings


@pytest.mark.parametrize(
    ("settings", "needed"),
    [
        (Settings(), {"body", "attachments"}),
        (inbound(details=frozenset({Detail.SUBJECT})), set()),
        (inbound(details=frozenset({Detail.BODY})), {"body"}),
        (inbound(details=frozenset({Detail.ATTACHMENTS})), {"attachments"}),
        (inbound(details=frozenset({Detail.ATTACHMENTS}), attachment_kinds=frozenset()), set()),
        (with_keywords("a", details=frozenset()), {"body"}),
        (with_keywords("a", details=frozenset(), keywords_in=frozenset({KeywordField.SUBJECT})), set()),
        (inbound(keywords=frozenset("a"), details=frozenset()), set()),
    ],
)
def test_only_what_is_read_or_captured_needs_to_be_fetched(settings, needed):
    assert needs(settings, RECEIVED) == needed
    assert needs(settings, SENT) == set(Need)
