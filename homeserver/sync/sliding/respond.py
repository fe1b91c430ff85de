"""Answers sliding sync: at once when there is something to tell, else when there is, or after the timeout (MSC4186).

As for /sync: waiting registers before it reads, and the answer's token is the position it was read up to.
"""

from typing import NamedTuple

import orjson

from homeserver.account_data.account_data import UserData
from homeserver.clock import Clock
from homeserver.ephemeral.sequence import FRESH, Ephemera
from homeserver.errors import UnknownPos
from homeserver.protocol.filters import Filter
from homeserver.rooms.partial.partial_rooms import PartialRooms
from homeserver.streams import Streams
from homeserver.sync.deadlines import Deadlines
from homeserver.sync.feed import Feed, Feeds
from homeserver.sync.scope import SyncScope
from homeserver.sync.sections.account_data import AccountDataSection
from homeserver.sync.sections.device_lists import DeviceListSection
from homeserver.sync.sliding.choice import Choice, Chooser
from homeserver.sync.sliding.connections.connection import Connection
from homeserver.sync.sliding.connections.held import Connections
from homeserver.sync.sliding.connections.members import MemberNotes
from homeserver.sync.sliding.extensions.extensions import Asked, Extensions, reach_of
from homeserver.sync.sliding.lists.look import Looked, look
from homeserver.sync.sliding.lists.view import Views
from homeserver.sync.sliding.pos import Pos
from homeserver.sync.sliding.request import SlidingCall
from homeserver.sync.sliding.rooms.tell import SlidingRooms
from homeserver.sync.sliding.store import ConnectionKey
from homeserver.sync.waiting import Recheck

MAX_TIMEOUT_MS = 300_000
ALL = Filter()


class _Read(NamedTuple):
    """An answer as of a moment, and what the client knows with it."""

    parts: list[bytes]
    choice: Choice
    looked: Looked
    position: int
    counter: int
    has_news: bool
    notes: MemberNotes


class SlidingSyncing:
    def __init__(
        self,
        *,
        feeds: Feeds,
        connections: Connections,
        views: Views,
        rooms: SlidingRooms,
        extensions: Extensions,
        account_data: AccountDataSection,
        device_lists: DeviceListSection,
        partial: PartialRooms,
        streams: Streams,
        ephemera: Ephemera,
        clock: Clock,
    ) -> None:
        self._feeds = feeds
        self._connections = connections
        self._views = views
        self._rooms = rooms
        self._extensions = extensions
        self._account_data = account_data
        self._device_lists = device_lists
        self._partial = partial
        self._streams = streams
        self._ephemera = ephemera
        self._clock = clock
        self._deadlines = Deadlines(clock)

    async def respond(self, call: SlidingCall, recheck: Recheck) -> bytes:
        """The JSON of the answer. Raises UnknownPos for a token that is not of this connection, or is past; `recheck` as for /sync."""
        pos, viewer = call.pos, call.viewer
        if pos is not None and pos.position > self._streams.position:
            raise UnknownPos
        key = ConnectionKey(viewer.user_id, viewer.device_id or "", call.question.conn_id)
        connection = await self._connections.at(key, pos, is_ours=pos is not None and pos.boot == self._ephemera.boot_id)
        turn = connection.begin()
        deadline = self._clock.monotonic() + min(call.timeout_ms, MAX_TIMEOUT_MS) / 1000
        while True:
            feed = await self._feeds.of(viewer.user_id)
            waits = pos is not None and self._clock.monotonic() < deadline
            arrival = feed.wait() if waits else None
            try:
                if not connection.has_turn(turn):
                    return self._nothing(call)
                if arrival is None or not self._is_quiet(call, connection, feed):
                    if arrival is not None and pos is not None and feed.special > pos.position:
                        await recheck()
                    read = await self._read(call, connection, feed)
                    if read is None:
                        continue
                    if not connection.has_turn(turn):
                        return self._nothing(call)
                    if arrival is None or read.has_news:
                        return self._settle(call, connection, read)
                    connection.settled = (connection.number, call.body)
                connection.waits(arrival)
                await self._deadlines.wait(arrival, deadline)
            finally:
                if arrival is not None:
                    feed.give_up(arrival)

    def _is_quiet(self, call: SlidingCall, connection: Connection, feed: Feed) -> bool:
        """Whether it is certain, without looking, that there is nothing to tell."""
        pos = call.pos
        if pos is None or feed.touched > pos.position or connection.settled != (connection.number, call.body):
            return False
        return pos.boot == self._ephemera.boot_id and pos.counter == self._ephemera.counter

    async def _read(self, call: SlidingCall, connection: Connection, feed: Feed) -> _Read | None:
        """The answer as of now; None: the feed follows the stream no more."""
        question, pos = call.question, call.pos
        while True:
            position = self._streams.position
            data = await self._account_data.of(call.viewer.user_id)
            view = await self._views.read(call.viewer, question, connection, feed, data)
            recount = await self._rooms.recount(self._scope(call, data), feed, data)
            if not feed.is_current:
                return None
            if feed.touched <= position and view.is_current:
                break
        # Up to the choice of the rooms nothing may be awaited: feed, account data and position belong together.
        scope, counter = self._scope(call, data), self._ephemera.counter
        looked = look(question, view.around)
        around, reach = view.around, reach_of(question, looked)
        choice = Chooser(scope, connection, feed, around.standing, around.directs, reach, recount, self._partial).choose(looked)
        asked = Asked(scope, question, looked, connection, feed, data, self._device_lists.rooms(scope, feed.joined))
        notes = MemberNotes(connection.members)
        rooms, timelines = await self._rooms.tell(scope, choice, notes)
        extensions, has_news = await self._extensions.read(asked, choice, timelines)
        has_news |= bool(rooms) or (connection.counts is not None and connection.counts != looked.counts)
        parts = [
            b'"lists":' + orjson.dumps({name: {"count": count} for name, count in looked.counts.items()}),
            b'"rooms":{%b}' % b",".join([b"%b:%b" % (orjson.dumps(room_id), body) for room_id, body in rooms.items()]),
            b'"extensions":{%b}' % b",".join(extensions),
        ]
        return _Read(parts, choice, looked, scope.until, counter, has_news or pos is None, notes)

    def _scope(self, call: SlidingCall, data: UserData) -> SyncScope:
        pos = call.pos
        return SyncScope(
            viewer=call.viewer,
            since=0 if pos is None else pos.position,
            until=self._streams.position,
            ephemeral_since=FRESH if pos is None else self._ephemera.since(pos.boot, pos.counter),
            filter=ALL,
            ignored=data.ignored,
        )

    def _settle(self, call: SlidingCall, connection: Connection, read: _Read) -> bytes:
        number = self._connections.settle(connection, read.choice.delta)
        connection.counts, connection.settled = read.looked.counts, (number, call.body)
        pos = Pos(read.position, self._ephemera.boot_id, read.counter, number)
        connection.tell(pos, read.notes)
        return _answer(call, pos, read.parts)

    def _nothing(self, call: SlidingCall) -> bytes:
        """To a question that was overtaken by another; nobody waits for it any more."""
        if call.pos is None:
            raise UnknownPos
        return _answer(call, call.pos, [b'"lists":{},"rooms":{},"extensions":{}'])


def _answer(call: SlidingCall, pos: Pos, parts: list[bytes]) -> bytes:
    txn_id = call.question.txn_id
    echo = b"" if txn_id is None else b',"txn_id":' + orjson.dumps(txn_id)
    return b'{"pos":"%b",%b%b}' % (str(pos).encode(), b",".join(parts), echo)
