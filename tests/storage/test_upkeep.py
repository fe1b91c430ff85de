"""The store of the upkeep: what is past goes, the oldest first, and what is still of use stays."""

from typing import Any

from homeserver.accounts.store import AuthSession, NewAccount, NewLogin, RegistrationToken
from storage.database import Cursor, Database, WriteCursor
from storage.people.accounts import StoredAccounts
from storage.people.auth_sessions import StoredAuthSessions, StoredRegistrationTokens
from storage.people.tokens import StoredTokens
from storage.upkeep import StoredUpkeep
from tests.support.loop import ThreadLoop

USER = "@alice:test"


def rows(loop: ThreadLoop, database: Database, sql: str) -> list[Any]:
    def question(cursor: Cursor) -> list[Any]:
        return [row[0] for row in cursor.all(sql)]

    return loop.run(database.scan(question))


def add_transactions(loop: ThreadLoop, database: Database, *times: int) -> None:
    def change(cursor: WriteCursor) -> None:
        cursor.many(
            "INSERT INTO transactions (user_id, device_id, scope, txn_id, event_id, ts) VALUES (?, ?, ?, ?, ?, ?)",
            [(USER, "D", "1/m.room.message", f"t{number}", f"${number}", ts) for number, ts in enumerate(times)],
        )

    loop.run(database.write(change))


def test_transactions_go_oldest_first(loop: ThreadLoop, database: Database) -> None:
    store = StoredUpkeep(database)
    add_transactions(loop, database, 100, 50, 10, 70, 99, 101)
    known = "SELECT ts FROM transactions ORDER BY ts"
    assert loop.run(store.forget_transactions(100, 2)) == 2
    assert rows(loop, database, known) == [70, 99, 100, 101]
    assert loop.run(store.forget_transactions(100, 3)) == 2
    assert rows(loop, database, known) == [100, 101]
    assert loop.run(store.forget_transactions(100, 3)) == 0


def test_transactions_of_one_moment_go_together(loop: ThreadLoop, database: Database) -> None:
    store = StoredUpkeep(database)
    add_transactions(loop, database, 10, 10, 10, 20, 30)
    assert loop.run(store.forget_transactions(30, 2)) == 3
    assert rows(loop, database, "SELECT ts FROM transactions ORDER BY ts") == [20, 30]


def log_in(loop: ThreadLoop, database: Database, name: str, expires: int | None, refresh: bool, refresh_expires: int | None = None) -> None:
    login = NewLogin(USER, name, None, 0, f"a {name}".encode(), expires, f"r {name}".encode() if refresh else None, refresh_expires)
    loop.run(StoredTokens(database).log_in(login))


def test_expired_tokens_go_and_what_may_be_refreshed_stays(loop: ThreadLoop, database: Database) -> None:
    store = StoredUpkeep(database)
    loop.run(StoredAccounts(database).create(NewAccount(USER, None, 0, None), None, None))
    log_in(loop, database, "expired", 10, refresh=False)
    log_in(loop, database, "living", 100, refresh=False)
    log_in(loop, database, "endless", None, refresh=False)
    log_in(loop, database, "refreshable", 10, refresh=True)
    log_in(loop, database, "not any more", 10, refresh=True, refresh_expires=20)
    log_in(loop, database, "for a while", 10, refresh=True, refresh_expires=200)
    assert loop.run(store.forget_access_tokens(100, 10)) == 1
    assert loop.run(store.forget_refresh_tokens(100, 10)) == 1
    assert loop.run(store.forget_access_tokens(100, 10)) == 1
    assert loop.run(store.forget_access_tokens(100, 10)) == 0
    left = rows(loop, database, "SELECT device_id FROM access_tokens ORDER BY device_id")
    assert left == ["endless", "for a while", "living", "refreshable"]
    assert rows(loop, database, "SELECT device_id FROM refresh_tokens ORDER BY device_id") == ["for a while", "refreshable"]


def test_login_tokens_go(loop: ThreadLoop, database: Database) -> None:
    store, tokens = StoredUpkeep(database), StoredTokens(database)
    for expires in (10, 20, 30):
        loop.run(tokens.add_login_token(b"%d" % expires, USER, expires, 0))
    assert loop.run(store.forget_login_tokens(30, 1)) == 1
    assert loop.run(store.forget_login_tokens(30, 5)) == 1
    assert rows(loop, database, "SELECT expires_ts FROM login_tokens") == [30]


def test_auth_sessions_go_and_free_what_they_reserved(loop: ThreadLoop, database: Database) -> None:
    store, sessions, tokens = StoredUpkeep(database), StoredAuthSessions(database), StoredRegistrationTokens(database)
    loop.run(tokens.add(RegistrationToken("invitation", 2, 0, 0, None)))
    for opened in (10, 20):
        loop.run(sessions.open(b"%d" % opened, AuthSession("register", b"", {}, {}, opened), 0))
        loop.run(sessions.complete(b"%d" % opened, "m.login.registration_token", True, "invitation"))
    assert loop.run(store.forget_auth_sessions(20, 10)) == 1
    token = loop.run(tokens.find("invitation"))
    assert token is not None
    assert token.pending == 1
    assert loop.run(sessions.find(b"20")) is not None
