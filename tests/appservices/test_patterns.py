"""Expressions find what Python's own find, and their cost has an end."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appservices.patterns.automaton import Pattern
from appservices.patterns.errors import BadPattern

ATOMS = st.sampled_from(["a", "b", ".", "[ab]", "[^a]", r"\d", "c", r"\.", "[a-c1]", r"\w"])
QUANTIFIERS = st.sampled_from(["*", "+", "?", "{2}", "{1,3}", "{0,2}", "*?", "{1,}", "{,2}"])
EXPRESSIONS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map(lambda pair: f"(?:{pair[0]}|{pair[1]})"),
        st.tuples(inner, QUANTIFIERS).map(lambda pair: f"(?:{pair[0]}){pair[1]}"),
        inner.map(lambda one: f"^{one}"),
        inner.map(lambda one: f"{one}$"),
    ),
    max_leaves=8,
)


@settings(max_examples=400, deadline=None)
@given(EXPRESSIONS, st.lists(st.text(alphabet="abc1.", max_size=8), min_size=5, max_size=5))
def test_it_agrees_with_python(expression: str, texts: list[str]) -> None:
    pattern = Pattern(expression)
    for text in texts:
        assert pattern.fits(text) == bool(re.match(expression, text)), text


@pytest.mark.parametrize(
    ("expression", "fitting", "others"),
    [
        (
            r"^@telegram_.*:example\.com$",
            ["@telegram_1:example.com"],
            ["@telegram_1:example.com.evil", "@x:example.com", "@telegram_1:exampleXcom"],
        ),
        ("@_irc_.*", ["@_irc_bob:test", "@_irc_"], ["@irc_bob:test", " @_irc_bob:test"]),
        ("#_(irc|xmpp)_[[:alnum:]]+:", ["#_irc_tea:test", "#_xmpp_1:test"], ["#_irc_:test"]),
        ("(?i)@BOT[0-9]{2,3}:", ["@bot12:x", "@Bot123:x"], ["@bot1:x", "@bot1234:x"]),
        (r"@(?P<name>[a-z\-]+)\x3a", ["@a-b:x"], ["@A:x"]),
        ("", ["", "anything"], []),
    ],
)
def test_as_registrations_write_them(expression: str, fitting: list[str], others: list[str]) -> None:
    pattern = Pattern(expression)
    assert [name for name in (*fitting, *others) if pattern.fits(name)] == fitting


@pytest.mark.parametrize(
    "expression",
    [
        "(?!a)b",
        "(?<=a)b",
        "[a",
        "(a",
        "a)",
        "*a",
        r"\b",
        r"\1",
        "[z-a]",
        "a++",
        "a{2001}",
        "a" * 1001,
        "(a{100}){100}",
        "(" * 60,
        "[[:what:]]",
        "^*",
    ],
)
def test_what_is_not_supported_is_said(expression: str) -> None:
    with pytest.raises(BadPattern):
        Pattern(expression)


def test_the_work_has_an_end() -> None:
    """Where one that looks back would need more steps than there are atoms, the steps here are as many as characters."""
    for expression in (r"@(_irc_)?([a-z]+)*:x", "(a|aa)+$", "(a?){100}(a){100}$", "(.*)*x"):
        pattern = Pattern(expression)
        assert not pattern.fits("@" + "a" * 250 + "!")
        assert len(pattern._steps) <= 251
