"""mautrix as an application service, in a process of its own: HOMESERVER PORT REGISTRATION DOMAIN."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from mautrix.appservice import AppService
from mautrix.appservice.state_store import ASStateStore
from mautrix.client.state_store import MemoryStateStore
from mautrix.types import EventType, Membership, RoomCreatePreset, UserID


class Memory(ASStateStore, MemoryStateStore):
    def __init__(self) -> None:
        ASStateStore.__init__(self)
        MemoryStateStore.__init__(self)


def tell(**words: Any) -> None:
    print(json.dumps(words), flush=True)


class Bridge:
    def __init__(self, homeserver: str, port: int, registration: dict[str, Any], domain: str) -> None:
        self.prefix = registration["sender_localpart"].removesuffix("bot")
        self.port, self.domain = port, domain
        self.service = AppService(
            homeserver,
            domain,
            registration["as_token"],
            registration["hs_token"],
            registration["sender_localpart"],
            registration["id"],
            state_store=Memory(),
            ephemeral_events=True,
        )
        self.service.query_alias = self.make_room  # type: ignore[assignment]  # it is awaited, whatever the annotation says
        self.service.query_user = self.make_user  # type: ignore[assignment]
        self.service.matrix_event_handler(self.take)

    async def run(self) -> None:
        await self.service.start("127.0.0.1", self.port)
        await self.service.intent.ensure_registered()
        self.service.ready = True
        tell(ready=True, ping=await self.service.ping_self())
        await asyncio.Event().wait()

    async def make_room(self, alias: str) -> dict[str, Any]:
        name = alias[1:].partition(":")[0]
        await self.service.intent.create_room(alias_localpart=name, name=name, preset=RoomCreatePreset.PUBLIC)
        return {"made": alias}

    async def make_user(self, user_id: str) -> dict[str, Any]:
        await self.service.intent.user(UserID(user_id)).ensure_registered()
        return {"made": user_id}

    async def take(self, event: Any) -> None:
        if event.type in (EventType.TYPING, EventType.RECEIPT, EventType.PRESENCE):
            tell(ephemeral=str(event.type), room=getattr(event, "room_id", None))
        elif (
            event.type == EventType.ROOM_MEMBER
            and event.state_key == self.service.bot_mxid
            and event.content.membership == Membership.INVITE
        ):
            await self.service.intent.join_room_by_id(event.room_id)
        elif event.type == EventType.ROOM_MESSAGE:
            tell(heard=event.event_id, body=event.content.body, sender=event.sender)
            if not event.sender.startswith(f"@{self.prefix}"):
                name = event.sender[1:].partition(":")[0]
                ghost = self.service.intent.user(UserID(f"@{self.prefix}{name}:{self.domain}"))
                await ghost.ensure_joined(event.room_id)
                await ghost.send_text(event.room_id, f"echo: {event.content.body}")


async def main(registration: dict[str, Any]) -> None:
    homeserver, port, _, domain = sys.argv[1:]
    await Bridge(homeserver, int(port), registration, domain).run()


if __name__ == "__main__":
    asyncio.run(main(json.loads(Path(sys.argv[3]).read_text())))
