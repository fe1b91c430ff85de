"""Answers /sync: at once when there is something to tell, else when there is, or after the timeout. Client-server API, "Syncing".

Waiting registers before it reads, so no change falls between. The answer's token is the position it was read up to.
"""

from collections.abc import Sequence

import orjson

from homeserver.account_data.account_data import UserData
from homeserver.clock import Clock
from homeserver.ephemeral.sequence import FRESH, Ephemera
from homeserver.errors import InvalidParam
from homeserver.streams import Streams
from homeserver.sync.crowd import Crowd
from homeserver.sync.deadlines import Deadlines
from homeserver.sync.feed import Feed, Feeds
from homeserver.sync.rooms import SyncRooms
from homeserver.sync.scope import SyncQuestion, SyncScope
from homeserver.sync.sections.account_data import AccountDataSection
from homeserver.sync.sections.device_lists import DeviceListSection
from homeserver.sync.sections.key_counts import KeyCountsSection
from homeserver.sync.sections.presence import PresenceSection
from homeserver.sync.sections.to_device import ToDeviceSection
from homeserver.sync.token import SyncToken
from homeserver.sync.waiting import Found, Recheck, Waiting

MAX_TIMEOUT_MS = 300_000

Pieces = list[bytes]  # of JSON: a large answer is put together once, at its end


class Syncing:
    def __init__(
        self,
        *,
        feeds: Feeds,
        rooms: SyncRooms,
        account_data: AccountDataSection,
        presence: PresenceSection,
        to_device: ToDeviceSection,
        device_lists: DeviceListSection,
        key_counts: KeyCountsSection,
        crowd: Crowd,
        streams: Streams,
        ephemera: Ephemera,
        clock: Clock,
    ) -> None:
        self._feeds = feeds
        self._rooms = rooms
        self._account_data = account_data
        self._presence = presence
        self._to_device = to_device
        self._device_lists = device_lists
        self._key_counts = key_counts
        self._crowd = crowd
        self._streams = streams
        self._ephemera = ephemera
        self._clock = clock
        self._deadlines = Deadlines(clock)

    async def respond(self, question: SyncQuestion, recheck: Recheck) -> Found:
        """The JSON of the answer, or who waits for it; M_INVALID_PARAM for a token from the future (of another server, or of a database since
        restored)."""
        since = question.since
        if since is not None and since.position > self._streams.position:
            raise InvalidParam("This token is ahead of the server")
        deadline = self._clock.monotonic() + min(question.timeout_ms, MAX_TIMEOUT_MS) / 1000
        return await self.find(Waiting(self, question, recheck, deadline))

    async def find(self, waiting: Waiting) -> Found:
        """Look for an answer until there is one, or nothing more to be awaited than that something happens."""
        question = waiting.question
        since = question.since
        while True:
            feed = await self._feeds.of(question.viewer.user_id)
            waits = since is not None and not question.full_state and self._clock.monotonic() < waiting.deadline
            if waits:
                waiting.called = False
                feed.expect(waiting)
            try:
                if not waits or not self._is_quiet(question, feed):
                    if waits and since is not None and feed.special > since.position:
                        await waiting.recheck()
                    data = await self._account_data.of(question.viewer.user_id)
                    if not feed.is_current:  # dropped meanwhile
                        continue
                    common = self._crowd.answer(question, self._streams.position, feed)
                    if common is not None:
                        return common
                    answer, is_empty = await self._read(question, feed, data)
                    if not waits or not is_empty:
                        return answer
                if not waiting.called:
                    self._deadlines.watch(waiting, waiting.deadline)
                    waiting.wait(feed)
                    return waiting
            finally:
                if not waiting.waits:
                    feed.give_up(waiting)

    def at_once(self, waiting: Waiting, feed: Feed) -> bytes | None:
        """The answer to who was woken, where it is the one that a crowd waits for."""
        return self._crowd.answer(waiting.question, self._streams.position, feed) if feed.is_current else None

    def left(self, waiting: Waiting, feed: Feed) -> None:
        self._deadlines.ended()
        if feed.waiters:  # not when it was woken
            feed.give_up(waiting)

    def _is_quiet(self, question: SyncQuestion, feed: Feed) -> bool:
        """Whether it is certain, without looking, that nothing has happened for the user since the token."""
        since = question.since
        if since is None or feed.touched > since.position or since.to_device is not None:
            return False
        return since.boot == self._ephemera.boot_id and since.counter == self._ephemera.counter

    async def _read(self, question: SyncQuestion, feed: Feed, data: UserData) -> tuple[bytes, bool]:
        """(the answer as of now, whether it says nothing)."""
        # Up to the choice of the rooms nothing may be awaited: feed, account data and position belong together.
        since, until, counter = question.since, self._streams.position, self._ephemera.counter
        scope = SyncScope(
            viewer=question.viewer,
            since=0 if since is None else since.position,
            until=until,
            ephemeral_since=FRESH if since is None else self._ephemera.since(since.boot, since.counter),
            filter=question.filter,
            to_device_since=_has_messages_to(since),
            full_state=question.full_state,
            use_state_after=question.use_state_after,
            state_name=question.state_name,
            ignored=data.ignored,
        )
        joined = self._device_lists.rooms(scope, feed.joined)
        members = await self._sections(scope, feed, data)
        letters, has_letters_to = await self._to_device.read(scope)
        if letters:
            members.append([b'"to_device":{"events":[', b",".join(letters), b"]}"])
        lists = await self._device_lists.read(scope, joined)
        if lists:
            members.append([b'"device_lists":', lists])
        counts, has_lost_keys = await self._key_counts.read(scope)
        is_empty = not members and not has_lost_keys
        if counts:
            members.append([counts])
        token = SyncToken(until, self._ephemera.boot_id, counter, None if has_letters_to == until else has_letters_to)
        members.append([b'"next_batch":"%b"' % str(token).encode()])
        return b"".join(_object(members)), is_empty

    async def _sections(self, scope: SyncScope, feed: Feed, data: UserData) -> list[Pieces]:
        members = []
        rooms = await self._room_lists(scope, feed, data)
        if rooms:
            members.append([b'"rooms":', *_object(rooms)])
        account_data = self._account_data.global_events(scope, data)
        if account_data:
            members.append([b'"account_data":{"events":[', b",".join(account_data), b"]}"])
        presence = await self._presence.read(scope)
        if presence:
            members.append([b'"presence":{"events":[', b",".join(presence), b"]}"])
        return members

    async def _room_lists(self, scope: SyncScope, feed: Feed, data: UserData) -> list[Pieces]:
        joined = await self._rooms.joined(scope, feed, data)
        left = await self._rooms.left(scope, feed, data)
        invited, knocking = await self._rooms.pending(scope, feed)
        lists = []
        for name, rooms in ((b'"join":', joined), (b'"invite":', invited), (b'"knock":', knocking), (b'"leave":', left)):
            if rooms:
                lists.append([name, *_object([[orjson.dumps(room_id), b":", body] for room_id, body in rooms])])
        return lists


def _object(members: Sequence[Pieces]) -> Pieces:
    """The JSON object of ready members."""
    pieces = [b"{"]
    for member in members:
        pieces += member
        pieces.append(b",")
    pieces[-1] = b"}"
    return pieces


def _has_messages_to(since: SyncToken | None) -> int:
    if since is None:
        return 0
    return since.position if since.to_device is None else since.to_device
