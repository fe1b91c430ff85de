"""The answer that most syncs wait for: new messages in one room, and nothing else. It is put together at once, from what all who wait have in common.

The first of them goes the whole way (`respond`, `rooms`); what it finds is kept for a moment. Whoever differs in anything goes the whole way too: he
sent one of the messages, has other news, reads through a filter that matters, or lacks a member that lazy loading owes him.
"""

from collections.abc import Mapping, Sequence

import orjson

from homeserver.clock import Clock
from homeserver.encryption.key_counts import KeyCounting
from homeserver.encryption.to_device.inboxes import Inboxes
from homeserver.ephemeral.presence import Presence
from homeserver.ephemeral.sequence import Ephemera
from homeserver.rooms.partial.partial_rooms import PartialRooms
from homeserver.rooms.reading.serve import Viewer
from homeserver.rooms.state_reader import StateReader
from homeserver.rooms.store import HAS_CHILDREN, StoredEvent
from homeserver.sync.feed import Feed
from homeserver.sync.lazy_members import LazyMembers
from homeserver.sync.scope import SyncQuestion, SyncScope
from homeserver.sync.sections.account_data import AccountDataSection
from homeserver.sync.sections.presence import PRESENCE
from homeserver.sync.sections.timeline import RoomTimeline
from homeserver.sync.sections.unread import UnreadSection, encode_counts
from homeserver.sync.token import SyncToken

KEPT_S = 1.0  # as long as a crowd takes to be woken; after that it goes with the next that is kept
KEPT_BYTES = 4 * 2**20
MEMBER = "m.room.member"

Key = tuple[str, int, int, int, bytes]  # room, since, until, timeline limit, name of the state


class _Common:
    """The JSON up to the counts, which are each reader's own, and behind his keys; the messages, and the member event of each sender."""

    __slots__ = ("counter", "ending", "events", "head", "made_at", "senders", "until")

    def __init__(self, head: bytes, until: int, events: Sequence[StoredEvent], senders: Mapping[str, int], made_at: float) -> None:
        self.head = head
        self.until = until
        self.ending, self.counter = b"", -1  # as of that ephemeral counter
        self.events = events
        self.senders = senders
        self.made_at = made_at


