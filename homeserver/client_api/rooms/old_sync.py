"""What came before /sync, and looking into a room (client-server API, "GET /initialSync", "GET /events", "Room Previews")."""

import orjson

from homeserver.account_data.account_data import AccountData
from homeserver.account_data.invite_permission import InvitePermission
from homeserver.client_api.rooms.messages import place_of
from homeserver.ephemeral.presence import Presence
from homeserver.ephemeral.sequence import FRESH
from homeserver.errors import GuestAccessForbidden, InvalidParam
from homeserver.protocol.ids import RoomId
from homeserver.rooms.member_store import MemberStore
from homeserver.rooms.peeking.event_stream import MAX_TIMEOUT_MS, EventStream
from homeserver.rooms.peeking.snapshots import Snapshots
from homeserver.rooms.reading.history import Seen
from homeserver.rooms.reading.place import Place
from homeserver.rooms.reading.serve import EventServing, Viewer
from homeserver.rooms.state_reader import StateReader
from homeserver.rooms.store import MemberRecord
from homeserver.streams import Streams
from homeserver.web.endpoint import Access, Answer, Body, Rate, endpoint
from homeserver.web.request import Request

DEFAULT_LIMIT = 10
MAX_LIMIT = 100


class OldSync:
    def __init__(
        self,
        *,
        snapshots: Snapshots,
        stream: EventStream,
        members: MemberStore,
        states: StateReader,
        account_data: AccountData,
        invites: InvitePermission,
        presence: Presence,
        serving: EventServing,
        streams: Streams,
    ) -> None:
        self._snapshots = snapshots
        self._stream = stream
        self._members = members
        self._states = states
        self._account_data = account_data
        self._invites = invites
        self._presence = presence
        self._serving = serving
        self._streams = streams

    @endpoint("GET", "/_matrix/client/v3/rooms/{room_id}/initialSync", access=Access.GUEST, rate=Rate.READ, body=Body.NONE)
    async def room(self, request: Request, room_id: RoomId) -> Answer:
        return await self._snapshot(_viewer(request), room_id, request.integer("limit", DEFAULT_LIMIT, most=MAX_LIMIT))

    @endpoint("GET", "/_matrix/client/v3/initialSync", access=Access.USER, rate=Rate.READ, body=Body.NONE)
    async def everything(self, request: Request) -> Answer:
        viewer = _viewer(request)
        limit = request.integer("limit", DEFAULT_LIMIT, most=MAX_LIMIT)
        kinds = ("join", "invite", "leave", "ban") if request.flag("archived") else ("join", "invite")
        end = str(Place(self._streams.position)).encode()
        rooms = []
        for record in await self._members.memberships_of(viewer.user_id, kinds):
            if record.membership == "invite":
                if await self._invites.shows(viewer.user_id, record.sender):
                    rooms.append(await self._invite(viewer, record))
            elif record.joined_position is not None:
                rooms.append(await self._snapshot(viewer, record.room_id, limit))
        account_data = (await self._account_data.of(viewer.user_id)).global_events()
        presence = await self._presence.changed_since(FRESH, viewer.user_id)
        return b'{"account_data":[%b],"end":"%b","presence":[%b],"rooms":[%b]}' % (
            b",".join(account_data),
            end,
            b",".join(presence),
            b",".join(rooms),
        )

    @endpoint("GET", "/_matrix/client/v3/events", access=Access.GUEST, rate=Rate.SYNC, body=Body.NONE)
    async def events(self, request: Request) -> Answer:
        viewer, room_id = _viewer(request), request.text("room_id")
        if request.user.is_guest and room_id is None:
            raise GuestAccessForbidden
        start = place_of(request, "from") or Place(self._streams.position)
        if start.topo is not None or start.position > self._streams.position:
            raise InvalidParam("This token is none of the stream, or ahead of the server")
        timeout_ms = request.integer("timeout", 0, most=MAX_TIMEOUT_MS)
        room = None if room_id is None else RoomId.parse(room_id)
        arrived = await self._stream.after(viewer.user_id, start.position, timeout_ms, request.recheck, room)
        return _chunk(await self._serve(viewer, arrived.seen), start, Place(arrived.end))

    async def _serve(self, viewer: Viewer, seen: list[Seen]) -> list[bytes]:
        return await self._serving.serve(seen, viewer, bundle=False)

    async def _snapshot(self, viewer: Viewer, room_id: str, limit: int) -> bytes:
        snapshot = await self._snapshots.room(viewer.user_id, room_id, limit)
        own = (await self._account_data.of(viewer.user_id)).room_events(room_id)
        membership = b"" if snapshot.membership is None else b',"membership":%b' % orjson.dumps(snapshot.membership)
        return b'{"account_data":[%b],"messages":%b,"room_id":%b,"state":[%b],"visibility":"%b"%b}' % (
            b",".join(own),
            _chunk(await self._serve(viewer, snapshot.messages), snapshot.start, snapshot.end),
            orjson.dumps(room_id),
            b",".join(await self._serving.bare(snapshot.state, viewer)),
            b"public" if snapshot.published else b"private",
            membership,
        )

    async def _invite(self, viewer: Viewer, record: MemberRecord) -> bytes:
        event = (await self._states.events([record.num]))[record.num]
        (invite,) = await self._serving.plain([event], viewer)
        return b'{"invite":%b,"membership":"invite","room_id":%b}' % (invite, orjson.dumps(record.room_id))


def _viewer(request: Request) -> Viewer:
    return Viewer(request.user.user_id, request.user.device_id)


def _chunk(events: list[bytes], start: Place, end: Place) -> bytes:
    return b'{"chunk":[%b],"end":"%b","start":"%b"}' % (b",".join(events), str(end).encode(), str(start).encode())
