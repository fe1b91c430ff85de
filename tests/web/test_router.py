"""From paths to endpoints."""

import re
from urllib.parse import parse_qs, quote, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeserver.errors import InvalidParam, Unrecognized
from homeserver.web.endpoint import Access, Answer, Body, Rate, endpoint
from homeserver.web.percent import decode, parse_query
from homeserver.web.request import Request
from homeserver.web.router import Router
from tests.support.client import dispatch_for


def chapter(*declared: tuple[str, str]) -> object:
    async def answer(self: object, request: Request, **parameters: str) -> Answer:
        return {}

    for method, path in declared:
        answer = endpoint(method, path, access=Access.NONE, rate=Rate.NONE, body=Body.NONE)(answer)
    return type("Chapter", (), {"answer": answer})()


def found(router: Router, path: str, method: str = "GET") -> str:
    node, _ = router.find(path)
    return node.routes[method].declaration.path


def test_literal_segments_go_before_parameters() -> None:
    router = Router([chapter(("GET", "/a/{x}/c"), ("GET", "/a/b/d"), ("GET", "/a/{x}/"), ("GET", "/a/{x}"))])
    assert found(router, "/a/b/d") == "/a/b/d"
    assert found(router, "/a/b/c") == "/a/{x}/c"  # turned back from the literal b
    assert found(router, "/a/z/") == "/a/{x}/"
    assert found(router, "/a/b") == "/a/{x}"
    for path in ("/a", "/a/", "/a/b/c/d", "a/b", "", "/", "//a/b/d", "/a//c"):
        with pytest.raises(Unrecognized):
            router.find(path)


def test_old_names() -> None:
    declared = (
        ("GET", "/_matrix/client/v3/x/{y}"),
        ("GET", "/_matrix/client/v1/z"),
        ("GET", "/_matrix/media/v3/m"),
        ("POST", "/_matrix/media/v1/m"),
    )
    router = Router([chapter(*declared)])
    for version in ("r0", "unstable", "v3"):
        assert found(router, f"/_matrix/client/{version}/x/1") == "/_matrix/client/v3/x/{y}"
    for version in ("r0", "v1", "v3"):
        assert found(router, f"/_matrix/media/{version}/m") == "/_matrix/media/v3/m"
    assert found(router, "/_matrix/media/v1/m", "POST") == "/_matrix/media/v1/m"
    for path in ("/_matrix/client/r0/z", "/_matrix/client/v3/z", "/_matrix/client/v1/x/1", "/_matrix/client/v2/x/1"):
        with pytest.raises(Unrecognized):
            router.find(path)


def test_an_old_name_that_is_declared_itself_wins() -> None:
    for order in (1, -1):
        declared = [("GET", "/_matrix/client/v3/x"), ("GET", "/_matrix/client/r0/x")][::order]
        assert found(Router([chapter(*declared)]), "/_matrix/client/r0/x") == "/_matrix/client/r0/x"


def test_wrong_declarations_do_not_start() -> None:
    for declared in ((("GET", "/a"), ("GET", "/a")), (("GET", "/{a}"), ("GET", "/{b}")), (("FETCH", "/a"),), (("GET", "a"),)):
        with pytest.raises(ValueError):
            Router([chapter(*declared)])

    class ForPeers:
        @endpoint("GET", "/_matrix/federation/v1/x", access=Access.PEER, rate=Rate.NONE, body=Body.NONE)
        async def answer(self, request: Request) -> Answer:
            return {}

    with pytest.raises(ValueError, match="other servers"):
        dispatch_for(ForPeers())


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_decoding_undoes_encoding(text: str) -> None:
    assert decode(quote(text, safe="")) == text
    assert decode(quote(text, safe="").lower()) == text.lower() or not text.isascii() or text != text.lower()


@given(st.text("%0aAfF9+&=xé", max_size=20))
def test_decoding_refuses_or_agrees(text: str) -> None:
    text = text.encode("ascii", "ignore").decode()
    try:
        expected = unquote(text, errors="strict")
    except UnicodeDecodeError:
        expected = None
    if re.search("%(?![0-9a-fA-F]{2})|%00", text):
        expected = None
    if expected is None:
        with pytest.raises(InvalidParam):
            decode(text)
    else:
        assert decode(text) == expected


@given(st.lists(st.tuples(st.text(st.sampled_from("ab é+&=%"), min_size=1), st.text(st.sampled_from("ab é+&=%/"))), max_size=6))
def test_queries_agree_with_the_standard_library(pairs: list[tuple[str, str]]) -> None:
    text = "&".join(f"{quote(name)}={quote(value).replace('%20', '+')}" for name, value in pairs)
    assert parse_query(text) == parse_qs(text, keep_blank_values=True)


def test_queries_are_bounded() -> None:
    assert len(parse_query("&".join("a=1" for _ in range(200)))["a"]) == 200
    with pytest.raises(InvalidParam):
        parse_query("&".join("a=1" for _ in range(201)))
    for broken in ("a=%ff", "%00=1", "a=%4"):
        with pytest.raises(InvalidParam):
            parse_query(broken)
