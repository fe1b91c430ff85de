"""Events as clients get them: stored bytes, joined, with what `unsigned` says to this reader. Client-server API, "Types of room events"."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

import orjson

from homeserver.clock import Clock
from homeserver.protocol.event_bytes import client_event, pdu_with_id
from homeserver.rooms.reading.history import Seen
from homeserver.rooms.state_reader import StateReader
from homeserver.rooms.store import HAS_CHILDREN, REDACTED, StoredEvent
from homeserver.rooms.transactions import DeviceTransactions, Transactions

_SPECIAL = REDACTED | HAS_CHILDREN
_JOINED = b',"membership":"join"'


class Viewer(NamedTuple):
    """Who reads, and from which device (None: not to be told of its own transaction IDs)."""

    user_id: str
    device_id: str | None = None


class Bundles(Protocol):
    """The aggregations of child events (`rooms.aggregations`)."""

    async def of(self, events: Sequence[StoredEvent], viewer: Viewer) -> Mapping[str, bytes]:
        """Event ID → the JSON object of `unsigned["m.relations"]`, for those that have any."""


class EventServing:
    """Turns events into the bytes of answers; without `bundles`, those that aggregations themselves are made of."""

    def __init__(self, *, states: StateReader, transactions: Transactions, clock: Clock, bundles: Bundles | None = None) -> None:
        self._states = states
        self._transactions = transactions
        self._bundles = bundles
        self._clock = clock

    async def serve(self, seen: Sequence[Seen], viewer: Viewer, *, room_id: bool = True, bundle: bool = True) -> list[bytes]:
        """One JSON object for each event, in order. `room_id`: with that member (all but /sync)."""
        now = self._clock.now_ms()
        device = await self._device(seen, viewer)
        bundles: Mapping[str, bytes] = {}
        if bundle and self._bundles is not None:
            parents = [item.event for item in seen if item.event.flags & HAS_CHILDREN]
            if parents:
                bundles = await self._bundles.of(parents, viewer)
        served = []
        for event, membership in seen:
            echo = device.echo(event.event_id) if device is not None and event.sender == viewer.user_id else None
            if echo is None and event.state_key is None and not event.flags & _SPECIAL:
                unsigned = b'{"age":%d%b}' % (max(0, now - event.ts), _membership(membership))
            else:
                unsigned = await self._unsigned(event, membership, now, echo, bundles.get(event.event_id))
            served.append(client_event(event.body, event.event_id, event.room_id if room_id else None, unsigned))
        return served

    async def _device(self, seen: Sequence[Seen], viewer: Viewer) -> DeviceTransactions | None:
        """The transactions of the reading device, if they are at hand or its user has sent any of this."""
        if viewer.device_id is None:
            return None
        device = self._transactions.cached(viewer.user_id, viewer.device_id)
        if device is None and any(item.event.sender == viewer.user_id for item in seen):
            device = await self._transactions.of(viewer.user_id, viewer.device_id)
        return device

    async def _unsigned(self, event: StoredEvent, membership: str | None, now: int, echo: str | None, bundle: bytes | None) -> bytes:
        parts = [b'{"age":%d%b' % (max(0, now - event.ts), _membership(membership))]
        if echo is not None:
            parts.append(b',"transaction_id":' + orjson.dumps(echo))
        if event.flags & REDACTED and event.redacted_by is not None:
            redaction = (await self._states.events([event.redacted_by]))[event.redacted_by]
            parts.append(b',"redacted_because":' + client_event(redaction.body, redaction.event_id, redaction.room_id))
        elif event.state_key is not None and event.state_before is not None:
            before = await self._states.one(event.state_before, (event.type, event.state_key))
            if before is not None:
                parts.append(
                    b',"prev_content":%b,"prev_sender":%b,"replaces_state":%b'
                    % (orjson.dumps(before.content), orjson.dumps(before.sender), orjson.dumps(before.event_id))
                )
        if bundle is not None:
            parts.append(b',"m.relations":' + bundle)
        parts.append(b"}")
        return b"".join(parts)

    async def plain(self, events: Sequence[StoredEvent], viewer: Viewer, *, room_id: bool = True) -> list[bytes]:
        """State events, where the question of history does not arise: without membership and aggregations."""
        return await self.serve([Seen(event, None) for event in events], viewer, room_id=room_id, bundle=False)

    async def bare(self, events: Sequence[StoredEvent], viewer: Viewer, *, room_id: bool = True) -> list[bytes]:
        """Much state at once: as `plain`, without what each event replaced, which takes a look into the state before it."""
        now = self._clock.now_ms()
        served = []
        for event in events:
            if event.flags & REDACTED:
                unsigned = await self._unsigned(event, None, now, None, None)
            else:
                unsigned = b'{"age":%d}' % max(0, now - event.ts)
            served.append(client_event(event.body, event.event_id, event.room_id if room_id else None, unsigned))
        return served


def raw(events: Iterable[StoredEvent]) -> list[bytes]:
    """As they travel between servers (a filter's event_format)."""
    return [pdu_with_id(event.body, event.links, event.event_id, event.version) for event in events]


def _membership(membership: str | None) -> bytes:
    if membership == "join":
        return _JOINED
    return b"" if membership is None else b',"membership":%b' % orjson.dumps(membership)
