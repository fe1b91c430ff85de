"""The events that relate to one, page by page (client-server API, "Forming relationships between events"), and a room's threads ("Threading")."""

from typing import NamedTuple

from homeserver.protocol import event_bytes
from homeserver.protocol.limits import MAX_INTEGER
from homeserver.protocol.redaction import redact_event
from homeserver.rooms.reading.fill import fill
from homeserver.rooms.reading.history import History, Seen
from homeserver.rooms.reading.paging_store import Ignoring
from homeserver.rooms.reading.place import Place, Span
from homeserver.rooms.reading.relation_store import Children, RelationStore, ThreadRoot
from homeserver.rooms.reading.single import SingleEvents
from homeserver.rooms.send import redacted_copy
from homeserver.rooms.store import Redaction, StoredEvent

RECURSION_DEPTH = 3
MAX_ROUNDS = 20


class RelatedQuestion(NamedTuple):
    """`rel_type` and `type` None: any. With `recurse`, also what relates to those that relate to it."""

    user_id: str
    room_id: str
    event_id: str
    rel_type: str | None
    type: str | None
    backwards: bool
    start: Place | None
    stop: Place | None
    limit: int
    recurse: bool


class RelatedPage(NamedTuple):
    seen: list[Seen]
    end: Place | None


class ThreadPage(NamedTuple):
    """`end`: threads whose latest event stands before that position are yet to come."""

    seen: list[Seen]
    end: int | None


class Related:
    def __init__(self, *, store: RelationStore, single: SingleEvents, history: History, ignoring: Ignoring) -> None:
        self._store = store
        self._single = single
        self._history = history
        self._ignoring = ignoring

    async def page(self, question: RelatedQuestion) -> RelatedPage:
        """M_NOT_FOUND where the user may not see the event itself."""
        await self._single.get(question.user_id, question.event_id, question.room_id)
        member = await self._history.may_read(question.user_id, question.room_id)
        ignored = await self._ignoring.ignored(question.user_id)
        depth = RECURSION_DEPTH if question.recurse else 1
        children = Children(question.room_id, question.event_id, question.rel_type, question.type, depth)

        async def read(rest: Span, limit: int) -> list[StoredEvent]:
            return await self._store.children(children, rest, backwards=question.backwards, limit=limit)

        async def judge(events: list[StoredEvent]) -> list[Seen]:
            heard = [event for event in events if event.sender not in ignored]
            return await self._history.visible_to(question.user_id, member, heard)

        low, high = (question.stop, question.start) if question.backwards else (question.start, question.stop)
        filled = await fill(read, judge, Span().after(low).up_to(high), backwards=question.backwards, limit=question.limit)
        return RelatedPage(filled.seen, filled.end)

    async def threads(self, user_id: str, room_id: str, *, participated: bool, before: int | None, limit: int) -> ThreadPage:
        """The roots of the room's threads, the one with the latest event first; M_FORBIDDEN."""
        member = await self._history.may_read(user_id, room_id)
        ignored = await self._ignoring.ignored(user_id)
        end = MAX_INTEGER if before is None else before
        found: list[Seen] = []
        for _ in range(MAX_ROUNDS):
            roots = await self._store.thread_roots(room_id, user_id if participated else None, end, limit + 1)
            visible = {seen.event.num: seen for seen in await self._history.visible_to(user_id, member, [r.event for r in roots])}
            for root in roots:
                if len(found) == limit:
                    return ThreadPage(found, end)
                end = root.latest_position
                if root.event.num in visible:
                    found.append(_heard(visible[root.event.num], root, ignored))
            if len(roots) <= limit:
                return ThreadPage(found, None)
        return ThreadPage(found, end)


def _heard(seen: Seen, root: ThreadRoot, ignored: frozenset[str]) -> Seen:
    """As it is, or emptied where the reader ignores the sender."""
    if root.event.sender not in ignored:
        return seen
    body, links = event_bytes.split(redact_event(root.event.event))
    return Seen(redacted_copy(root.event, Redaction(root.event.event_id, root.event.num, body, links)), seen.membership)
