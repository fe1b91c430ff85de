"""Rooms that two servers share, and what passed between them. The other server knows of such a room who is in it, and none of its events."""

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from storage.database import WriteCursor
from tests.federation.support.asking import put_member
from tests.federation.support.town import Town, TownServer
from tests.support.client import Client
from tests.support.rooms import create_room, path


def plant(server: TownServer, room_id: str, members: Mapping[str, bool], room_num: int = 900_001) -> None:
    """The room with its joined members (user → whether local) and nothing else."""

    def write(cursor: WriteCursor) -> None:
        cursor.run(
            "INSERT INTO rooms (room_num, room_id, version, created_ts, joined_count, local_joined_count) VALUES (?, ?, '11', 0, ?, ?)",
            room_num,
            room_id,
            len(members),
            sum(members.values()),
        )
        for number, (user_id, is_local) in enumerate(members.items()):
            cursor.run(
                "INSERT INTO memberships (room_num, user_id, membership, num, position, sender, is_local) VALUES (?, ?, 'join', ?, 1, ?, ?)",
                *(room_num, user_id, 10**9 + room_num + number, user_id, int(is_local)),
            )

    change(server, write)


def change(server: TownServer, write: Callable[[WriteCursor], Any]) -> None:
    """In the database alone: nobody is told."""

    async def work() -> None:
        await server.database.write(write)

    server.run(work())


def shared_room(town: Town, alice: Client, others: tuple[str, ...] = ("@bob:b.test",), **body: Any) -> str:
    """A room of alice's, who is on a.test, with users of other servers in it."""
    room_id = create_room(town["a.test"], alice, preset="public_chat", **body)
    for user_id in others:
        put_member(town, room_id, user_id)
    return room_id


def say(town: Town, client: Client, room_id: str, text: str, server: str = "a.test") -> str:
    """The event ID."""
    where = path("rooms", room_id, "send", "m.room.message", text)
    return str(town[server].ok(client.put(where, {"msgtype": "m.text", "body": text}))["event_id"])


def transactions(town: Town, destination: str = "b.test", origin: str = "a.test") -> list[dict[str, Any]]:
    """Those that were answered with 200."""
    return [
        orjson.loads(passed.body)
        for passed in town.network.passed
        if "/v1/send/" in passed.uri and passed.status == 200 and (passed.origin, passed.destination) == (origin, destination)
    ]


def texts(town: Town, destination: str = "b.test", origin: str = "a.test") -> list[str]:
    """What was said in the messages that were told, in order."""
    pdus = [pdu for body in transactions(town, destination, origin) for pdu in body["pdus"]]
    return [pdu["content"]["body"] for pdu in pdus if pdu["type"] == "m.room.message"]


def edus(town: Town, kind: str, destination: str = "b.test", origin: str = "a.test") -> list[dict[str, Any]]:
    """Their contents."""
    told = [edu for body in transactions(town, destination, origin) for edu in body.get("edus", ())]
    return [edu["content"] for edu in told if edu["edu_type"] == kind]
