"""Tokens from memory: what is remembered, and when it is forgotten."""

import pytest

from config.accounts import Sessions
from homeserver.accounts import access_tokens
from homeserver.errors import UnknownToken
from homeserver.streams import Change
from homeserver.web.endpoint import Caller
from tests.support.accounts import NORMAL_SESSIONS, People, make_people
from tests.support.client import run


@pytest.fixture
def people() -> People:
    return make_people()


def token_of(people: People, name: str = "alice") -> str:
    token = people.user(name, device_id="PHONE").token
    assert token is not None
    return token


def find(people: People, token: str) -> Caller | None:
    return run(people.tokens.find(token))


def test_remembers_after_the_first_use(people: People) -> None:
    token = token_of(people)
    assert people.tokens.cached(token) is None
    caller = find(people, token)
    assert caller is not None
    assert (caller.user_id, caller.device_id) == ("@alice:test", "PHONE")
    assert caller.token_id > 0
    assert people.tokens.cached(token) is caller


def test_unknown(people: People) -> None:
    assert find(people, "nonsense") is None
    assert find(people, "\ud800") is None
    assert len(people.tokens) == 0


@pytest.mark.parametrize("change", ["log out", "log in again", "lock", "deactivate", "make admin"])
def test_forgets_what_is_no_longer_so(people: People, change: str) -> None:
    token = token_of(people)
    find(people, token)
    if change == "log out":
        run(people.devices.remove("@alice:test", ("PHONE",)))
    elif change == "log in again":
        run(people.log_in.open("@alice:test", "PHONE", None, refreshable=False))
    elif change == "lock":
        run(people.accounts.set_locked("@alice:test", True))
    elif change == "deactivate":
        run(people.deactivation.deactivate("@alice:test", erase=False))
    else:
        run(people.accounts.set_admin("@alice:test", True))
    assert people.tokens.cached(token) is None
    caller = find(people, token)
    if change == "lock":
        assert caller is not None
        assert caller.locked
    elif change == "make admin":
        assert caller is not None
        assert caller.is_admin
    else:
        assert caller is None


def test_other_users_tokens_stay(people: People) -> None:
    alice, bob = token_of(people, "alice"), token_of(people, "bob")
    find(people, alice)
    find(people, bob)
    run(people.devices.remove_all("@alice:test"))
    assert people.tokens.cached(bob) is not None


def test_another_process_says_so_without_details(people: People) -> None:
    token = token_of(people)
    find(people, token)
    people.streams.publish([Change(people.streams.position + 1, "token", user_id="@alice:test")], people.streams.position + 1)
    assert people.tokens.cached(token) is None


def test_positions_that_were_stepped_over_clear_everything(people: People) -> None:
    token = token_of(people)
    find(people, token)
    people.streams.skip_to(people.streams.position + 5)
    assert len(people.tokens) == 0


def test_expiry_is_looked_at_in_memory_too() -> None:
    people = make_people(sessions=Sessions(access_token_seconds=60))
    token = token_of(people)
    find(people, token)
    people.clock.advance(59)
    assert people.tokens.cached(token) is not None
    people.clock.advance(2)
    assert people.tokens.cached(token) is None
    with pytest.raises(UnknownToken) as raised:
        find(people, token)
    assert raised.value.fields == {"soft_logout": True}


def test_memory_is_bounded(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access_tokens, "MAX_CACHED", 2)
    tokens = [token_of(people, name) for name in ("one", "two", "three")]
    find(people, tokens[0])
    find(people, tokens[1])
    people.tokens.cached(tokens[0])
    find(people, tokens[2])
    assert [people.tokens.cached(token) is not None for token in tokens] == [True, False, True]


def test_what_ends_while_it_is_read_is_not_remembered(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    token = token_of(people)
    read = people.token_store.owner

    async def read_slowly(token_hash: bytes) -> object:
        owner = await read(token_hash)
        await people.devices.remove_all("@alice:test")
        return owner

    monkeypatch.setattr(people.token_store, "owner", read_slowly)
    assert find(people, token) is not None
    assert people.tokens.cached(token) is None


def test_two_processes_over_one_database() -> None:
    first = make_people()
    second = People(first.database, first.streams, sessions=NORMAL_SESSIONS)
    token = token_of(first)
    assert find(second, token) is not None
    run(first.devices.remove_all("@alice:test"))
    assert second.tokens.cached(token) is None
