"""Tokens for services beside Matrix."""

import pytest

from homeserver.integrations.openid import OpenIdTokens
from storage.people.openid import StoredOpenIdTokens
from tests.support.accounts import People, make_people
from tests.support.client import run


@pytest.fixture
def people() -> People:
    return make_people()


@pytest.fixture
def tokens(people: People) -> OpenIdTokens:
    return OpenIdTokens(StoredOpenIdTokens(people.database), people.clock, people.chance, lifetime_seconds=60)


def test_a_token_tells_its_owner_until_it_expires(people: People, tokens: OpenIdTokens) -> None:
    people.user("alice")
    token = run(tokens.issue("@alice:test"))
    assert run(tokens.owner_of(token)) == "@alice:test"
    assert run(tokens.owner_of(token)) == "@alice:test"  # as often as the service likes
    people.clock.advance(60)
    assert run(tokens.owner_of(token)) is None


def test_it_is_good_for_nothing_else(people: People, tokens: OpenIdTokens) -> None:
    alice = people.user("alice")
    token = run(tokens.issue("@alice:test"))
    status, answer = run(alice.with_token(token).get("/_matrix/client/v3/account/whoami"))
    assert (status, answer["errcode"]) == (401, "M_UNKNOWN_TOKEN")
    assert run(tokens.owner_of(alice.token or "")) is None
    assert people.count("SELECT COUNT(*) FROM openid_tokens WHERE token_hash = ?", token.encode()) == 0


def test_it_ends_with_the_account(people: People, tokens: OpenIdTokens) -> None:
    people.user("alice")
    token = run(tokens.issue("@alice:test"))
    run(people.deactivation.deactivate("@alice:test", erase=False))
    assert run(tokens.owner_of(token)) is None
