"""Reads on behind the stream for one application service: what of it concerns the service."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from appservices.appservice import Appservice
from appservices.outbound.interest import MEMBER, Interest
from appservices.outbound.news import News
from appservices.store import AppserviceStore
from homeserver.encryption.store import COUNTS_CHANGE, KEYS_CHANGE, CountsChange, KeysChange
from homeserver.encryption.to_device.store import TO_DEVICE
from homeserver.ephemeral.store import PRIVATE_KIND, PUBLIC_KIND, READ_PRIVATE, Receipt
from homeserver.rooms.store import StoredEvent
from homeserver.streams import Change, Streams

MOST_EVENTS = 100  # in one transaction
MOST_EVENT_BYTES = 1_500_000
MOST_LETTERS = 100
AT_ONCE = 500  # events read from the database in one step
MOST_PASSED = 2_000  # changes passed in one go, so that nobody waits for a long stretch without news


class KeyChanges(Protocol):
    async def changed_users(self, since: int, observer: str) -> list[str]:
        """Whose keys changed, as far as the observer may know."""


class Joined(Protocol):
    async def joined_rooms(self, user_id: str) -> Sequence[str]: ...

    async def joined_users(self, room_id: str) -> Sequence[str]: ...


class Readings(NamedTuple):
    """Where a reader looks."""

    store: AppserviceStore
    streams: Streams
    keys: KeyChanges
    members: Joined


class Gathering:
    def __init__(self, service: Appservice, interest: Interest, readings: Readings) -> None:
        self._service = service
        self._interest = interest
        self._readings = readings
        self._wants_ephemeral = service.registration.receive_ephemeral
        self._wants_devices = service.registration.encrypted
        self._keys_until = 0  # key changes up to there were looked up in the database

    def is_idle(self, change: Change) -> bool:
        """Whether it is certain, without looking, that the change is no news."""
        if change.kind == "event":
            return isinstance(change.subject, StoredEvent) and self._interest.is_idle(change.subject)
        if change.kind in (PUBLIC_KIND, PRIVATE_KIND):
            return not self._wants_ephemeral
        if change.kind in (TO_DEVICE, KEYS_CHANGE, COUNTS_CHANGE):
            return not self._wants_devices
        return True

    def begin_anew(self) -> None:
        """What was read last was not taken: it will be asked for again."""
        self._interest.forget_all()
        self._keys_until = 0

    async def read(self, since: int) -> News:
        """The next stretch: as much as one transaction takes."""
        readings = self._readings
        recent = readings.streams.recent(since)
        if recent is not None:
            return await self._pass(recent, since)
        return await self._read_stored(since, readings.streams.position)

    async def _pass(self, changes: Sequence[Change], since: int) -> News:
        news, size = News(since), 0
        for change in changes[:MOST_PASSED]:
            if change.kind == "event":
                event = await self._event_of(change, news.until)
                size += 0 if event is None else await self._add_event(news, event)
            elif self._wants_ephemeral and isinstance(change.subject, Receipt):
                await self._add_receipt(news, change.subject)
            elif self._wants_devices:
                await self._add_device_news(news, change)
            news.until = change.position
            if len(news.events) >= MOST_EVENTS or size >= MOST_EVENT_BYTES or len(news.letters) >= MOST_LETTERS:
                return news
        if len(changes) <= MOST_PASSED:
            news.until = max(news.until, self._readings.streams.position if not changes else changes[-1].position)
        return news

    async def _event_of(self, change: Change, passed: int) -> StoredEvent | None:
        """None: a membership that came along with the event that was just passed."""
        if isinstance(change.subject, StoredEvent):
            return change.subject
        if change.room_id is not None:
            self._interest.forget(change.room_id)
        if change.position == passed:
            return None
        found = await self._readings.store.events(change.position - 1, change.position, 1)  # an invite to a room elsewhere
        return found[0] if found else None

    async def _read_stored(self, since: int, until: int) -> News:
        """Behind what memory holds: receipts and key counts of that time are past."""
        self._interest.forget_all()
        news, size = News(since), 0
        events = await self._readings.store.events(since, until, AT_ONCE)
        end = events[-1].position or until if len(events) == AT_ONCE else until
        for event in events:
            size += await self._add_event(news, event)
            if len(news.events) >= MOST_EVENTS or size >= MOST_EVENT_BYTES:
                end = event.position or end
                break
        if self._wants_devices:
            end = await self._add_stored_letters(news, since, end)
            await self._add_stored_key_changes(news, since, until)
        news.until = end
        return news

    async def _add_event(self, news: News, event: StoredEvent) -> int:
        """By how many bytes the news are longer for it."""
        if not await self._interest.pass_event(event):
            return 0
        if self._wants_devices and event.type == MEMBER and event.content.get("membership") in ("leave", "ban"):
            await self._add_departure(news, event)
        news.events.append(event)
        return len(event.body)

    async def _add_departure(self, news: News, event: StoredEvent) -> None:
        """Somebody leaves a room, or the service has nobody left there: those who share no other room with it now."""
        user_id = event.state_key or ""
        if not self._service.owns_user(user_id):
            gone: Sequence[str] = (user_id,)
        else:
            gone = await self._readings.members.joined_users(event.room_id) if self._interest.is_out(event.room_id) else ()
        for each in gone:
            if not self._service.owns_user(each) and not await self._is_met(each):
                news.changed.pop(each, None)
                news.left[each] = None

    async def _is_met(self, user_id: str) -> bool:
        for room_id in await self._readings.members.joined_rooms(user_id):
            if await self._interest.is_in(room_id):
                return True
        return False

    async def _add_stored_letters(self, news: News, since: int, end: int) -> int:
        """Up to where the news then reach: all that lies behind is left for the next."""
        letters = await self._readings.store.letters(since, end, MOST_LETTERS)
        if len(letters) == MOST_LETTERS:
            end = letters[-1].position
            news.events = [event for event in news.events if (event.position or 0) <= end]
            self._interest.forget_all()
        news.letters = [letter for letter in letters if self._service.owns_user_alone(letter.user_id)]
        return end

    async def _add_stored_key_changes(self, news: News, since: int, until: int) -> None:
        """All at once: only the last change of each user is known."""
        if since < self._keys_until:
            return
        for user_id in await self._readings.keys.changed_users(since, self._service.sender):
            await self._add_key_change(news, user_id, await self._readings.members.joined_rooms(user_id))
        self._keys_until = until

    async def _add_receipt(self, news: News, receipt: Receipt) -> None:
        is_private = receipt.type == READ_PRIVATE
        if self._service.owns_user(receipt.user_id) if is_private else await self._interest.is_in(receipt.room_id):
            news.receipts.append(receipt)

    async def _add_device_news(self, news: News, change: Change) -> None:
        user_id, subject = change.user_id or "", change.subject
        if change.kind == TO_DEVICE and self._service.owns_user_alone(user_id):
            letters = await self._readings.store.letters(change.position - 1, change.position, 1)
            news.letters += letters
            news.counts.update(dict.fromkeys((letter.user_id, letter.device_id) for letter in letters))
        elif change.kind == COUNTS_CHANGE and isinstance(subject, CountsChange) and self._service.owns_user_alone(user_id):
            news.counts[user_id, subject.device_id] = None
        elif change.kind == KEYS_CHANGE and isinstance(subject, KeysChange):
            rooms = subject.room_ids if not subject.observer or self._service.owns_user(subject.observer) else ()
            await self._add_key_change(news, user_id, rooms)

    async def _add_key_change(self, news: News, user_id: str, room_ids: Sequence[Any]) -> None:
        if self._service.owns_user(user_id):
            news.changed[user_id] = None
            return
        for room_id in room_ids:
            if await self._interest.is_in(room_id):
                news.changed[user_id] = None
                return
