"""Globs agree with a plain search over all possibilities, and cost little on hostile texts."""

from random import Random

import pytest

from homeserver.protocol.push.glob import Glob, Text

WORD = frozenset("abcdefghijklmnopqrstuvwxyz0123456789_")


def whole(pattern: str, text: str) -> bool:
    """Dynamic programming over (characters of the pattern, characters of the text)."""
    reached = [True] + [False] * len(text)
    for character in pattern:
        following = [False] * (len(text) + 1)
        if character == "*":
            seen = False
            for index, here in enumerate(reached):
                seen = seen or here
                following[index] = seen
        else:
            for index, here in enumerate(reached[:-1]):
                if here and character in ("?", text[index]):
                    following[index + 1] = True
        reached = following
    return reached[-1]


def words(pattern: str, text: str) -> bool:
    starts = [i for i in range(len(text) + 1) if i == 0 or text[i - 1] not in WORD]
    ends = [i for i in range(len(text) + 1) if i == len(text) or text[i] not in WORD]
    return any(start <= end and whole(pattern, text[start:end]) for start in starts for end in ends)


@pytest.mark.parametrize("alphabet", ["ab ", "aé ", "a\U0001f600-", "ab_.", "öxا"])
def test_as_a_plain_search_finds(alphabet: str) -> None:
    random = Random(alphabet)
    for _ in range(3_000):
        pattern = "".join(random.choices(alphabet + "*?", k=random.randint(0, 5)))
        text = "".join(random.choices(alphabet, k=random.randint(0, 8)))
        assert Glob(pattern).matches(Text(text)) == whole(pattern, text), (pattern, text)
        assert Glob(pattern).matches_words(Text(text)) == words(pattern, text), (pattern, text)


@pytest.mark.parametrize(
    ("pattern", "text", "matched"),
    [
        ("lunc?*", "Lunch plans", True), ("lunc?*", "LUNCH", True), ("lunc?*", " lunch", False), ("lunc?*", "lunc", False), ("", "", True),
        ("", "x", False), ("*", "", True), ("?", "\n", True),
    ],
)  # fmt: skip
def test_the_examples_of_the_specification(pattern: str, text: str, matched: bool) -> None:
    assert Glob(pattern).matches(Text(text)) is matched


@pytest.mark.parametrize(
    ("text", "matched"),
    [("An example event.", True), ("exple", True), ("An exciting triple-whammy", True), ("examples", False), ("unexample", False)],
)
def test_the_examples_of_bodies(text: str, matched: bool) -> None:
    assert Glob("ex*ple").matches_words(Text(text)) is matched


def test_a_literal_pattern_has_no_wildcards() -> None:
    assert Glob("who?", literal=True).matches_words(Text("hello Who? there"))
    assert not Glob("who?", literal=True).matches_words(Text("hello whom there"))
    assert Glob("who?") != Glob("who?", literal=True)
    assert Glob("CAKE") == Glob("cake")


@pytest.mark.parametrize(
    "pattern", ["*a" * 120 + "b", "?*" * 120 + "b", "a?" * 120 + "b", "a*" * 120 + "?b", "*" * 200 + "b?", "?" * 200 + "b" + "?a" * 20]
)
@pytest.mark.parametrize("letter", ["a", "ä"])
def test_hostile_globs_need_few_steps(pattern: str, letter: str) -> None:
    """All the work is in a bounded number of operations on whole texts; what is counted are those."""
    text = Text((letter * 29_998) + "b" + letter)
    glob = Glob(pattern.replace("a", letter))
    glob.matches(text)
    glob.matches_words(text)
    assert len(text._masks) <= len(set(pattern))
