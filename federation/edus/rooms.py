"""What happens in rooms and passes: typing and receipts. Whoever speaks is in the room, and the room lets the server in (MSC4163)."""

from typing import Any, Final

from twisted.internet.defer import DeferredList, ensureDeferred

from federation.edus.origin import own_user
from federation.room_acls import RoomAcls
from homeserver.ephemeral.receipts import Receipts, check_thread_id
from homeserver.ephemeral.typing import Typing
from homeserver.errors import Forbidden, InvalidParam
from homeserver.protocol.errors import InvalidIdentifier
from homeserver.protocol.ids import EventId
from homeserver.rooms.member_store import MemberStore
from homeserver.rooms.partial.partial_rooms import PartialRooms

MOST_RECEIPTS: Final = 1_000  # in one EDU
REFUSED: Final = (Forbidden, InvalidParam, InvalidIdentifier)


class RoomEdus:
    def __init__(self, typing: Typing, receipts: Receipts, members: MemberStore, acls: RoomAcls, partial: PartialRooms) -> None:
        self._typing = typing
        self._receipts = receipts
        self._members = members
        self._acls = acls
        self._partial = partial

    async def typing(self, origin: str, content: dict[str, Any]) -> None:
        room_id, user_id = content["room_id"], own_user(content["user_id"], origin)
        await self._check(origin, room_id, user_id)
        if content["typing"]:
            self._typing.started(room_id, user_id)
        else:
            self._typing.stopped(room_id, user_id)

    async def receipt(self, origin: str, content: dict[str, Any]) -> None:
        """One bad receipt does not spoil the others. They are taken all at once, so that they share a commit."""
        each = [(room_id, *named) for room_id, of_room in content.items() for named in of_room.get("m.read", {}).items()]
        taking = [ensureDeferred(self._take_receipt(origin, *receipt)) for receipt in each[:MOST_RECEIPTS]]
        outcomes: list[tuple[bool, Any]] = await DeferredList(taking, consumeErrors=True)
        failures = [outcome for succeeded, outcome in outcomes if not succeeded]
        failures.sort(key=lambda failure: failure.check(*REFUSED) is not None)  # an error of our own first
        if failures:
            failures[0].raiseException()

    async def _take_receipt(self, origin: str, room_id: str, user_id: str, receipt: dict[str, Any]) -> None:
        own_user(user_id, origin)
        await self._check(origin, room_id, user_id)
        data = receipt["data"]
        thread_id = check_thread_id(data, ())
        for event_id in receipt["event_ids"]:
            await self._receipts.receive(room_id, user_id, str(EventId.parse(event_id)), data["ts"], thread_id)

    async def _check(self, origin: str, room_id: str, user_id: str) -> None:
        """Raises Forbidden."""
        await self._acls.check(origin, room_id)
        if self._partial.names(room_id, origin):  # its users may well be
            return
        if not await self._members.is_joined(room_id, user_id):
            raise Forbidden("This user is not in the room")
