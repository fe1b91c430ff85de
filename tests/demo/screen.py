"""The conversation, as a terminal shows it."""

import asyncio
import re
import sys
from typing import Any, Final

from tests.assistant.running.people import Person

_WIDTH: Final = 14
_LINK: Final = re.compile(r"https://matrix\.to/#/(\S+?)(?=[)\s]|$)")


class Screen:
    """Looks into one room as one of its people, and says what is new there."""

    def __init__(self, person: Person, room: str) -> None:
        self._person = person
        self._room = room
        self._shown: set[str] = set()
        self._bodies: dict[str, str] = {}
        self._watching: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._watching = asyncio.get_running_loop().create_task(self._watch())

    async def stop(self) -> None:
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)
        await self.look()

    async def _watch(self) -> None:
        while True:
            await self.look()
            await asyncio.sleep(0.2)

    async def look(self) -> None:
        for event in await self._person.history(self._room):
            if event["event_id"] not in self._shown:
                self._shown.add(event["event_id"])
                self._show(event)

    def _show(self, event: dict[str, Any]) -> None:
        content, kind = event["content"], event["type"]
        relation = content.get("m.relates_to", {})
        if kind == "m.room.message" and "body" in content:
            is_edit = relation.get("rel_type") == "m.replace"
            said = content["m.new_content"]["body"] if is_edit else content["body"]
            self._bodies[event["event_id"]] = said
            if said.endswith("…"):
                return  # it is still being written
            tell(
                _name(event["sender"]),
                f"📎 {said}" if content.get("url") else said,
                in_thread=is_edit or relation.get("rel_type") == "m.thread",
            )
        elif kind == "m.reaction":
            tell(_name(event["sender"]), f"{relation.get('key')} on “{self._bodies.get(relation.get('event_id', ''), '…')[:50]}”")
        elif kind == "m.room.member" and content.get("membership") == "join" and "prev_content" not in event.get("unsigned", {}):
            tell("", f"({_name(event['state_key'])} has joined)")


def tell(name: str, text: str, *, in_thread: bool = False) -> None:
    text = _LINK.sub(lambda match: f"<link to {match[1].rpartition('/')[2][:9]}…>", text)
    indent = " " * (_WIDTH + 2) + ("│ " if in_thread else "")
    first = f"{name:>{_WIDTH}}  {'│ ' if in_thread else ''}"
    sys.stdout.write(first + text.replace("\n", f"\n{indent}") + "\n")
    sys.stdout.flush()


def heading(text: str) -> None:
    sys.stdout.write(f"\n── {text}\n")
    sys.stdout.flush()


def _name(user: str) -> str:
    return user[1:].partition(":")[0]
