"""Whose invites a user takes: from nobody, or by lists of users and servers."""

from typing import Any

import pytest

from homeserver.account_data.account_data import UserData
from homeserver.account_data.invite_permission import CONFIG_TYPES, FILTER_TYPE, MAX_WILDCARDS, InviteRules, Verdict
from homeserver.account_data.store import GLOBAL, Entry
from homeserver.protocol import canonical_json

ALLOW, IGNORE, BLOCK = Verdict.ALLOW, Verdict.IGNORE, Verdict.BLOCK
BOB = "@bob:bad.example"


def rules(config: Any, type: str = FILTER_TYPE) -> InviteRules:
    return InviteRules(UserData("@alice:test", [Entry(GLOBAL, type, canonical_json.encode_tolerant(config), 1)], {}))


@pytest.mark.parametrize(
    ("config", "verdict"),
    [
        ({}, ALLOW),
        ({"blocked_users": [BOB]}, BLOCK),
        ({"ignored_users": [BOB]}, IGNORE),
        ({"blocked_servers": ["bad.example"]}, BLOCK),
        ({"ignored_servers": ["bad.example"]}, IGNORE),
        ({"blocked_servers": ["*"]}, BLOCK),
        ({"blocked_servers": ["b*.exampl?"]}, BLOCK),
        ({"blocked_servers": ["BAD.example"]}, BLOCK),
        ({"blocked_servers": ["bad"]}, ALLOW),
        ({"blocked_users": ["@b?b:*"]}, BLOCK),
        ({"blocked_users": ["bob"]}, ALLOW),
        ({"allowed_users": [BOB], "blocked_servers": ["*"]}, ALLOW),
        ({"allowed_users": [BOB], "ignored_users": [BOB], "blocked_users": [BOB]}, ALLOW),
        ({"ignored_users": [BOB], "blocked_users": [BOB]}, IGNORE),
        ({"allowed_servers": ["bad.example"], "blocked_users": [BOB]}, BLOCK),
        ({"allowed_servers": ["bad.example"], "ignored_servers": ["*"]}, ALLOW),
        ({"ignored_servers": ["bad.example"], "blocked_servers": ["*"]}, IGNORE),
        ({"allowed_users": None, "blocked_users": None, "blocked_servers": None}, ALLOW),
        ({"blocked_users": BOB}, ALLOW),
        ({"blocked_users": [1, None, {}, BOB]}, BLOCK),
        ({"blocked_users": ["x*"] * MAX_WILDCARDS + [BOB]}, BLOCK),
        ({"blocked_users": ["x*"] * MAX_WILDCARDS + ["*"]}, ALLOW),
        ([BOB], ALLOW),
    ],
)
def test_lists(config: Any, verdict: Verdict) -> None:
    assert rules(config).verdict(BOB) is verdict


@pytest.mark.parametrize("type", CONFIG_TYPES)
def test_from_nobody(type: str) -> None:
    assert rules({"default_action": "block"}, type).verdict(BOB) is BLOCK
    assert rules({"default_action": "other"}, type).verdict(BOB) is ALLOW
    assert rules({}, type).verdict(BOB) is ALLOW


def test_a_pattern_that_wants_to_take_long() -> None:
    assert rules({"blocked_users": ["*a" * 120 + "b"] * MAX_WILDCARDS}).verdict("@" + "a" * 240 + ":x.org") is ALLOW
