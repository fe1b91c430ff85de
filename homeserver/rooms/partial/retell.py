"""Whom the events concern that are revived when a room becomes whole: what they relate to, whether they count as unread, what they redact.

The same that is found out of an event that is taken in at once (`receiving/admit`), by the room as it is now.
"""

from collections.abc import Sequence

from homeserver.rooms.head import CREATE, POWER_LEVELS, RoomHead, RoomHeads
from homeserver.rooms.notice import notice_of
from homeserver.rooms.receiving.redact import Redacting
from homeserver.rooms.state_reader import StateReader
from homeserver.rooms.store import EventCommit, RoomStore, StoredEvent
from homeserver.rooms.told import Telling


class Retelling:
    def __init__(self, *, store: RoomStore, heads: RoomHeads, states: StateReader, telling: Telling) -> None:
        self._store = store
        self._heads = heads
        self._telling = telling
        self._redacting = Redacting(store=store, states=states)

    async def tell(self, head: RoomHead, root: bytes, joined: int, revived: Sequence[StoredEvent]) -> list[EventCommit]:
        """What is written with each of them. The room's lock is held; it will stand at `root`, with `joined` members more than the head counts."""
        if not revived:
            return []
        whole = head.at(root)
        whole.joined_count, whole.is_partial = head.joined_count + joined, False
        earlier = (await self._store.foretold(head.room_id, [stored.event_id for stored in revived])).redactions
        fresh: dict[str, StoredEvent] = {}
        commits = []
        for stored in revived:
            commits.append(await self._tell(whole, stored, fresh, earlier.get(stored.event_id, ())))
            fresh[stored.event_id] = stored
        return commits

    async def _tell(
        self, head: RoomHead, stored: StoredEvent, fresh: dict[str, StoredEvent], earlier: Sequence[StoredEvent]
    ) -> EventCommit:
        event = stored.event
        commit = EventCommit(stored, head.lineage, is_known=True, becomes_extremity=False)
        notice = notice_of(event.type, event.state_key, event.content)
        await self._heads.learn(head, [*self._telling.members_called(notice), CREATE, POWER_LEVELS])
        self._telling.note(head, commit, notice)
        await self._redacting.redact(head, commit, fresh, earlier)
        await self._telling.complete(head, commit, notice, fresh)
        return commit
