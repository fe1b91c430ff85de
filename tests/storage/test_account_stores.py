"""The stores of accounts, tokens, devices and interactive auth: one contract, every driver."""

from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar

import pytest
from twisted.internet.defer import Deferred, gatherResults

from homeserver.account_data.store import GLOBAL, Put
from homeserver.accounts.store import (
    Account,
    AuthSession,
    AuthUse,
    Creation,
    NewAccount,
    NewLogin,
    RegistrationToken,
    Renewal,
    TokenOwner,
)
from homeserver.devices.store import LOCAL_SETTINGS, DeviceChange, Seen
from homeserver.streams import Change, Streams
from storage.database import Database
from storage.people.accounts import StoredAccounts
from storage.people.auth_sessions import StoredAuthSessions, StoredRegistrationTokens
from storage.people.devices import StoredDevices
from storage.people.tokens import StoredTokens
from storage.personal.account_data import StoredAccountData
from tests.support.loop import ThreadLoop

T = TypeVar("T")
ALICE = "@alice:test"
A, B, R, S = (name * 32 for name in (b"a", b"b", b"r", b"s"))


def all_of(loop: ThreadLoop, tasks: Sequence[Coroutine[Any, Any, T]]) -> list[T]:
    """At once, as requests that arrive together."""
    return loop.run(gatherResults([Deferred.fromCoroutine(task) for task in tasks], consumeErrors=True))


def new(user_id: str = ALICE, **more: Any) -> NewAccount:
    return NewAccount(user_id, "$hash", 7, "Alice", **more)


def login(access: bytes = A, refresh: bytes | None = None, device_id: str = "PHONE", name: str | None = "My phone") -> NewLogin:
    return NewLogin(ALICE, device_id, name, 7, access, None, refresh, None)


@pytest.fixture
def accounts(database: Database) -> StoredAccounts:
    return StoredAccounts(database)


@pytest.fixture
def tokens(database: Database) -> StoredTokens:
    return StoredTokens(database)


@pytest.fixture
def devices(database: Database) -> StoredDevices:
    return StoredDevices(database)


@pytest.fixture
def changes(streams: Streams) -> list[Change]:
    seen: list[Change] = []
    streams.subscribe(seen.extend)
    return seen


def count(loop: ThreadLoop, database: Database, table: str) -> int:
    async def ask() -> int:
        return await database.read(lambda cursor: int(cursor.value(f"SELECT count(*) FROM {table}")))

    return loop.run(ask())


