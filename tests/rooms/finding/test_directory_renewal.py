"""The directory while several people ask for it and the lists change."""

from typing import Any, cast

import orjson
from twisted.internet.defer import CancelledError, Deferred

from homeserver.protocol.room_versions import DEFAULT_ROOM_VERSION
from homeserver.rooms.directory.public_rooms import DirectoryQuery, PublicRooms
from homeserver.rooms.directory.store import LISTING, DirectoryStore, NetworkListing
from homeserver.rooms.directory.summaries import Summaries
from homeserver.rooms.directory.summary import Summary
from homeserver.streams import Change, Streams


class SlowLists:
    """A DirectoryStore whose answers are given by hand."""

    def __init__(self) -> None:
        self.asked: list[Deferred[list[str]]] = []

    async def published(self, limit: int) -> list[str]:
        answer: Deferred[list[str]] = Deferred()
        self.asked.append(answer)
        return await answer

    async def network_listings(self) -> list[NetworkListing]:
        return []


class PlainSummaries:
    async def get(self, room_id: str) -> Summary:
        public = b'{"room_id":"%b"' % room_id.encode()
        return Summary(
            room_id, DEFAULT_ROOM_VERSION, 1, 1, True, None, None, None, frozenset(), "public", (), False, False, None, None, None, public, public,
        )  # fmt: skip


class Asking:
    def __init__(self) -> None:
        self.lists, self.streams = SlowLists(), Streams()
        self.rooms = PublicRooms(cast("DirectoryStore", self.lists), cast("Summaries", PlainSummaries()), self.streams)

    def page(self) -> Deferred[bytes]:
        return Deferred.fromCoroutine(self.rooms.page(DirectoryQuery()))

    def change(self) -> None:
        self.streams.publish([Change(self.streams.position + 1, LISTING, "!new")], self.streams.position + 1)


def found(page: Deferred[bytes]) -> list[Any]:
    answers: list[bytes] = []
    page.addCallback(answers.append)
    return [room["room_id"] for answer in answers for room in orjson.loads(answer)["chunk"]]


def test_nobody_is_answered_with_less_than_was_there_when_he_asked() -> None:
    asking = Asking()
    first = asking.page()
    asking.change()
    second = asking.page()
    asking.lists.asked[0].callback(["!old"])
    asking.lists.asked[1].callback(["!new", "!old"])
    assert found(first) == found(second) == found(asking.page()) == ["!new", "!old"]


def test_who_goes_leaves_the_work_to_the_next() -> None:
    asking = Asking()
    first, second, third = asking.page(), asking.page(), asking.page()
    for gone in (third, first):
        gone.addErrback(lambda failure: failure.trap(CancelledError) and b"")
        gone.cancel()
    asking.lists.asked[1].callback(["!old"])
    assert found(second) == ["!old"]
