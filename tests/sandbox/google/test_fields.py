"""Partial responses."""

import pytest

from postroom.sandbox.google.errors import ApiError
from postroom.sandbox.google.fields import apply, parse

ANSWER = {
    "id": "1",
    "labelIds": ["INBOX"],
    "payload": {
        "headers": [{"name": "To", "value": "a"}, {"name": "Cc", "value": "b"}],
        "body": {"size": 3, "data": "eA=="},
        "parts": [{"partId": "0", "body": {"size": 1}}],
    },
}


@pytest.mark.parametrize(
    ("mask", "wanted"),
    [
        ("id", {"id": "1"}),
        ("id,labelIds", {"id": "1", "labelIds": ["INBOX"]}),
        ("payload/body/size", {"payload": {"body": {"size": 3}}}),
        ("payload(body/size)", {"payload": {"body": {"size": 3}}}),
        ("payload(body(size), parts/partId)", {"payload": {"body": {"size": 3}, "parts": [{"partId": "0"}]}}),
        ("payload/headers(name)", {"payload": {"headers": [{"name": "To"}, {"name": "Cc"}]}}),
        ("payload/*/size", {"payload": {"headers": [{}, {}], "body": {"size": 3}, "parts": [{}]}}),
        ("payload/body,payload/body/size", {"payload": {"body": {"size": 3, "data": "eA=="}}}),
        ("payload/body/size,payload/body/data", {"payload": {"body": {"size": 3, "data": "eA=="}}}),
        ("*", ANSWER),
    ],
)
def test_a_mask_selects(mask: str, wanted: dict[str, object]) -> None:
    assert apply(ANSWER, parse(mask, "Message")) == wanted


@pytest.mark.parametrize(
    "mask", ["idd", "id,", "payload(", "payload(body", "a b", "payload/", "id)", "payload/bodies"]
)
def test_a_wrong_mask_is_refused(mask: str) -> None:
    with pytest.raises(ApiError) as refused:
        parse(mask, "Message")
    assert refused.value.code == 400
    assert b"Invalid field selection" in refused.value.body()