class TestAccounts:
    def test_create_and_find(self, loop: ThreadLoop, accounts: StoredAccounts, changes: list[Change]) -> None:
        assert loop.run(accounts.account(ALICE)) is None
        assert loop.run(accounts.create(new(is_admin=True, user_type="bot", terms={"p": "1"}), None, None)) is Creation.DONE
        assert loop.run(accounts.account(ALICE)) == Account(ALICE, is_admin=True, user_type="bot")
        credentials = loop.run(accounts.credentials(ALICE))
        assert credentials is not None
        assert credentials.password_hash == "$hash"
        assert [(change.kind, change.user_id) for change in changes] == [("account", ALICE)]

    def test_of_many_at_once_one_wins(self, loop: ThreadLoop, database: Database, accounts: StoredAccounts) -> None:
        outcomes = all_of(loop, [accounts.create(new(), login(bytes([n]) * 32, None, f"D{n}"), None) for n in range(20)])
        assert sorted(outcome.value for outcome in outcomes) == ["done"] + ["name taken"] * 19
        assert count(loop, database, "devices") == count(loop, database, "access_tokens") == 1

    def test_flags(self, loop: ThreadLoop, accounts: StoredAccounts) -> None:
        assert not loop.run(accounts.set_flags(ALICE, locked=True))
        loop.run(accounts.create(new(is_admin=True), None, None))
        assert loop.run(accounts.set_flags(ALICE, locked=True))
        assert loop.run(accounts.set_flags(ALICE, suspended=True, locked=False))
        assert loop.run(accounts.account(ALICE)) == Account(ALICE, is_admin=True, suspended=True)

    def test_passwords(self, loop: ThreadLoop, database: Database, accounts: StoredAccounts, tokens: StoredTokens) -> None:
        assert not loop.run(accounts.set_password(ALICE, "$new", log_out=True, keep_device=None))
        loop.run(accounts.create(new(), login(), None))
        loop.run(tokens.log_in(login(B, None, "LAPTOP")))
        assert loop.run(accounts.set_password(ALICE, "$new", log_out=True, keep_device="LAPTOP"))
        assert loop.run(tokens.owner(A)) is None
        assert loop.run(tokens.owner(B)) is not None
        assert loop.run(accounts.set_password(ALICE, "$new", log_out=True, keep_device="LAPTOP"))
        assert count(loop, database, "devices") == 1
        loop.run(accounts.replace_hash(ALICE, "$other", "$x"))
        loop.run(accounts.replace_hash(ALICE, "$new", "$newer"))
        credentials = loop.run(accounts.credentials(ALICE))
        assert credentials is not None
        assert credentials.password_hash == "$newer"
        loop.run(accounts.set_password(ALICE, None, log_out=True, keep_device=None))
        assert count(loop, database, "devices") == 0

    def test_deactivation(self, loop: ThreadLoop, database: Database, accounts: StoredAccounts, tokens: StoredTokens) -> None:
        loop.run(accounts.create(new(), login(A, R), None))
        loop.run(tokens.add_login_token(B, ALICE, 100, 0))
        assert loop.run(accounts.deactivate(ALICE, erase=False))
        assert loop.run(accounts.departing()) == [ALICE]
        assert loop.run(tokens.owner(A)) is None
        assert loop.run(tokens.refresh_owner(R)) is None
        assert loop.run(tokens.take_login_token(B, 1)) is None
        assert count(loop, database, "profiles") == 1
        assert loop.run(accounts.erased()) == {}
        assert loop.run(accounts.deactivate(ALICE, erase=True))
        assert count(loop, database, "profiles") == 0
        erased = loop.run(accounts.erased())
        assert erased[ALICE] > 0
        assert loop.run(accounts.account(ALICE)) == Account(ALICE, deactivated=True, erased=True)
        assert loop.run(accounts.deactivate(ALICE, erase=False))
        assert loop.run(accounts.account(ALICE)) == Account(ALICE, deactivated=True, erased=True), "erasure is for good"
        assert loop.run(accounts.deactivate(ALICE, erase=True))
        assert loop.run(accounts.erased()) == erased, "and began then"
        loop.run(accounts.departed(ALICE))
        assert loop.run(accounts.departing()) == []
        assert not loop.run(accounts.deactivate("@nobody:test", erase=False))

    def test_guests(self, loop: ThreadLoop, accounts: StoredAccounts, tokens: StoredTokens) -> None:
        loop.run(accounts.create(new(is_guest=True), login(), None))
        assert loop.run(accounts.upgrade_guest(new(), login(B), None)) is Creation.DONE
        assert loop.run(accounts.account(ALICE)) == Account(ALICE)
        assert loop.run(tokens.owner(A)) is None
        assert loop.run(accounts.upgrade_guest(new(), None, None)) is Creation.NAME_TAKEN


