"""Events that came while a room was known in part are judged again, each by the whole state before it (MSC3902)."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from homeserver.clock import Clock
from homeserver.protocol.auth_rules import check_event, judging_state
from homeserver.protocol.errors import MissingEvents, NotAuthorised
from homeserver.protocol.event import Event
from homeserver.rooms.head import RoomHead
from homeserver.rooms.receiving.admit import check_by_auth_events
from homeserver.rooms.receiving.order import by_time, cited_first
from homeserver.rooms.receiving.resolve import Resolver
from homeserver.rooms.state_reader import StateReader
from homeserver.rooms.store import PARTIAL, REJECTED, RoomStore, StoredEvent

AT_ONCE = 50  # events judged before others have their turn
LOADED = 200


@dataclass(eq=False, slots=True)
class Judged:
    """`after`: the state after each event, those before the first of them too."""

    after: dict[str, bytes]
    nodes: dict[bytes, bytes] = field(default_factory=dict)
    fallen: list[StoredEvent] = field(default_factory=list)  # refused only now
    revived: list[StoredEvent] = field(default_factory=list)  # refused until now


class Rejudging:
    def __init__(self, *, store: RoomStore, states: StateReader, resolver: Resolver, clock: Clock) -> None:
        self._store = store
        self._states = states
        self._resolver = resolver
        self._clock = clock

    async def judge(self, head: RoomHead, events: Sequence[StoredEvent], before: Mapping[str, bytes]) -> Judged:
        """`events` get their states and flags anew; `before`: the states after what they build on and is not among them."""
        by_id = {stored.event_id: stored for stored in events}
        cited = await self._cited(by_id)
        judged = Judged(dict(before))
        for number, event in enumerate(cited_first([stored.event for stored in events], by_time), start=1):
            await self._judge(head, by_id[event.event_id], cited, judged)
            if number % AT_ONCE == 0:
                await self._clock.sleep(0)
        return judged

    async def _cited(self, by_id: Mapping[str, StoredEvent]) -> dict[str, StoredEvent]:
        """What authorises them: where it is one of them, as it is judged now."""
        wanted = list({event_id for stored in by_id.values() for event_id in stored.event.auth_events} - by_id.keys())
        found = dict(by_id)
        for start in range(0, len(wanted), LOADED):
            found.update(await self._store.events(wanted[start : start + LOADED]))
            await self._clock.sleep(0)
        return found

    async def _judge(self, head: RoomHead, stored: StoredEvent, cited: Mapping[str, StoredEvent], judged: Judged) -> None:
        event = stored.event
        resolved = await self._resolver.resolve(head.version, [judged.after[name] for name in event.prev_events], {})
        judged.nodes.update(resolved.nodes)
        stored.state_before, stored.state_after = resolved.root, None
        stored.shown_before, stored.shown_after = None, None
        was_refused = bool(stored.flags & REJECTED)
        is_refused = await self._is_refused(head, event, cited, resolved.root)
        stored.flags &= ~(PARTIAL | REJECTED)
        if is_refused:
            stored.flags |= REJECTED
        elif event.state_key is not None:
            stored.state_after, nodes = await self._states.update(resolved.root, {event.address: stored.num})
            judged.nodes.update(nodes)
        judged.after[event.event_id] = stored.state_after or resolved.root
        if is_refused and not was_refused:
            judged.fallen.append(stored)
        elif was_refused and stored.is_shown:
            judged.revived.append(stored)

    async def _is_refused(self, head: RoomHead, event: Event, cited: Mapping[str, StoredEvent], before: bytes) -> bool:
        state = await self._states.at(before, judging_state(event))
        try:
            with suppress(
                MissingEvents
            ):  # the join by which the room was entered may cite what nobody could give: it was judged by the state alone
                check_by_auth_events(event, {name: cited[name] for name in event.auth_events if name in cited}, head.create.event)
            check_event(event, {address: found.event for address, found in state.items()}, create=head.create.event)
        except NotAuthorised:
            return True
        return False
