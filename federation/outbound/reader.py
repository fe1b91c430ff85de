"""Reads on behind the stream and hands out what other servers are to be told.

A background reader with a position of its own. Everything up to there was told, or is written down as owed; so after a crash nothing is missed, and what was
told and not written down yet is told once more, which other servers notice by its ID. A change in a room without other servers costs a look-up in memory.
"""

from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger

from federation.outbound.audience import is_ours_to_tell, member_server, sender_server
from federation.outbound.destination import Mark
from federation.outbound.destinations import Destinations
from federation.outbound.key_news import NO_DEVICE, KeyNews
from federation.outbound.servers import RoomServers, Servers
from federation.outbound.store import LETTER, LetterStore, OutboundStore
from federation.outbound.transaction import Item
from homeserver.clock import Clock
from homeserver.encryption.store import KEYS_CHANGE, KeysChange
from homeserver.ephemeral.store import PUBLIC_KIND, Receipt
from homeserver.rooms.member_store import MemberStore
from homeserver.rooms.partial.store import WHOLE_ROOM, WholeNews
from homeserver.rooms.store import PARTIAL, StoredEvent
from homeserver.streams import Change, Streams

AT_ONCE: Final = 500  # events in one step
SAVED_EVERY: Final = 5_000  # positions
SAVE_S: Final = 2.0
RETRY_S: Final = 10.0
UNKNOWN: Final = (NO_DEVICE, NO_DEVICE)  # it is not known which devices changed


class Sources(NamedTuple):
    store: OutboundStore
    letters: LetterStore
    members: MemberStore
    rooms: RoomServers
    news: KeyNews
    acquaint: Callable[[str, str], None]  # room and user: the first of another server, or one of ours, who came to know the others


