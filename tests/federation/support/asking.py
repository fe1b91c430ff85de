"""What tests ask as one server of another, and members of other servers who are in a room without having been let in by a handshake."""

from collections.abc import Mapping
from typing import Any

import orjson

from federation.client import NO_QUERY, Ask, Query
from federation.errors import RemoteRefused
from homeserver.protocol.event import Draft
from homeserver.rooms.head import RoomHead
from homeserver.rooms.room_lock import RoomLock
from homeserver.rooms.store import EventCommit
from tests.federation.support.town import Town


def ask(
    town: Town,
    path: str,
    query: Query = NO_QUERY,
    *,
    method: str = "GET",
    body: Mapping[str, Any] | None = None,
    by: str = "b.test",
    of: str = "a.test",
) -> tuple[int, Any]:
    """Status and JSON of a signed request."""
    try:
        answer = town.run(town[by].federation.reach.client.bytes_of(Ask(method, of, path, query, body)))
    except RemoteRefused as refused:
        return refused.remote_status, dict(refused.body)
    return 200, orjson.loads(answer)


def ok(town: Town, path: str, query: Query = NO_QUERY, **more: Any) -> Any:
    status, answer = ask(town, path, query, **more)
    assert status == 200, (status, answer)
    return answer


def append(town: Town, room_id: str, draft: Draft, server: str = "a.test") -> str:
    """An event of anybody's, as that server would hold it."""
    writing = town[server].parts.rooms.writing

    async def work(lock: RoomLock, head: RoomHead) -> tuple[list[EventCommit], str]:
        commit = await writing.appender.append(lock, head, draft)
        return [commit], commit.event.event_id

    return town.run(writing.sender.change(room_id, work))


def put_member(town: Town, room_id: str, user_id: str, membership: str = "join", *, sender: str = "", server: str = "a.test") -> str:
    return append(town, room_id, Draft("m.room.member", sender or user_id, {"membership": membership}, user_id), server)


def say(town: Town, room_id: str, user_id: str, text: str, server: str = "a.test") -> str:
    return append(town, room_id, Draft("m.room.message", user_id, {"msgtype": "m.text", "body": text}), server)
