"""Whom the events concern that are revived when a room becomes whole: what they relate to, whether they count as unread, what they redact.

The same that is found out of an event that is taken in at once (`receiving/admit`), by the room as it is now. So it is with events that were redacted
meanwhile by somebody who could not: they are again what they were.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from homeserver.rooms.head import CREATE, POWER_LEVELS, RoomHead, RoomHeads
from homeserver.rooms.notice import Notice, notice_of
from homeserver.rooms.partial.store import PartialStore
from homeserver.rooms.receiving.redact import REDACTION, Redacting
from homeserver.rooms.state_reader import StateReader
from homeserver.rooms.store import REDACTED, EventCommit, RoomStore, StoredEvent
from homeserver.rooms.told import Telling


class Retold(NamedTuple):
    """What is written with the events that are revived, and with those that are not what they had been redacted to."""

    revived: Sequence[EventCommit]
    restored: Sequence[EventCommit]


class _Content(NamedTuple):
    body: bytes
    links: bytes

    def give(self, stored: StoredEvent) -> None:
        stored.body, stored.links = self
        stored.flags &= ~REDACTED
        stored.redacted_by = None
        stored.remember(None)


class Redactions:
    """Those that name an event, as they are judged now."""

    def __init__(self, stored: Mapping[str, Sequence[StoredEvent]], judged: Iterable[StoredEvent]) -> None:
        self._stored = stored
        self._judged = {one.num: one for one in judged if one.type == REDACTION}
        self._by_target: dict[str, list[StoredEvent]] = {}
        for one in self._judged.values():
            if one.event.redacts is not None:
                self._by_target.setdefault(one.event.redacts, []).append(one)

    def of(self, event_id: str) -> list[StoredEvent]:
        known = [self._judged.get(one.num, one) for one in self._stored.get(event_id, ())]  # one that is emptied may name nothing any more
        return [*known, *(one for one in self._by_target.get(event_id, ()) if one not in known)]


class Retelling:
    def __init__(self, *, store: RoomStore, partial: PartialStore, heads: RoomHeads, states: StateReader, telling: Telling) -> None:
        self._store = store
        self._partial = partial
        self._heads = heads
        self._telling = telling
        self._redacting = Redacting(store=store, states=states)

    async def tell(self, head: RoomHead, root: bytes, joined: int, judged: Sequence[StoredEvent], revived: Sequence[StoredEvent]) -> Retold:
        """`revived` are some of `judged`. The room's lock is held; it will stand at `root`, with `joined` members more than the head counts."""
        withheld = await self._withheld(head.room_id, judged)
        if not revived and not withheld:
            return Retold((), ())
        whole = head.at(root)
        whole.joined_count, whole.is_partial = head.joined_count + joined, False
        named = [stored.event_id for stored in (*withheld, *revived)]
        redactions = Redactions((await self._store.foretold(head.room_id, named)).redactions, judged)
        fresh: dict[str, StoredEvent] = {}
        commits = []
        for stored in revived:
            if stored in withheld:
                withheld.pop(stored).give(stored)
            commits.append(await self._tell(whole, stored, fresh, redactions))
            fresh[stored.event_id] = stored
        restored = [await self._restore(whole, stored, before, fresh, redactions) for stored, before in withheld.items()]
        return Retold(commits, [commit for commit in restored if commit is not None])

    async def _withheld(self, room_id: str, judged: Sequence[StoredEvent]) -> dict[StoredEvent, _Content]:
        """By the events, of which those that are judged are at hand."""
        by_num = {stored.num: stored for stored in judged}
        return {by_num.get(found.num, found): _Content(found.body, found.links) for found in await self._partial.withheld(room_id)}

    async def _tell(self, head: RoomHead, stored: StoredEvent, fresh: Mapping[str, StoredEvent], redactions: Redactions) -> EventCommit:
        commit, notice = await self._note(head, stored)
        await self._redacting.redact(head, commit, fresh, redactions.of(stored.event_id))
        await self._telling.complete(head, commit, notice, fresh)
        return commit

    async def _restore(
        self, head: RoomHead, stored: StoredEvent, before: _Content, fresh: Mapping[str, StoredEvent], redactions: Redactions
    ) -> EventCommit | None:
        """None: it was redacted by somebody who could, and stays so."""
        by = stored.redacted_by
        before.give(stored)
        commit, notice = await self._note(head, stored)
        await self._redacting.empty(head, commit, redactions.of(stored.event_id))
        if stored.flags & REDACTED and stored.redacted_by == by:
            return None
        await self._telling.complete(head, commit, notice, fresh)
        return commit

    async def _note(self, head: RoomHead, stored: StoredEvent) -> tuple[EventCommit, Notice]:
        event = stored.event
        commit = EventCommit(stored, head.lineage, is_known=True, becomes_extremity=False)
        notice = notice_of(event.type, event.state_key, event.content)
        await self._heads.learn(head, [*self._telling.members_called(notice), CREATE, POWER_LEVELS])
        self._telling.note(head, commit, notice)
        return commit, notice
