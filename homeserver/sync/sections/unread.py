"""Unread and highlight counts, per room and per thread (client-server API, "Receiving notifications", "Threading")."""

from collections.abc import Iterable, Sequence

import orjson

from homeserver.account_data.account_data import IGNORED_USERS, PUSH_RULES, UserData
from homeserver.push.unread import Counts, UnreadCounts
from homeserver.rooms.store import MemberRecord, StoredEvent
from homeserver.sync.scope import RoomScope, SyncScope


class UnreadSection:
    def __init__(self, counts: UnreadCounts) -> None:
        self._counts = counts

    async def read(self, scope: SyncScope, rooms: Sequence[RoomScope]) -> list[bytes]:
        """For each room the members unread_notifications and, where the filter asks for it, unread_thread_notifications."""
        by_thread = scope.filter.room.timeline.unread_thread_notifications
        return [encode_counts(counts, by_thread=by_thread) for counts in await self.counts(scope.user_id, rooms)]

    async def counts(self, user_id: str, rooms: Sequence[RoomScope]) -> list[Counts]:
        """The rooms' counts at `until`."""
        return await self._counts.counts(user_id, rooms)

    async def recounted(self, scope: SyncScope, joined: Iterable[MemberRecord], data: UserData) -> set[str]:
        """The rooms whose counts may be others, for the user's push rules changed. Costs all his rooms, when they did."""
        if not 0 < scope.since < rules_changed(data) <= scope.until or scope.full_state:
            return set()
        rooms = [RoomScope(member.room_id, member, scope.since, scope.until) for member in joined]
        return await self._counts.unread_rooms(scope.user_id, rooms)

    def at_hand(self, user_id: str, room_id: str, since: int, until: int, events: Sequence[StoredEvent]) -> Counts | None:
        """The counts at `until` as far as memory knows them, given what came after `since`."""
        return self._counts.at_hand(user_id, room_id, since, until, events)

    async def may_have_fallen(self, user_id: str, room: RoomScope, window: Sequence[StoredEvent]) -> bool:
        """Whether less may be unread than before, by a receipt or a redaction that the client's filter hides."""
        return await self._counts.may_have_fallen(user_id, room, room.since, window)


def rules_changed(data: UserData) -> int:
    """When what the user is notified of last became other than it was."""
    return max(data.last_change(PUSH_RULES), data.last_change(IGNORED_USERS))


def encode_counts(counts: Counts, *, by_thread: bool) -> bytes:
    """Of the main timeline and each thread apart, or of all together."""
    if not by_thread and len(counts) == 1:
        ((notifications, highlights),) = counts.values()
        return b'"unread_notifications":{"highlight_count":%d,"notification_count":%d}' % (highlights, notifications)
    if not by_thread or not counts:
        total = [sum(count[0] for count in counts.values()), sum(count[1] for count in counts.values())]
        return b'"unread_notifications":{"highlight_count":%d,"notification_count":%d}' % (total[1], total[0])
    main = counts.get(None, [0, 0])
    encoded = b'"unread_notifications":{"highlight_count":%d,"notification_count":%d}' % (main[1], main[0])
    threads = {
        thread: {"highlight_count": count[1], "notification_count": count[0]} for thread, count in counts.items() if thread is not None
    }
    return encoded + b',"unread_thread_notifications":' + orjson.dumps(threads) if threads else encoded
