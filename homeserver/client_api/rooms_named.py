"""What endpoints of rooms share: a room named by its ID or an alias, and callers who may not act."""

from homeserver.errors import InvalidParam, UserSuspended
from homeserver.protocol.errors import InvalidIdentifier
from homeserver.protocol.ids import RoomAlias, RoomId, ServerName
from homeserver.rooms.directory.aliases import Aliases
from homeserver.web.endpoint import Caller
from homeserver.web.request import Request

MAX_VIA = 20


def active(request: Request) -> Caller:
    """The caller; M_USER_SUSPENDED when the account may not take part in rooms now."""
    if request.user.suspended:
        raise UserSuspended("You cannot perform this action while suspended")
    return request.user


def via(request: Request) -> list[str]:
    """The servers that the client names, in `via` or as older ones do in `server_name`."""
    named = [*request.query.get("via", ()), *request.query.get("server_name", ())][:MAX_VIA]
    try:
        return list(dict.fromkeys(ServerName.parse(server) for server in named))
    except InvalidIdentifier as error:
        raise InvalidParam(f"via: {error}") from error


async def named_room(request: Request, name: str, aliases: Aliases) -> tuple[str, list[str]]:
    """The room's ID and servers to reach it through; M_NOT_FOUND for an alias that leads nowhere."""
    servers = via(request)
    if not name.startswith("#"):
        return RoomId.parse(name), servers
    room_id, known = await aliases.resolve(RoomAlias.parse(name))
    return room_id, [*servers, *(server for server in known if server not in servers)]
