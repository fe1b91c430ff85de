"""Making a room anew in another version. Client-server API, "Room upgrades"."""

from homeserver.client_api.rooms_named import active
from homeserver.protocol.ids import RoomId, UserId
from homeserver.protocol.room_versions import room_version
from homeserver.rooms.creation.found import RoomFounder
from homeserver.rooms.upgrade.upgrade import RoomUpgrade
from homeserver.web.endpoint import Access, Answer, Rate, Schema, endpoint
from homeserver.web.request import Request


class Upgrade:
    def __init__(self, founder: RoomFounder, upgrade: RoomUpgrade) -> None:
        self._founder = founder
        self._upgrade = upgrade

    @endpoint(
        "POST", "/_matrix/client/v3/rooms/{room_id}/upgrade", access=Access.USER, rate=Rate.CREATE_ROOM, body=Schema("client/upgrade")
    )
    async def upgrade(self, request: Request, room_id: RoomId) -> Answer:
        caller = active(request)
        self._founder.check_creator(caller)
        version = room_version(request.body["new_version"])
        creators: list[UserId] = []
        if version.privileged_creators:
            creators = [UserId.parse(user) for user in request.body.get("additional_creators", ())]
        return {"replacement_room": await self._upgrade.upgrade(room_id, caller.user_id, version, creators)}
