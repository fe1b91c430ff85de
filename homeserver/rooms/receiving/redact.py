"""Redactions that come from other servers, whichever comes first, they or what they redact (rooms/v3, "Handling redactions")."""

from collections.abc import Iterable, Mapping, Sequence

from homeserver.protocol import event_bytes
from homeserver.protocol.auth_rules import may_redact, power_levels
from homeserver.protocol.redaction import redact_event
from homeserver.rooms.head import POWER_LEVELS, RoomHead
from homeserver.rooms.send import KEPT_TYPES, redact_in_head
from homeserver.rooms.state_reader import StateReader
from homeserver.rooms.store import PARTIAL, REDACTED, EventCommit, Redaction, RoomStore, StoredEvent

REDACTION = "m.room.redaction"


class Redacting:
    def __init__(self, *, store: RoomStore, states: StateReader) -> None:
        self._store = store
        self._states = states

    async def redact(self, head: RoomHead, commit: EventCommit, fresh: Mapping[str, StoredEvent], earlier: Sequence[StoredEvent]) -> None:
        """Empty what the event redacts, or the event itself where its redaction came first. `fresh`: events that are not stored yet; `earlier`:
        redactions that are and name it.
        """
        stored = commit.event
        event = stored.event
        if event.redacts is not None and event.type == REDACTION:
            target = fresh.get(event.redacts) or (await self._store.events([event.redacts])).get(event.redacts)
            commit.redaction = Redaction(event.redacts)
            if target is not None and await self._applies(head, stored, target):
                body, links = event_bytes.split(redact_event(target.event))
                commit.redaction = Redaction(target.event_id, target.num, body, links)
                redact_in_head(head, commit.redaction)
        together = [one for one in fresh.values() if one.type == REDACTION and one.event.redacts == event.event_id]
        await self.empty(head, commit, (*together, *earlier))

    async def empty(self, head: RoomHead, commit: EventCommit, redactions: Iterable[StoredEvent]) -> None:
        """The event itself, if one of those that name it may. What came while the room is known in part may fall: then it is kept how it was."""
        stored = commit.event
        for redaction in redactions:
            if await self._applies(head, redaction, stored):
                if redaction.flags & PARTIAL and not stored.flags & REDACTED:
                    commit.withheld = stored.body, stored.links
                stored.body, stored.links = event_bytes.split(redact_event(stored.event))
                stored.flags |= REDACTED
                stored.redacted_by = redaction.num
                stored.notifies, commit.relation = 0, None
                stored.remember(None)
                return

    async def _applies(self, head: RoomHead, redaction: StoredEvent, target: StoredEvent) -> bool:
        if target.room_num != head.room_num or redaction.room_num != head.room_num or not redaction.is_shown:
            return False
        if target.state_key is not None and target.type in KEPT_TYPES:
            return False
        root = redaction.state_before
        found = {} if root is None else await self._states.at(root, [POWER_LEVELS])
        levels = power_levels.of(found[POWER_LEVELS].event if POWER_LEVELS in found else None, head.create.event)
        return may_redact(redaction.event, target.event, levels)
