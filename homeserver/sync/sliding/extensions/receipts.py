"""Receipts of the rooms that are looked at (MSC3960): at first those at the events that are told, and the user's own; then what changes."""

from collections.abc import Iterable, Mapping

import orjson

from homeserver.ephemeral.receipts import Receipts
from homeserver.sync.scope import SyncScope
from homeserver.sync.sections.timeline import RoomTimeline
from homeserver.sync.sliding.choice import Turn
from homeserver.sync.sliding.connections.connection import HAS_RECEIPTS

NAME = "receipts"


class ReceiptsExtension:
    def __init__(self, receipts: Receipts) -> None:
        self._receipts = receipts

    async def read(self, scope: SyncScope, turns: Iterable[Turn], timelines: Mapping[str, RoomTimeline]) -> bytes:
        """The JSON object, empty bytes for nothing. `turns`: of all rooms where anything changed, or that the client looks at anew."""
        wanted = [turn for turn in turns if turn.flags & HAS_RECEIPTS and turn.room.member.membership == "join"]
        if not wanted:
            return b""
        if len(wanted) == 1:
            receipts = {wanted[0].room.room_id: await self._receipts.room(wanted[0].room.room_id)}
        else:
            receipts = await self._receipts.rooms([turn.room.room_id for turn in wanted])
        rooms = []
        for turn in wanted:
            room_id, held = turn.room.room_id, receipts[turn.room.room_id]
            if turn.lacks_receipts or turn.is_deeper:
                timeline = timelines.get(room_id)
                shown = {seen.event.event_id for seen in timeline.seen} if timeline is not None else set()
                events = held.events_at(scope.user_id, shown, _since(scope, turn, held.position), scope.until)
            else:
                events = held.events(scope.user_id, turn.room.since, scope.until)
            if events:
                rooms.append(b"%b:%b" % (orjson.dumps(room_id), events[0]))
        return b'{"rooms":{%b}}' % b",".join(rooms) if rooms else b""


def _since(scope: SyncScope, turn: Turn, now: int) -> int:
    """From where on all receipts are told, wherever they are: of a room that is new to the client from now on; of one that he came back to from where
    he was told last; all of them, where he asks late."""
    told = turn.told
    if told is None:
        return now
    return told.since or scope.since if told.flags & HAS_RECEIPTS else 0
