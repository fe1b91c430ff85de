"""People in rooms, with matrix-nio."""

import asyncio
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, TypeVar

from nio import (
    AsyncClient,
    AsyncClientConfig,
    JoinResponse,
    RegisterResponse,
    RoomCreateResponse,
    RoomGetStateEventResponse,
    RoomMessagesResponse,
    RoomPutStateResponse,
    RoomSendResponse,
)

T = TypeVar("T")
PATIENCE_SECONDS = 60.0
MARK = "chat.chatme.turn"


def fits(kind: type[T], response: Any) -> T:
    assert isinstance(response, kind), response
    return response


@dataclass
class Person:
    client: Any

    @property
    def id(self) -> str:
        return str(self.client.user_id)

    async def create(self, *invited: str, **more: Any) -> str:
        return str(fits(RoomCreateResponse, await self.client.room_create(invite=invited, **more)).room_id)

    async def empower(self, room: str, whom: str, level: int) -> None:
        kind = "m.room.power_levels"
        content = fits(RoomGetStateEventResponse, await self.client.room_get_state_event(room, kind)).content
        changed = content | {"users": content.get("users", {}) | {whom: level}}
        fits(RoomPutStateResponse, await self.client.room_put_state(room, kind, changed))

    async def join(self, room: str) -> None:
        fits(JoinResponse, await self.client.join(room))

    async def send(self, room: str, kind: str, content: dict[str, Any]) -> str:
        return str(fits(RoomSendResponse, await self.client.room_send(room, kind, content, ignore_unverified_devices=True)).event_id)

    async def say(self, room: str, body: str, **more: Any) -> str:
        return await self.send(room, "m.room.message", {"msgtype": "m.text", "body": body} | more)

    async def mention(self, room: str, whom: str, body: str, **more: Any) -> str:
        return await self.say(room, f"{whom} {body}", **{"m.mentions": {"user_ids": [whom]}}, **more)

    async def reply(self, room: str, to: str, body: str) -> str:
        return await self.say(room, body, **{"m.relates_to": {"m.in_reply_to": {"event_id": to}}})

    async def react(self, room: str, event: str, key: str) -> str:
        return await self.send(room, "m.reaction", {"m.relates_to": {"rel_type": "m.annotation", "event_id": event, "key": key}})

    async def history(self, room: str) -> list[dict[str, Any]]:
        """Oldest first."""
        found: list[dict[str, Any]] = []
        start = ""
        while True:
            page = fits(RoomMessagesResponse, await self.client.room_messages(room, start or None, limit=100))
            found += [event.source for event in page.chunk]
            start = page.end
            if not start or not page.chunk:
                return found[::-1]

    async def heard(self, room: str, whom: str) -> list[str]:
        """What they say in their messages by now: edits applied, nothing that was taken back."""
        texts: dict[str, str] = {}
        for event in await self.history(room):
            content = event["content"]
            if event["sender"] != whom or event["type"] != "m.room.message" or "body" not in content:
                continue
            relation = content.get("m.relates_to", {})
            if relation.get("rel_type") == "m.replace":
                texts[relation["event_id"]] = content["m.new_content"]["body"]
            else:
                texts.setdefault(event["event_id"], content["body"])
        return list(texts.values())

    async def until(self, room: str, finds: Callable[[list[dict[str, Any]]], T | None], seconds: float = PATIENCE_SECONDS) -> T:
        """What is found in the room's history in the end."""
        latest = asyncio.get_running_loop().time() + seconds
        while True:
            history = await self.history(room)
            if found := finds(history):
                return found
            assert asyncio.get_running_loop().time() < latest, "\n".join(str(event["content"])[:300] for event in history[-8:])
            await asyncio.sleep(0.1)

    async def hears(self, room: str, whom: str, words: str) -> dict[str, Any]:
        """A message or an edit of theirs with these words."""
        return await self.until(room, lambda history: next((each for each in history[::-1] if _says(each, whom, words)), None))


def _says(event: dict[str, Any], whom: str, words: str) -> bool:
    content = event["content"]
    return bool(event["sender"] == whom and words in str(content.get("m.new_content", content).get("body", "")))


@dataclass
class Table:
    """`async with Table(address) as table:` closes every client at the end."""

    address: str
    clients: list[Any] = field(default_factory=list)
    _numbers: Any = field(default_factory=lambda: itertools.count(1))

    async def __aenter__(self) -> "Table":
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for client in self.clients:
            await client.close()

    async def person(self, stem: str, password: str = "a long enough password") -> Person:
        client = AsyncClient(self.address, "", config=AsyncClientConfig(encryption_enabled=False, request_timeout=60))
        self.clients.append(client)
        fits(RegisterResponse, await client.register(stem, password))
        return Person(client)
