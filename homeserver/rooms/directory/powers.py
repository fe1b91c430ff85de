"""May this member send such state now? Asked where the server itself guards something that is not an event."""

from homeserver.errors import NotFound
from homeserver.protocol.auth_rules.permissions import may_send
from homeserver.protocol.errors import NotAuthorised
from homeserver.rooms.head import POWER_LEVELS, RoomHeads
from homeserver.rooms.room_lock import RoomLocks


class RoomPowers:
    """Looks at the heads of rooms."""

    def __init__(self, heads: RoomHeads, locks: RoomLocks) -> None:
        self._heads = heads
        self._locks = locks

    async def may_send_state(self, room_id: str, user_id: str, type: str) -> bool:
        """False also for a user who is not in the room, and for a room this server does not know."""
        async with self._locks.hold(room_id):
            try:
                head = await self._heads.get(room_id)
                await self._heads.learn(head, [POWER_LEVELS, ("m.room.member", user_id)])
                return head.membership(user_id) == "join" and may_send(head.levels, user_id, type, is_state=True)
            except (NotFound, NotAuthorised):
                return False
