"""From the news for an application service to the body of a transaction: looks up what clients see of them, and what passes by itself."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, Protocol

import orjson

from appservices.appservice import Appservice
from appservices.outbound.interest import MEMBER, Interest
from appservices.outbound.news import DeviceCounts, News, compose, in_room
from homeserver.encryption.store import KeyCounts
from homeserver.rooms.reading.serve import Viewer
from homeserver.rooms.store import MemberRecord, StoredEvent

COMMON = "signed_curve25519"  # told even when there is none
STRIPPED = {"invite": "invite_room_state", "knock": "knock_room_state"}


class Serving(Protocol):
    async def plain(self, events: Sequence[StoredEvent], viewer: Viewer) -> list[bytes]:
        """As clients get them."""


class Typists(Protocol):
    def event(self, room_id: str) -> bytes:
        """The ready m.typing event."""


class PresenceLookup(Protocol):
    async def of(self, user_id: str, for_user: str) -> dict[str, Any]: ...


class Invites(Protocol):
    async def stripped(self, record: MemberRecord, own: StoredEvent) -> bytes:
        """The JSON array of the stripped state."""


class CountLookup(Protocol):
    async def counts(self, user_id: str, device_id: str) -> KeyCounts: ...


class MemberLookup(Protocol):
    async def member(self, room_id: str, user_id: str) -> MemberRecord | None: ...

    async def joined_rooms(self, user_id: str) -> Sequence[str]: ...


class Accounts(Protocol):
    async def exists(self, user_id: str) -> bool: ...


class UserQueries(Protocol):
    async def user_exists(self, user_id: str) -> bool: ...


class Composer(NamedTuple):
    """Serves all services."""

    serving: Serving
    members: MemberLookup
    invites: Invites
    keys: CountLookup
    typing: Typists
    presence: PresenceLookup
    accounts: Accounts
    queries: UserQueries

    async def body(self, service: Appservice, news: News) -> bytes:
        events = await self.serving.plain(news.events, Viewer(service.sender)) if news.events else []
        for index, event in enumerate(news.events):
            if event.type == MEMBER and event.state_key is not None and service.owns_user(event.state_key):
                await self._introduce(event.state_key)
                events[index] = await self._with_stripped_state(event, events[index])
        counts = [await self._counts(user_id, device_id) for user_id, device_id in news.counts]
        return compose(news, events, counts, service.registration)

    async def add_passing(self, news: News, interest: Interest, service: Appservice, rooms: Iterable[str], users: Iterable[str]) -> None:
        """Who types in these rooms, and how these users are, as far as it concerns the service."""
        for room_id in rooms:
            if await interest.is_in(room_id):
                news.typing.append(in_room(self.typing.event(room_id), room_id))
        for user_id in users:
            if service.owns_user(user_id) or await self._is_among(interest, user_id):
                content = await self.presence.of(user_id, user_id)
                news.presence.append(orjson.dumps({"type": "m.presence", "sender": str(user_id), "content": content}))

    async def _is_among(self, interest: Interest, user_id: str) -> bool:
        for room_id in await self.members.joined_rooms(user_id):
            if await interest.is_in(room_id):
                return True
        return False

    async def _introduce(self, user_id: str) -> None:
        """Somebody named a user whom the service has not made yet ("Querying")."""
        if not await self.accounts.exists(user_id):
            await self.queries.user_exists(user_id)

    async def _with_stripped_state(self, event: StoredEvent, served: bytes) -> bytes:
        """Who is invited sees something of the room."""
        name = STRIPPED.get(str(event.content.get("membership")))
        member = await self.members.member(event.room_id, event.state_key or "") if name is not None else None
        if member is None or member.num != event.num:
            return served
        stripped = member.stripped or await self.invites.stripped(member, event)
        shown = orjson.loads(served)
        shown.setdefault("unsigned", {})[name] = orjson.Fragment(stripped)
        return orjson.dumps(shown)

    async def _counts(self, user_id: str, device_id: str) -> DeviceCounts:
        counts = await self.keys.counts(user_id, device_id)
        return DeviceCounts(user_id, device_id, {COMMON: 0, **counts.one_time}, counts.unused_fallback)
