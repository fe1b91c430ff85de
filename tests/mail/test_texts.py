"""Texts: whatever is filled in stays text."""

import pytest

from homeserver.mail.addresses import is_address
from homeserver.mail.compose import Composer
from homeserver.mail.letter import Letter
from homeserver.mail.texts import Html, Texts, one_line
from tests.support.clock import FakeClock, SeededChance

NASTY = "<script>\r\nBcc: x@example.org\u202e & 'quotes' \"too\""


def test_html_is_escaped_and_plain_text_has_one_line_for_each() -> None:
    letter = Texts("test").letter("register", "a@example.org", link=NASTY, code=NASTY)
    assert "<script>" not in letter.html
    assert "&lt;script&gt;" in letter.html
    assert "\r" not in letter.text
    assert "\nBcc:" not in letter.text
    assert "\u202e" not in letter.text + letter.html


def test_subjects_are_one_line() -> None:
    letter = Texts(NASTY).letter("register", "a@example.org", link="l", code="c")
    assert "\n" not in letter.subject
    assert letter.subject.startswith("Confirm your e-mail address for <script> Bcc:")


def test_every_letter_can_be_written() -> None:
    texts = Texts("test")
    for name in ("register", "add", "reset"):
        letter = texts.letter(name, "a@example.org", link="https://test/", code="c")
        assert "https://test/" in letter.text
        assert 'href="https://test/"' in letter.html
    for name in ("taken", "unknown"):
        assert "http" not in texts.letter(name, "a@example.org").text


def test_what_is_long_is_cut() -> None:
    assert len(one_line("x" * 5000)) == 1000


def test_no_header_can_be_added() -> None:
    composer = Composer("Chat <chat@test>", FakeClock(), SeededChance())
    for letter in (
        Letter("a@example.org", "one\r\nBcc: x@example.org", "text", "html"),
        Letter("a@example.org\r\nBcc: x@example.org", "one", "text", "html"),
        Letter("a@example.org", "one", "text", "html", "https://test/\r\nBcc: x@example.org"),
    ):
        with pytest.raises(ValueError, match=r"\S"):
            composer.compose(letter)


def test_one_click_ends_letters() -> None:
    composed = Composer("chat@test", FakeClock(), SeededChance()).compose(
        Letter("a@example.org", "Größe", "text ü", "html", "https://test/end")
    )
    assert b"List-Unsubscribe: <https://test/end>\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\n" in composed
    assert b"Subject: =?utf-8?" in composed


@pytest.mark.parametrize("address", ["a@b", "a.b+c@example.org", "o'brien@xn--bcher-kva.example"])
def test_addresses(address: str) -> None:
    assert is_address(address)


@pytest.mark.parametrize(
    "address", [".a@b.c", "a.@b.c", "a..b@b.c", "a@b..c", "a@b.c-", "a@[127.0.0.1]", '"a b"@c.d', "a@b.c\n", "a" * 250 + "@b.c"]
)
def test_no_addresses(address: str) -> None:
    assert not is_address(address)


def test_html_goes_in_as_it_is_where_it_was_made_here() -> None:
    assert Texts("test").html("news_room", {"room": "<", "messages": Html("<p>")}).count("<p>") == 1