class TestTokens:
    @pytest.fixture(autouse=True)
    def alice(self, loop: ThreadLoop, accounts: StoredAccounts) -> None:
        loop.run(accounts.create(new(), None, None))

    def test_owner(self, loop: ThreadLoop, tokens: StoredTokens) -> None:
        assert loop.run(tokens.owner(A)) is None
        loop.run(tokens.log_in(login()))
        expected = TokenOwner(ALICE, "PHONE", None, is_guest=False, is_admin=False, locked=False, suspended=False, replaces=None)
        assert loop.run(tokens.owner(A)) == expected

    def test_logging_in_again_replaces(self, loop: ThreadLoop, tokens: StoredTokens, devices: StoredDevices, changes: list[Change]) -> None:
        loop.run(tokens.log_in(login(A, R)))
        loop.run(tokens.log_in(login(B, None, name="Other")))
        assert loop.run(tokens.owner(A)) is None
        assert loop.run(tokens.refresh_owner(R)) is None
        device = loop.run(devices.device(ALICE, "PHONE"))
        assert device is not None
        assert device.display_name == "My phone"
        assert [(change.kind, change.subject) for change in changes] == [("device", DeviceChange(("PHONE",))), ("token", (A,))]

    def test_refreshing(self, loop: ThreadLoop, tokens: StoredTokens) -> None:
        loop.run(tokens.log_in(login(A, R)))
        assert loop.run(tokens.renew(R, Renewal(B, 100, S, None)))
        owner = loop.run(tokens.owner(B))
        assert owner is not None
        assert (owner.replaces, owner.expires_ts) == (R, 100)
        assert loop.run(tokens.owner(A)) is not None
        loop.run(tokens.settle(R))
        assert loop.run(tokens.owner(A)) is None
        revoked = loop.run(tokens.refresh_owner(R))
        assert revoked is not None
        assert revoked.revoked
        assert not loop.run(tokens.renew(R, Renewal(b"x" * 32, None, b"y" * 32, None)))
        loop.run(tokens.settle(R))
        assert loop.run(tokens.owner(B)) is not None, "settling twice does no harm"
        loop.run(tokens.revoke_tokens(ALICE, "PHONE"))
        assert loop.run(tokens.owner(B)) is None
        assert not loop.run(tokens.renew(S, Renewal(b"x" * 32, None, b"y" * 32, None)))

    def test_refreshing_many_times_at_once_leaves_one_pair(self, loop: ThreadLoop, database: Database, tokens: StoredTokens) -> None:
        loop.run(tokens.log_in(login(A, R)))
        renewals = [Renewal(bytes([n]) * 32, None, bytes([n + 100]) * 32, None) for n in range(10)]
        assert all(all_of(loop, [tokens.renew(R, renewal) for renewal in renewals]))
        assert count(loop, database, "access_tokens") == count(loop, database, "refresh_tokens") == 2

    def test_login_tokens_are_taken_once(self, loop: ThreadLoop, tokens: StoredTokens) -> None:
        loop.run(tokens.add_login_token(A, ALICE, 100, 0))
        loop.run(tokens.add_login_token(B, ALICE, 100, 0))
        assert sorted(all_of(loop, [tokens.take_login_token(A, 50) for _ in range(10)]), key=str) == [ALICE] + [None] * 9
        assert loop.run(tokens.take_login_token(B, 100)) is None, "expired"

    def test_a_token_without_device(self, loop: ThreadLoop, database: Database, tokens: StoredTokens, changes: list[Change]) -> None:
        async def add() -> None:
            await database.write(lambda cursor: cursor.run("INSERT INTO access_tokens (token_hash, user_id) VALUES (?, ?)", A, ALICE))

        loop.run(add())
        owner = loop.run(tokens.owner(A))
        assert owner is not None
        assert owner.device_id is None
        loop.run(tokens.log_out(A))
        loop.run(tokens.log_out(A))
        assert loop.run(tokens.owner(A)) is None
        assert [(change.kind, change.subject) for change in changes] == [("token", (A,))]


class TestDevices:
    def test_life(self, loop: ThreadLoop, accounts: StoredAccounts, devices: StoredDevices, changes: list[Change]) -> None:
        loop.run(accounts.create(new(), login(A, R), None))
        assert loop.run(devices.add(ALICE, "GHOST", None, 7))
        assert not loop.run(devices.add(ALICE, "GHOST", "Other", 7))
        assert loop.run(devices.rename(ALICE, "GHOST", "Ghost"))
        assert not loop.run(devices.rename(ALICE, "GONE", "x"))
        loop.run(devices.record_seen([Seen(ALICE, "PHONE", 9, "192.0.2.1", "Agent"), Seen(ALICE, "GONE", 9, "192.0.2.1", None)]))
        ghost, phone = loop.run(devices.devices(ALICE))
        assert (ghost.device_id, ghost.display_name, ghost.last_seen_ts) == ("GHOST", "Ghost", None)
        assert (phone.last_seen_ts, phone.last_seen_ip, phone.user_agent) == (9, "192.0.2.1", "Agent")
        changes.clear()
        loop.run(devices.remove(ALICE, ("PHONE", "GONE")))
        kinds = [(change.kind, change.subject) for change in changes]
        assert kinds == [("token", (A,)), ("device", DeviceChange(("PHONE",), removed=True)), ("device_deleted", "PHONE")]
        assert loop.run(devices.device(ALICE, "PHONE")) is None
        loop.run(devices.remove_all(ALICE))
        assert loop.run(devices.devices(ALICE)) == []

    def test_what_a_device_shows_goes_with_it(
        self, loop: ThreadLoop, database: Database, accounts: StoredAccounts, devices: StoredDevices
    ) -> None:
        loop.run(accounts.create(new(), login(A, R), None))
        loop.run(devices.add(ALICE, "TABLET", None, 7))
        data = StoredAccountData(database)
        for type in (f"{LOCAL_SETTINGS}PHONE", f"{LOCAL_SETTINGS}TABLET", "org.example"):
            loop.run(data.put(Put(ALICE, GLOBAL, type, b'{"is_silenced":true}')))
        loop.run(devices.remove(ALICE, ("PHONE",)))
        assert {entry.type for entry in loop.run(data.all(ALICE)) if not entry.deleted} == {f"{LOCAL_SETTINGS}TABLET", "org.example"}
        loop.run(devices.remove_all(ALICE))
        assert {entry.type for entry in loop.run(data.all(ALICE)) if not entry.deleted} == {"org.example"}


