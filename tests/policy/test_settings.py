"""Settings survive storage, and old versions stay readable."""

from hypothesis import given
from hypothesis import strategies as st

from postroom.policy.settings import Detail, DirectionSettings, Field, Settings, from_data, to_data

directions = st.builds(
    DirectionSettings,
    enabled=st.booleans(),
    excluded=st.frozensets(st.text(max_size=20), max_size=5),
    excluded_in=st.frozensets(st.sampled_from(Field)),
    details=st.frozensets(st.sampled_from(Detail)),
    capture=st.booleans(),
    capture_from=st.frozensets(st.sampled_from(Field)),
    lead_source=st.text(max_size=20),
)
all_settings = st.builds(
    Settings,
    version=st.just(7),
    outbound=directions,
    inbound=directions,
    sync_disabled=st.booleans(),
    skip_internal=st.booleans(),
    internal_domains=st.frozensets(st.text(max_size=20), max_size=5),
)


@given(all_settings)
def test_what_is_stored_is_read_back(settings):
    assert from_data(to_data(settings), 7) == settings


def test_what_an_old_version_does_not_know_has_its_default():
    assert from_data({}, 0) == Settings()


def test_r037_the_defaults_look_at_to_when_sent_and_at_from_when_received():
    assert Settings().outbound.excluded_in == {Field.TO}
    assert Settings().inbound.excluded_in == {Field.FROM}