class Crowd:
    def __init__(
        self,
        *,
        unread: UnreadSection,
        account_data: AccountDataSection,
        told: LazyMembers,
        states: StateReader,
        counting: KeyCounting,
        inboxes: Inboxes,
        presence: Presence,
        ephemera: Ephemera,
        partial: PartialRooms,
        clock: Clock,
    ) -> None:
        self._partial = partial
        self._unread = unread
        self._account_data = account_data
        self._told = told
        self._states = states
        self._counting = counting
        self._inboxes = inboxes
        self._presence = presence
        self._ephemera = ephemera
        self._clock = clock
        self._kept: dict[Key, _Common] = {}  # oldest first
        self._bytes = 0

    def answer(self, question: SyncQuestion, until: int, feed: Feed) -> bytes | None:
        """The JSON of the answer; None: there is more to it, or nobody has gone the whole way yet."""
        since = question.since
        if since is None or question.full_state or feed.special > since.position:
            return None
        room_id = feed.only_change(since.position)
        if room_id is None or question.plain_limit < 0 or not question.filter.room.accepts_room(room_id):
            return None
        common = self._kept.get((room_id, since.position, until, question.plain_limit, question.state_name))
        if common is None or common.made_at <= self._clock.monotonic() - KEPT_S:
            return None
        if (feed.joined[room_id].joined_position or until) > since.position or not self._is_quiet(question, since, feed):
            return None
        return self._fill(common, question, room_id, since.position, feed)

    def _fill(self, common: _Common, question: SyncQuestion, room_id: str, since: int, feed: Feed) -> bytes | None:
        """With what is the reader's own."""
        user_id = feed.user_id
        if user_id in common.senders or not self._knows_senders(question, room_id, common, since):
            return None
        keys = self._keys(question.viewer, feed)
        if keys is None:
            return None
        unread = self._unread.at_hand(user_id, room_id, since, common.until, common.events)
        if unread is None:
            return None
        counts = encode_counts(unread, by_thread=question.filter.room.timeline.unread_thread_notifications)
        return b'%b%b,"summary":{}}}},%b%b' % (common.head, counts, keys, self._ending(common))

    def _ending(self, common: _Common) -> bytes:
        ephemera = self._ephemera
        if common.counter != ephemera.counter:
            common.counter = ephemera.counter
            common.ending = f',"next_batch":"s{common.until}_{ephemera.boot_id}_{ephemera.counter}"}}'.encode()
        return common.ending

    def _keys(self, viewer: Viewer, feed: Feed) -> bytes | None:
        """What the answer says of the keys of a device for which no message waits and whose user ignores nobody: the same as long as nothing but
        messages came."""
        device_id = viewer.device_id
        if device_id is None:
            return None
        if feed.keys_at != feed.special:
            feed.keys.clear()
            feed.keys_at = feed.special
        keys = feed.keys.get(device_id)
        if keys is None:
            counts, data = self._counting.at_hand(viewer.user_id, device_id), self._account_data.at_hand(viewer.user_id)
            if counts is None or data is None or data.ignored or not self._inboxes.is_empty(viewer.user_id, device_id):
                return None
            keys = feed.keys[device_id] = counts.members
        return keys

    async def keep(self, scope: SyncScope, timeline: RoomTimeline, encoded: bytes) -> None:
        """What one reader found who went the whole way; `encoded` is the JSON of a timeline that he shares with all who stand where he stood."""
        events = timeline.window
        root = events[-1].current_after if events else None
        if root is None or timeline.limited or not all(_is_message(event) for event in events):
            return
        room_id, name = timeline.room.room_id, scope.state_name
        if self._partial.is_partial(room_id):  # not everybody is told of it
            return
        head = b'{"rooms":{"join":{%b:{"timeline":%b,"%b":{"events":[]},"account_data":{"events":[]},"ephemeral":{"events":[]},' % (
            orjson.dumps(room_id), encoded, name,
        )  # fmt: skip
        senders = dict.fromkeys((event.sender for event in events), 0)
        members = await self._states.numbers(root, [(MEMBER, sender) for sender in senders])
        senders.update({address[1]: number for address, number in members.items()})
        self._forget()
        key = (room_id, scope.since, scope.until, scope.timeline_limit, name)
        if key not in self._kept:
            self._kept[key] = _Common(head, scope.until, events, senders, self._clock.monotonic())
            self._bytes += len(head)

    def _forget(self) -> None:
        past = self._clock.monotonic() - KEPT_S
        while self._kept:
            oldest = next(iter(self._kept))
            if self._kept[oldest].made_at > past and self._bytes <= KEPT_BYTES:
                break
            self._bytes -= len(self._kept.pop(oldest).head)

    def _is_quiet(self, question: SyncQuestion, since: SyncToken, feed: Feed) -> bool:
        """Whether nobody began to type, came or went since, as far as it concerns the reader."""
        ephemera = self._ephemera
        if since.to_device is not None or since.boot != ephemera.boot_id:
            return False
        if since.counter == ephemera.counter:
            return True
        if not feed.typing_since <= since.counter < ephemera.counter or feed.typing_rooms(since.counter):
            return False
        return not question.filter.presence.accepts_type(PRESENCE) or not self._presence.has_changed(since.counter)

    def _knows_senders(self, question: SyncQuestion, room_id: str, common: _Common, since: int) -> bool:
        """Whether lazy loading owes the reader no member."""
        room = question.filter.room
        if not (room.state.lazy_load_members or room.timeline.lazy_load_members):
            return True
        if room.state.include_redundant_members:
            return False
        key = (question.viewer.user_id, question.viewer.device_id or "", room_id)
        return all(self._told.is_told(key, sender, number, since) for sender, number in common.senders.items())


def _is_message(event: StoredEvent) -> bool:
    return event.state_key is None and event.type != "m.room.redaction" and not event.flags & HAS_CHILDREN
