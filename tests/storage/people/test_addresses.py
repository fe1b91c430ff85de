"""Addresses of accounts, the proofs of them, and pushers: one contract for every driver."""

from collections.abc import Callable
from typing import Any

from homeserver.accounts.store import NewAccount
from homeserver.accounts.threepids.store import ProofSession, Threepid
from homeserver.push.pushers.store import EMAIL, HTTP, PUSHERS_CHANGE, Progress, Pusher, PusherKey
from homeserver.streams import Change, Streams
from storage.database import Database
from storage.event_rows import RoomNames
from storage.people.accounts import StoredAccounts
from storage.people.devices import StoredDevices
from storage.people.threepids import StoredProofs, StoredThreepids
from storage.push.pushers import StoredPushers
from tests.support.loop import ThreadLoop

ALICE, BOB, ADDRESS = "@alice:test", "@bob:test", "a@example.org"
PROOF = ProofSession("sid", "add", ADDRESS, b"secret", 1, b"code", "https://example.org/", 1_000)
PUSHER = Pusher(PusherKey(ALICE, "app", "key"), HTTP, "App", "Telephone", None, "en", {"url": "u", "ä": [1]}, "DEVICE", 5)


class TestProofs:
    def test_one_for_each_request(self, database: Database, loop: ThreadLoop) -> None:
        store = StoredProofs(database)
        assert loop.run(store.open(PROOF, 0)) == ("sid", True)
        assert loop.run(store.open(PROOF._replace(sid="other"), 0)) == ("sid", False)
        again = PROOF._replace(sid="other", send_attempt=2, code_hash=None, next_link=None, created_ts=2_000)
        assert loop.run(store.open(again, 0)) == ("sid", True)
        assert loop.run(store.find("sid")) == again._replace(sid="sid")
        loop.run(store.unsent("sid"))
        assert loop.run(store.open(again, 0)) == ("sid", True)
        assert loop.run(store.open(PROOF._replace(sid="third", secret_hash=b"other"), 0)) == ("third", True)

    def test_an_old_one_is_no_more(self, database: Database, loop: ThreadLoop) -> None:
        store = StoredProofs(database)
        loop.run(store.open(PROOF, 0))
        assert loop.run(store.open(PROOF._replace(sid="new", created_ts=9_000), 5_000)) == ("new", True)
        assert loop.run(store.find("sid")) is None
        assert loop.run(store.forget(9_001, 10)) == 1
        assert loop.run(store.find("new")) is None

    def test_proven_counted_closed(self, database: Database, loop: ThreadLoop) -> None:
        store = StoredProofs(database)
        loop.run(store.open(PROOF, 0))
        loop.run(store.count_wrong("sid"))
        loop.run(store.prove("sid", 3_000))
        assert loop.run(store.find("sid")) == PROOF._replace(wrong_codes=1, validated_ts=3_000)
        assert loop.run(store.close("sid")) is True
        assert loop.run(store.close("sid")) is False


class TestThreepids:
    def test_added_and_removed(self, database: Database, loop: ThreadLoop) -> None:
        store, proofs = StoredThreepids(database), StoredProofs(database)
        loop.run(proofs.open(PROOF, 0))
        mine = Threepid("email", ADDRESS, ALICE, 1, 2)
        assert loop.run(store.add(mine, "sid")) is True
        assert loop.run(proofs.find("sid")) is None
        assert loop.run(store.add(mine._replace(user_id=BOB), "sid")) is False
        assert loop.run(store.of_user(ALICE)) == [mine]
        assert loop.run(store.owner("email", ADDRESS)) == ALICE
        assert loop.run(store.remove(BOB, "email", ADDRESS)) is False
        assert loop.run(store.remove(ALICE, "email", ADDRESS)) is True
        assert loop.run(store.owner("email", ADDRESS)) is None

    def test_they_go_with_the_account(self, database: Database, loop: ThreadLoop) -> None:
        accounts, store = StoredAccounts(database), StoredThreepids(database)
        threepid = Threepid("email", ADDRESS, ALICE, 1, 2)
        loop.run(accounts.create(NewAccount(ALICE, None, 1, "alice", threepid=threepid), None, None))
        assert loop.run(store.owner("email", ADDRESS)) == ALICE
        loop.run(accounts.deactivate(ALICE, erase=False))
        assert loop.run(store.owner("email", ADDRESS)) is None


