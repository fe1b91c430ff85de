"""Query strings."""

import pytest

from homeserver.web.percent import without_field


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("since=s1_a_2&timeout=0", ("s1_a_2", "timeout=0")),
        ("timeout=0&since=s1", ("s1", "timeout=0&")),
        ("timeout=0", (None, "timeout=0")),
        ("", (None, "")),
        ("since=a&since=b", (None, "since=a&since=b")),
        ("not_since=a", (None, "not_since=a")),
        ("since=a%20b", (None, "since=a%20b")),
        ("since=a+b&x=1", (None, "since=a+b&x=1")),
    ],
)
def test_a_field_apart(text: str, found: tuple[str | None, str]) -> None:
    assert without_field(text, "since") == found