class OutboundReader:
    """Works from `start` to `stop`. `mark` is how far it has come."""

    _log = Logger()

    def __init__(self, sources: Sources, destinations: Destinations, mark: Mark, streams: Streams, clock: Clock, own_name: str) -> None:
        self._sources = sources
        self._rooms = sources.rooms
        self._destinations = destinations
        self._mark = mark
        self._streams = streams
        self._clock = clock
        self._suffix = ":" + own_name
        self._own_name = own_name
        destinations.tell_unsaved(self._save_in_time)
        self._last = 0  # where the last event was dealt with
        self._heard = 0  # the stream's position when it last spoke
        self._saved = 0
        self._handed_out = False  # something, since it was last saved
        self._saving: IDelayedCall | None = None
        self._writing: Deferred[None] | None = None
        self._is_running = False
        self._running: Deferred[None] | None = None
        self._retry: IDelayedCall | None = None
        self._stopped = True

    async def start(self) -> None:
        """Take up what an earlier run left untold, and begin to follow. A server that never had it begins at the end."""
        store, letters = self._sources.store, self._sources.letters
        behind = await store.behind()
        position = await store.position()
        self._saved = self._mark.done = self._streams.position if position is None else position
        self._heard = self._streams.position
        self._stopped = False
        self._streams.subscribe(self._follow)
        if position is None:
            await store.save(self._saved, (), ())
        self._destinations.take_up(behind, await letters.destinations())
        self._wake()

    async def stop(self) -> None:
        if self._stopped:
            return
        self._stopped = True
        for timer in (self._retry, self._saving):
            if timer is not None and timer.active():
                timer.cancel()
        if self._running is not None and self._is_running:
            await self._running
        await self._destinations.stop()
        if self._writing is not None:
            await self._writing
        await self._save()

    def _follow(self, changes: list[Change]) -> None:
        if self._stopped:
            return
        before, position = self._heard, self._streams.position
        self._heard = position
        if not changes:  # positions that were stepped over
            self._rooms.clear()
        elif not self._is_running and self._retry is None and self._mark.done == before:
            self._is_running = True  # what happens meanwhile waits
            try:
                if self._pass_by(changes):
                    self._mark.done = max(self._mark.done, position)
            finally:
                self._is_running = False
            self._save_in_time()
        if self._mark.done < self._streams.position:
            self._wake()

    def _pass_by(self, changes: Iterable[Change]) -> bool:
        """Whether all could be dealt with on the spot; `mark` stands before the first that could not."""
        for change in changes:
            if change.position <= self._mark.done:
                continue
            if not self._deal(change):
                self._mark.done = change.position - 1
                return False
        return True

    def _deal(self, change: Change) -> bool:
        """False: something has to be asked first."""
        kind = change.kind
        if kind == "event":
            return self._deal_with_event(change)
        if kind == KEYS_CHANGE:
            return not self._is_news(change)
        if kind == PUBLIC_KIND and isinstance(change.subject, Receipt):
            return self._deal_with_receipt(change.subject)
        if kind == WHOLE_ROOM and change.room_id is not None:
            self._rooms.drop(change.room_id)
            return not isinstance(change.subject, WholeNews) or not change.subject.unsaid
        if kind == LETTER and isinstance(change.subject, str):
            destination = self._destinations.get(change.subject)
            if destination is not None:
                destination.tell_letters()
        return True

    def _deal_with_event(self, change: Change) -> bool:
        event = change.subject
        if not isinstance(event, StoredEvent):
            return self._is_other_member(change)
        self._last = change.position
        room = self._rooms.peek(event.room_id)
        if change.user_id is not None and self._arrives(event):
            return False
        if is_ours_to_tell(event, self._suffix):
            if room is None:
                return False
            self._hand_out(event, room)
        if room is not None and change.user_id is not None and not change.user_id.endswith(self._suffix):
            self._deal_with_stranger(change, change.user_id, room)
        return True

    def _deal_with_stranger(self, change: Change, user_id: str, room: Servers) -> None:
        """A user of another server came to the room, or went."""
        before = len(room.names)
        self._rooms.follow(change)
        if len(room.names) > before and change.room_id is not None:
            self._sources.acquaint(change.room_id, user_id)

    def _is_other_member(self, change: Change) -> bool:
        """A membership that changed by an earlier event, which was told already. False: there may be an event of ours that the store knows."""
        if change.user_id is None or change.room_id is None:
            return False
        self._rooms.drop(change.room_id)
        return change.position == self._last or not change.user_id.endswith(self._suffix)

    def _arrives(self, event: StoredEvent) -> bool:
        return event.sender.endswith(self._suffix) and event.content.get("membership") == "join"

    def _hand_out(self, event: StoredEvent, room: Servers) -> None:
        item = Item(event.position or 0, event)
        sender = sender_server(event)
        live = self._destinations.live(event.room_id, room, item.position) if room.names else ()
        for destination in live:
            if destination.name != sender:
                destination.add(item)
                self._handed_out = True
        name = member_server(event)
        if name is not None and name not in room.names and name not in (self._own_name, sender):
            self._tell([name], item)

    def _tell(self, names: Iterable[str], item: Item) -> None:
        for name in names:
            destination = self._destinations.get(name)
            if destination is not None:
                if destination.is_down:
                    destination.fall_behind()
                destination.add(item)
                self._handed_out = True

    def _deal_with_receipt(self, receipt: Receipt) -> bool:
        if not receipt.user_id.endswith(self._suffix):
            return True
        room = self._rooms.peek(receipt.room_id)
        if room is None:
            return False
        for destination in self._destinations.live(receipt.room_id, room, self._mark.done + 1):
            destination.passing.read(receipt.room_id, receipt.user_id, receipt.thread, receipt.event_id, receipt.ts)
            destination.wake_soon()
        return True

    def _is_news(self, change: Change) -> bool:
        """Whether others are to hear of these keys."""
        subject = change.subject
        if change.user_id is None or not change.user_id.endswith(self._suffix):
            return False
        return not (isinstance(subject, KeysChange) and (subject.observer or not subject.room_ids))

    async def _ask_and_deal(self, change: Change) -> None:
        """Of what could not be dealt with on the spot."""
        if change.kind == KEYS_CHANGE:
            if change.user_id is not None and isinstance(change.subject, KeysChange):
                await self._tell_keys(change.user_id, change.position, change.subject)
            return
        if change.room_id is None:
            return
        if isinstance(change.subject, WholeNews):
            await self._introduce_late(change.room_id, change.subject.unsaid, change.position)
            return
        event = change.subject
        if isinstance(event, StoredEvent) and change.user_id is not None and self._arrives(event):
            await self._deal_with_join(event)
        else:
            await self._rooms.get(change.room_id)
            self._deal(change)

    async def _deal_with_join(self, event: StoredEvent) -> None:
        """Of a user of ours. Who comes to a room may be the first here: what was known of it is not current then."""
        record = await self._sources.members.member(event.room_id, event.state_key or "")
        is_new = record is not None and record.joined_position == event.position
        if is_new:
            self._rooms.drop(event.room_id)
        room = await self._rooms.get(event.room_id)
        if is_ours_to_tell(event, self._suffix):
            self._hand_out(event, room)
        if is_new and room.names:
            self._sources.acquaint(event.room_id, event.state_key or "")
            await self._introduce(event, room)

    async def _tell_keys(self, user_id: str, position: int, change: KeysChange) -> None:
        names = await self._sources.news.servers(change.room_ids)
        if names:
            self._tell(names, Item(position, None, await self._sources.news.of(user_id, position, change)))

    async def _introduce(self, event: StoredEvent, room: Servers) -> None:
        """A user of ours came to the room: the servers there may not have followed his devices until now."""
        # Of a room that came in part it is not known who is there: only what messages are encrypted by is told at once.
        edu = await self._sources.news.anew(event.state_key or "", event.position or 0, keyless=not event.flags & PARTIAL)
        if edu is not None:
            self._tell(tuple(room.names), Item(event.position or 0, None, edu))

    async def _introduce_late(self, room_id: str, names: Iterable[str], position: int) -> None:
        """To servers that were in the room all along and not known to be: they have missed what was told of the keys of our users."""
        for user_id in await self._sources.members.local_joined(room_id):
            edu = await self._sources.news.anew(user_id, position)
            if edu is not None:
                self._tell(tuple(names), Item(position, None, edu))

    def _wake(self) -> None:
        if not self._is_running and self._retry is None and not self._stopped:
            self._is_running = True
            self._running = Deferred.fromCoroutine(self._run())

    async def _run(self) -> None:
        try:
            while not self._stopped and self._mark.done < self._streams.position:
                await self._read_on()
            self._save_in_time()
        except Exception:
            self._log.failure("other servers could not be told what happened, it is tried again")
            if not self._stopped:
                self._retry = self._clock.call_later(RETRY_S, self._again)
        finally:
            self._is_running = False

    def _again(self) -> None:
        self._retry = None
        self._wake()

    async def _read_on(self) -> None:
        until = self._streams.position
        changes = self._streams.recent(self._mark.done)
        if changes is None:
            self._rooms.clear()
            await self._read_stored(until)
            return
        for change in changes:
            if self._lacks(change):
                await self._read_stored(change.position)
                continue
            if not self._deal(change):
                await self._ask_and_deal(change)
            self._mark.done = max(self._mark.done, change.position)
            if self._stopped:
                return
        self._mark.done = max(self._mark.done, until)

    def _lacks(self, change: Change) -> bool:
        """Whether the store knows more of it."""
        if change.subject is not None or change.kind not in ("event", KEYS_CHANGE):
            return False
        return change.kind == KEYS_CHANGE or not self._is_other_member(change)

    async def _read_stored(self, until: int) -> None:
        """What memory does not hold: it happened before the start, or in another process."""
        store = self._sources.store
        events = await store.events(self._mark.done, until, AT_ONCE)
        if len(events) == AT_ONCE:
            until = events[-1].position or until
        for event in events:
            self._hand_out(event, await self._rooms.get(event.room_id))
        for user_id, position in await store.keys_changed(self._mark.done, until):
            rooms = await self._sources.members.joined_rooms(user_id)
            await self._tell_keys(user_id, position, KeysChange("", tuple(rooms), UNKNOWN))
        self._mark.done = max(self._mark.done, until)

    def _save_in_time(self) -> None:
        due = self._handed_out or self._destinations.unsaved or self._mark.done - self._saved >= SAVED_EVERY
        if due and self._saving is None and not self._stopped:
            self._saving = self._clock.call_later(SAVE_S, self._begin_saving)

    def _begin_saving(self) -> None:
        self._saving = None
        if self._writing is None:
            self._writing = Deferred.fromCoroutine(self._save())
            self._writing.addBoth(self._written)

    def _written(self, _: object) -> None:
        self._writing = None
        self._save_in_time()

    async def _save(self) -> None:
        waiting = [destination.queue[0].position - 1 for destination in self._destinations if destination.queue]
        self._handed_out = bool(waiting)
        position = min([*waiting, self._mark.done])
        behind, caught_up = self._destinations.take_unsaved()
        try:
            await self._sources.store.save(position, behind, caught_up)
            self._saved = position
        except Exception:
            self._log.failure("how far other servers were told could not be written down")
            self._destinations.not_saved((*caught_up, *(each.destination for each in behind)), behind)
