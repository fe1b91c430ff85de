"""Identifiers: what is accepted, what is refused, and that hostile input costs no more than good input."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeserver.protocol.errors import InvalidIdentifier
from homeserver.protocol.ids import EventId, RoomAlias, RoomId, ServerName, UserId, server_name_of

GOOD_SERVER_NAMES = [
    ("matrix.org", "matrix.org", None),
    ("matrix.org:8888", "matrix.org", 8888),
    ("1.2.3.4", "1.2.3.4", None),
    ("1.2.3.4:1234", "1.2.3.4", 1234),
    ("[1234:5678::abcd]", "[1234:5678::abcd]", None),
    ("[1234:5678::abcd]:5678", "[1234:5678::abcd]", 5678),
    ("[::ffff:1.2.3.4]", "[::ffff:1.2.3.4]", None),
    ("localhost", "localhost", None),
    ("MATRIX.ORG", "MATRIX.ORG", None),
]
BAD_SERVER_NAMES = [
    "",
    ":8448",
    "a:",
    "a:123456",
    "a:٣",
    "a:8448:1",
    "a:-1",
    "exa_mple.org",
    "exämple.org",
    "a b",
    "a\n",
    "a/b",
    "[::1",
    "::1",
    "[]",
    "[:::]",
    "[::1]x",
    "[::1]:",
    "[fe80::1%eth0]",
    "[" + "0:" * 30 + "]",
    "a" * 256,
    "a\0",
]


@pytest.mark.parametrize("name, host, port", GOOD_SERVER_NAMES)
def test_server_names(name: str, host: str, port: int | None) -> None:
    parsed = ServerName.parse(name)
    assert (parsed, parsed.host, parsed.port) == (name, host, port)
    user = UserId.parse(f"@alice:{name}")
    assert (user.localpart, user.server_name) == ("alice", name)
    assert server_name_of(user) == name


@pytest.mark.parametrize("name", BAD_SERVER_NAMES)
def test_bad_server_names(name: str) -> None:
    with pytest.raises(InvalidIdentifier):
        ServerName.parse(name)
    for parse, sigil in ((UserId.parse, "@"), (RoomAlias.parse, "#"), (RoomId.parse, "!"), (EventId.parse, "$")):
        with pytest.raises(InvalidIdentifier):
            parse(f"{sigil}x:{name}")


@pytest.mark.parametrize("localpart", ["alice", "", "Alice", "a=b/c+d._-", "größe", "日本", "a\tb", "a b", "\x7f", "😀"])
def test_historical_user_ids_are_accepted(localpart: str) -> None:
    assert UserId.parse(f"@{localpart}:hs").localpart == localpart


@pytest.mark.parametrize(
    "text", [None, 1, b"@a:hs", [], "", "@", "a:hs", "#a:hs", "@a", "@a\0b:hs", "@a\ud800:hs", "@" + "a" * 252 + ":hs"]
)
def test_no_user_ids(text: object) -> None:
    with pytest.raises(InvalidIdentifier):
        UserId.parse(text)


def test_the_limit_counts_bytes() -> None:
    assert len(UserId.parse("@" + "a" * 251 + ":hs")) == 255
    assert UserId.parse("@" + "ä" * 125 + "a:hs")
    with pytest.raises(InvalidIdentifier):
        UserId.parse("@" + "ä" * 126 + ":hs")


@pytest.mark.parametrize(
    "localpart, valid", [("alice", True), ("a.b_c=d-e/f+1", True), ("", False), ("Alice", False), ("ä", False), ("a:b", False)]
)
def test_new_localparts(localpart: str, valid: bool) -> None:
    assert UserId.is_valid_new_localpart(localpart) is valid


@pytest.mark.parametrize("localpart, compliant", [("alice", True), ("Alice!", True), ("", False), ("a b", False), ("ä", False)])
def test_compliant_user_ids(localpart: str, compliant: bool) -> None:
    assert UserId.parse(f"@{localpart}:hs").is_compliant is compliant


def test_room_and_event_ids_with_and_without_a_domain() -> None:
    old, new = RoomId.parse("!abc:hs:8448"), RoomId.parse("!" + "a" * 43)
    assert (old.localpart, old.server_name) == ("abc", "hs:8448")
    assert (new.localpart, new.server_name) == ("a" * 43, None)
    assert EventId.parse("$acR1l0raoZnm60CBwAVgqbZqoO/mYU81xysh1u7XcJk").server_name is None
    assert EventId.parse("$a:hs").server_name == "hs"
    for text in ("!", "!a:", "a", "$a", None, "!" + "a" * 255, "!a\0"):
        with pytest.raises(InvalidIdentifier):
            RoomId.parse(text)
    with pytest.raises(InvalidIdentifier):
        server_name_of(new)


@given(st.text())
def test_parsing_gives_the_text_or_refuses(text: str) -> None:
    for kind in (UserId, RoomId, EventId, RoomAlias, ServerName):
        try:
            assert kind.parse(text) == text
        except InvalidIdentifier:
            continue


@given(st.text(st.characters(exclude_characters=":\0", exclude_categories=["Cs"]), max_size=60))
def test_any_localpart_comes_back(localpart: str) -> None:
    assert UserId.parse(f"@{localpart}:hs").localpart == localpart
    assert RoomAlias.parse(f"#{localpart}:hs").localpart == localpart