class TestPushers:
    def test_kept_as_they_are(self, database: Database, loop: ThreadLoop, streams: Streams) -> None:
        store = StoredPushers(database, RoomNames())
        loop.run(store.put(PUSHER, alone=True))
        (found,) = loop.run(store.of_user(ALICE))
        assert found == PUSHER._replace(position=streams.position)
        loop.run(store.told(Progress(PUSHER.key, 90), 7))
        loop.run(store.put(PUSHER._replace(lang="de"), alone=True))
        assert loop.run(store.all()) == [PUSHER._replace(lang="de", position=90, sent_ts=7)]
        assert loop.run(store.remove(PUSHER.key)) is True
        assert loop.run(store.remove(PUSHER.key)) is False

    def test_alone_or_beside_others(self, database: Database, loop: ThreadLoop, streams: Streams) -> None:
        store, seen = StoredPushers(database, RoomNames()), _seen(streams)
        bobs = PUSHER._replace(key=PUSHER.key._replace(user_id=BOB))
        loop.run(store.put(PUSHER, alone=True))
        loop.run(store.put(bobs, alone=False))
        assert len(loop.run(store.all())) == 2
        loop.run(store.put(bobs, alone=True))
        assert [found.key.user_id for found in loop.run(store.all())] == [BOB]
        assert [change.user_id for change in seen] == [ALICE, BOB, ALICE, BOB]

    def test_who_is_behind(self, database: Database, loop: ThreadLoop) -> None:
        store, other = StoredPushers(database, RoomNames()), PUSHER._replace(key=PUSHER.key._replace(pushkey="other"))
        for pusher in (PUSHER, other):
            loop.run(store.put(pusher, alone=True))
        assert loop.run(store.position()) == 0
        loop.run(store.pass_on(50, [Progress(PUSHER.key, 40)]))
        found = {pusher.key.pushkey: pusher for pusher in loop.run(store.all())}
        assert (found["key"].position, found["key"].behind, found["other"].behind) == (40, True, False)
        loop.run(store.pass_on(60, []))
        assert loop.run(store.position()) == 60
        assert not any(pusher.behind for pusher in loop.run(store.all()))

    def test_they_go_with_devices_and_addresses(self, database: Database, loop: ThreadLoop, streams: Streams) -> None:
        store, devices, seen = StoredPushers(database, RoomNames()), StoredDevices(database), _seen(streams)
        letters = Pusher(PusherKey(ALICE, "m.email", ADDRESS), EMAIL, "A", "D", "t", "en", {}, "OTHER", 5, unsubscribe="secret")
        for pusher in (PUSHER, letters):
            loop.run(store.put(pusher, alone=True))
        by_secret = loop.run(store.by_unsubscribe("secret"))
        assert by_secret is not None
        assert by_secret.key == letters.key
        loop.run(devices.remove(ALICE, ["DEVICE"]))
        assert [found.key for found in loop.run(store.all())] == [letters.key]
        loop.run(StoredThreepids(database).remove(ALICE, "email", ADDRESS))
        assert loop.run(store.all()) == []
        loop.run(store.put(PUSHER, alone=True))
        loop.run(devices.remove_all(ALICE))
        assert loop.run(store.all()) == []
        assert len(seen) == 6


def _seen(streams: Streams) -> list[Change]:
    seen: list[Change] = []
    keep: Callable[[list[Change]], Any] = lambda changes: seen.extend(change for change in changes if change.kind == PUSHERS_CHANGE)  # noqa: E731
    streams.subscribe(keep)
    return seen