class TestInteractiveAuth:
    SESSION = AuthSession("POST /register", b"digest", {}, {"username": "alice"}, 1000)

    def test_sessions(self, loop: ThreadLoop, database: Database) -> None:
        sessions = StoredAuthSessions(database)
        loop.run(sessions.open(A, self.SESSION, 0))
        assert loop.run(sessions.find(A)) == self.SESSION
        assert loop.run(sessions.complete(A, "m.login.terms", {"p": "1"}, None)) == {"m.login.terms": {"p": "1"}}
        assert loop.run(sessions.complete(A, "m.login.dummy", True, None)) == {"m.login.terms": {"p": "1"}, "m.login.dummy": True}
        assert all_of(loop, [sessions.close(A), sessions.close(A)]) == [True, False]
        assert loop.run(sessions.find(A)) is None
        assert loop.run(sessions.complete(A, "m.login.dummy", True, None)) is None

    def test_old_ones_are_forgotten_and_give_back_what_they_held(self, loop: ThreadLoop, database: Database) -> None:
        sessions, registration_tokens = StoredAuthSessions(database), StoredRegistrationTokens(database)
        loop.run(registration_tokens.add(RegistrationToken("one", 1, 0, 0, None)))
        loop.run(sessions.open(A, self.SESSION, 0))
        loop.run(sessions.complete(A, "m.login.registration_token", "one", "one"))
        loop.run(sessions.open(B, self.SESSION._replace(created_ts=2000), 1500))
        assert loop.run(sessions.find(A)) is None
        assert loop.run(registration_tokens.find("one")) == RegistrationToken("one", 1, 0, 0, None)

    def test_a_use_is_held_by_one_session(self, loop: ThreadLoop, database: Database, accounts: StoredAccounts) -> None:
        sessions, registration_tokens = StoredAuthSessions(database), StoredRegistrationTokens(database)
        loop.run(registration_tokens.add(RegistrationToken("one", 1, 0, 0, None)))
        hashes = [bytes([n]) * 32 for n in range(5)]
        for session_hash in hashes:
            loop.run(sessions.open(session_hash, self.SESSION, 0))
        held = all_of(loop, [sessions.complete(one, "m.login.registration_token", "one", "one") for one in hashes])
        assert [one is not None for one in held].count(True) == 1
        assert loop.run(registration_tokens.find("one")) == RegistrationToken("one", 1, 1, 0, None)
        winner = next(one for one, completed in zip(hashes, held, strict=True) if completed)
        assert loop.run(accounts.create(new(), None, AuthUse(None, "one"))) is Creation.AUTH_USED
        assert loop.run(accounts.create(new(), None, AuthUse(winner, "one"))) is Creation.DONE
        assert loop.run(registration_tokens.find("one")) == RegistrationToken("one", 1, 0, 1, None)

    def test_one_use_gives_one_account(self, loop: ThreadLoop, database: Database, accounts: StoredAccounts) -> None:
        registration_tokens = StoredRegistrationTokens(database)
        loop.run(registration_tokens.add(RegistrationToken("one", 1, 0, 0, None)))
        outcomes = all_of(loop, [accounts.create(new(f"@u{n}:test"), None, AuthUse(None, "one")) for n in range(10)])
        assert sorted(outcome.value for outcome in outcomes) == ["auth used"] * 9 + ["done"]
        assert count(loop, database, "users") == count(loop, database, "profiles") == 1

    def test_registration_tokens(self, loop: ThreadLoop, database: Database) -> None:
        store = StoredRegistrationTokens(database)
        assert loop.run(store.add(RegistrationToken("b", None, 0, 0, 5)))
        assert not loop.run(store.add(RegistrationToken("b", 1, 0, 0, None)))
        assert loop.run(store.add(RegistrationToken("a", 1, 0, 0, None)))
        assert [token.token for token in loop.run(store.all())] == ["a", "b"]
        assert loop.run(store.limit("b", 3, None))
        assert not loop.run(store.limit("c", 3, None))
        assert loop.run(store.find("b")) == RegistrationToken("b", 3, 0, 0, None)
        assert loop.run(store.remove("a"))
        assert not loop.run(store.remove("a"))
