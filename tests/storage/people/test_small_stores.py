"""Small stores about people: tokens for other services, rooms for notices, how many devices there are. One contract, every driver."""

from homeserver.accounts.store import NewAccount, NewLogin
from storage.database import Database
from storage.people.accounts import StoredAccounts
from storage.people.notices import StoredNotices
from storage.people.openid import StoredOpenIdTokens
from storage.people.tokens import StoredTokens
from storage.upkeep import StoredUpkeep
from tests.support.loop import ThreadLoop

ALICE, BOB, CAROL = "@alice:test", "@bob:test", "@carol:test"
A, B = b"a" * 32, b"b" * 32


def account(loop: ThreadLoop, database: Database, user_id: str, login: NewLogin | None = None, **more: object) -> None:
    new = NewAccount(user_id, None, 7, None, **more)  # type: ignore[arg-type]  # of every kind
    loop.run(StoredAccounts(database).create(new, login, None))


class TestOpenId:
    def test_owners_and_time(self, loop: ThreadLoop, database: Database) -> None:
        store = StoredOpenIdTokens(database)
        account(loop, database, ALICE)
        loop.run(store.add(A, ALICE, 100))
        assert loop.run(store.owner(A, 99)) == ALICE
        assert loop.run(store.owner(A, 100)) is None
        assert loop.run(store.owner(B, 0)) is None
        loop.run(StoredAccounts(database).deactivate(ALICE, erase=False))
        assert loop.run(store.owner(A, 99)) is None

    def test_what_is_past_goes(self, loop: ThreadLoop, database: Database) -> None:
        store, upkeep = StoredOpenIdTokens(database), StoredUpkeep(database)
        account(loop, database, ALICE)
        for token, expires in ((A, 100), (B, 300)):
            loop.run(store.add(token, ALICE, expires))
        assert loop.run(upkeep.forget_openid_tokens(200, 10)) == 1
        assert loop.run(store.owner(A, 0)) is None
        assert loop.run(store.owner(B, 0)) == ALICE


class TestNotices:
    def test_a_room_is_claimed_once(self, loop: ThreadLoop, database: Database) -> None:
        store = StoredNotices(database)
        assert loop.run(store.room(ALICE)) is None
        assert loop.run(store.claim(ALICE, "!one", None))
        assert not loop.run(store.claim(ALICE, "!two", None))
        assert not loop.run(store.claim(ALICE, "!two", "!zero"))
        assert loop.run(store.room(ALICE)) == "!one"
        assert loop.run(store.claim(ALICE, "!two", "!one"))
        assert loop.run(store.room(ALICE)) == "!two"

    def test_people(self, loop: ThreadLoop, database: Database) -> None:
        store = StoredNotices(database)
        for user_id in (CAROL, ALICE, BOB):
            account(loop, database, user_id)
        account(loop, database, "@1:test", is_guest=True)
        account(loop, database, "@irc:test", appservice="irc")
        account(loop, database, "@robot:test", user_type="bot")
        account(loop, database, "@closed:test")
        loop.run(StoredAccounts(database).deactivate("@closed:test", erase=False))
        assert [loop.run(StoredAccounts(database).count_people(most)) for most in (2, 3, 9)] == [2, 3, 3]
        assert loop.run(store.people("", 2)) == [ALICE, BOB]
        assert loop.run(store.people(BOB, 2)) == [CAROL]
        assert loop.run(store.people(CAROL, 2)) == []


def test_how_many_devices(loop: ThreadLoop, database: Database) -> None:
    store = StoredTokens(database)
    account(loop, database, ALICE, NewLogin(ALICE, "PHONE", None, 7, A, None, None, None))
    assert loop.run(store.has_room_for(ALICE, None, 2))
    assert not loop.run(store.has_room_for(ALICE, None, 1))
    assert not loop.run(store.has_room_for(ALICE, "LAPTOP", 1))
    assert loop.run(store.has_room_for(ALICE, "PHONE", 1))
    assert loop.run(store.has_room_for(BOB, "PHONE", 1))
