"""People with matrix-nio in an encrypted room with the assistant."""

from collections.abc import Mapping
from typing import Any

from nio import EnableEncryptionBuilder, RoomCreateResponse, RoomPreset, RoomSendResponse

from tests.clients.matrix_nio.library import Table, arrivals, fits, sync_until


class Guest:
    """A person at the table, who keeps what was said in the room."""

    def __init__(self, client: Any, room: str, assistant: str) -> None:
        self.client = client
        self.assistant = assistant
        self.room = room
        self.heard: list[Any] = []

    async def say(self, text: str, more: Mapping[str, Any] | None = None) -> str:
        content = {"msgtype": "m.text", "body": text} | dict(more or {})
        sent = await self.client.room_send(self.room, "m.room.message", content, ignore_unverified_devices=True)
        return str(fits(RoomSendResponse, sent).event_id)

    async def ask(self, text: str) -> str:
        return await self.say(f"{self.assistant} {text}", {"m.mentions": {"user_ids": [self.assistant]}})

    async def hears(self, text: str) -> Any:
        """The assistant's message with that in it, once it is there."""
        await self.until(lambda: any(text in said for said in self.said()))
        return next(event for event in reversed(self.heard) if text in str(getattr(event, "body", "")))

    def said(self) -> list[str]:
        return [str(getattr(event, "body", "")) for event in self.heard if event.sender == self.assistant]

    async def until(self, holds: Any) -> None:
        def listen(response: Any) -> bool:
            self.heard += arrivals(self.room, response)
            return bool(holds())

        if not holds():
            await sync_until(self.client, listen)


async def has_keys(client: Any) -> None:
    await sync_until(client, lambda _: not client.should_upload_keys)


async def sit_down(table: Table, assistant: str, *names: str, is_direct: bool = False) -> list[Guest]:
    """An encrypted room of the first, with the assistant, whose device everybody knows."""
    clients = [await table.register(name) for name in names]
    for client in clients:
        await has_keys(client)
    encryption = EnableEncryptionBuilder().as_dict()
    invited = [assistant, *(client.user_id for client in clients[1:])]
    created = await clients[0].room_create(preset=RoomPreset.private_chat, initial_state=[encryption], invite=invited, is_direct=is_direct)
    room = str(fits(RoomCreateResponse, created).room_id)
    for client in clients[1:]:
        await client.join(room)
    guests = [Guest(client, room, assistant) for client in clients]
    for guest in guests:
        await guest.hears("I am off in this room")
    return guests


async def turned_on(table: Table, assistant: str, *names: str, is_direct: bool = False) -> list[Guest]:
    guests = await sit_down(table, assistant, *names, is_direct=is_direct)
    await guests[0].say("!ai on")
    await guests[0].hears("I am on in this room")
    return guests
