"""What another server says about the event that a user of ours is to make: of it only the places in the graph are taken, all else is said by ourselves. Pure.

Server-server API, "GET /make_join", "GET /make_leave", "GET /make_knock". Whoever signed what he is given would sign anything.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from federation.errors import BadAnswer
from homeserver.errors import IncompatibleRoomVersion
from homeserver.protocol.errors import InvalidIdentifier, UnknownRoomVersion
from homeserver.protocol.event import Draft, Event
from homeserver.protocol.event_build import Reference, build
from homeserver.protocol.ids import EventId, UserId
from homeserver.protocol.limits import MAX_AUTH_EVENTS, MAX_DEPTH, MAX_PREV_EVENTS
from homeserver.protocol.room_versions import RoomVersion, room_version
from homeserver.rooms.append import Identity
from homeserver.rooms.handshakes.vouching import VOUCHER

MEMBER = "m.room.member"


class Template(NamedTuple):
    version: RoomVersion
    prev_events: Sequence[Reference]
    auth_events: Sequence[Reference]
    depth: int
    voucher: str | None  # a user of the other server who stands for the join


def read_template(answer: Mapping[str, Any], server: str) -> Template:
    """Raises BadAnswer; IncompatibleRoomVersion."""
    try:
        version = room_version(answer.get("room_version", "1"))
    except UnknownRoomVersion as error:
        raise IncompatibleRoomVersion(room_version=str(answer.get("room_version"))) from error
    event = answer.get("event")
    content = event.get("content") if isinstance(event, dict) else None
    if not isinstance(event, dict) or not isinstance(content, dict):
        raise BadAnswer
    depth = event.get("depth")
    if type(depth) is not int or not 0 <= depth <= MAX_DEPTH:
        raise BadAnswer("The other server names an impossible depth")
    return Template(
        version,
        _references(event.get("prev_events"), version, MAX_PREV_EVENTS),
        _references(event.get("auth_events"), version, MAX_AUTH_EVENTS),
        depth,
        _voucher(content.get(VOUCHER), version, server),
    )


def _references(given: Any, version: RoomVersion, most: int) -> list[Reference]:
    if not isinstance(given, list) or len(given) > most:
        raise BadAnswer("The other server names no events to build on, or too many")
    found = []
    for reference in given:
        sha256 = None
        if version.references_with_hashes:
            hashes = reference[1] if isinstance(reference, list) and len(reference) == 2 else None
            sha256 = hashes.get("sha256", "") if isinstance(hashes, dict) else None
            if not isinstance(sha256, str):
                raise BadAnswer("The other server names events in the form of another room version")
            reference = reference[0]
        try:
            found.append(Reference(EventId.parse(reference), sha256))
        except InvalidIdentifier as error:
            raise BadAnswer(str(error)) from error
    return found


def _voucher(given: Any, version: RoomVersion, server: str) -> str | None:
    if given is None or not version.restricted_joins:
        return None
    try:
        user_id = UserId.parse(given)
    except InvalidIdentifier as error:
        raise BadAnswer(str(error)) from error
    if user_id.server_name != server:
        raise BadAnswer("The other server names a user of a third one to vouch for the join")
    return str(user_id)


def complete(
    template: Template, room_id: str, user_id: str, content: Mapping[str, Any], *, identity: Identity, now_ms: int, token: str
) -> Event:
    """The user's own membership event, signed. `token` names it where room versions have names chosen."""
    said = dict(content)
    if template.voucher is not None and content.get("membership") == "join":
        said[VOUCHER] = template.voucher
    return build(
        Draft(MEMBER, user_id, said, user_id),
        version=template.version,
        room_id=room_id,
        prev_events=template.prev_events,
        auth_events=template.auth_events,
        depth=template.depth,
        now_ms=now_ms,
        server_name=identity.server_name,
        key=identity.key,
        event_id=f"${token}:{identity.server_name}" if template.version.event_id == "server_chosen" else None,
    )
