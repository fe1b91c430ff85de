"""Server ACLs: what is let in, what malformed ones mean, and that no list is dear."""

import re
from random import Random

import pytest

from homeserver.protocol.server_acl import Patterns, ServerAcl, glob


@pytest.mark.parametrize(
    ("content", "server", "allowed"),
    [
        ({"allow": ["*"]}, "a.test", True),
        ({}, "a.test", False),
        ({"allow": "*"}, "a.test", False),
        ({"allow": ["*"], "deny": "a.test"}, "a.test", True),
        ({"allow": ["*", 1, None], "deny": [{}, "a.test"]}, "a.test", False),
        ({"allow": ["*"], "deny": ["a.test"]}, "A.TEST:8448", False),
        ({"allow": ["*"], "deny": ["A.Test"]}, "a.test", False),
        ({"allow": ["*"], "deny": ["a.test:8448"]}, "a.test:8448", True),
        ({"allow": ["*"], "deny": ["*.test"]}, "b.a.test", False),
        ({"allow": ["*"], "deny": ["*.test"]}, "test", True),
        ({"allow": ["*"], "deny": ["?.test"]}, "aa.test", True),
        ({"allow": ["*"], "deny": ["?.test"]}, "a.test", False),
        ({"allow": ["*"], "allow_ip_literals": False}, "1.2.3.4", False),
        ({"allow": ["*"], "allow_ip_literals": False}, "1.2.3.4:80", False),
        ({"allow": ["*"], "allow_ip_literals": False}, "[::1]:80", False),
        ({"allow": ["*"], "allow_ip_literals": False}, "1.2.3.4.test", True),
        ({"allow": ["*"], "allow_ip_literals": "no"}, "1.2.3.4", True),
        ({"allow": ["1.2.3.*"]}, "1.2.3.4:80", True),
        ({"allow": ["[::1]"]}, "[::1]:80", True),
    ],
)
def test_who_is_let_in(content: dict[str, object], server: str, allowed: bool) -> None:
    assert ServerAcl.of(content).allows(server) is allowed


def test_patterns_match_as_regular_expressions_would() -> None:
    chance = Random(1)
    for _ in range(3000):
        pattern = "".join(chance.choices("ab*?.", k=chance.randrange(8)))
        text = "".join(chance.choices("ab.", k=chance.randrange(10)))
        meant = re.fullmatch(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "."), text) is not None
        assert glob(pattern)(text) is meant, (pattern, text)


def test_stars_without_number_find_their_way_without_turning_back() -> None:
    patterns = Patterns(f"*{'a*' * 60}{'?*' * 60}b{number}" for number in range(60))
    assert not patterns.match("a" * 230)
    assert Patterns(["*" * 20_000 + "b"]).match("a" * 229 + "b")
