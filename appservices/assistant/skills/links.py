"""Links between what is in a room: addresses, issue keys and earlier mentions of them; and lists of all of it."""

import re
from typing import Final

from appservices.assistant.matrix.contents import notice, referring
from appservices.assistant.matrix.events import Event
from appservices.assistant.rooms.history import Line, find_urls
from appservices.assistant.safety.framing import Material
from appservices.assistant.safety.links import permalink
from appservices.assistant.skill import Turn

_KEY: Final = re.compile(r"\b(?:[A-Z][A-Z0-9]{1,9}-\d{1,6}|MSC\d{3,5}|RFC ?\d{3,5}|CVE-\d{4}-\d{4,7})\b")
_FILES: Final = ("file", "image", "audio", "video")
LINKS: Final = "chat.chatme.links"


def resources(text: str) -> list[str]:
    return list(dict.fromkeys([*find_urls(text), *_KEY.findall(text)]))


class LinkResources:
    name = "links"
    verbs = ("resources", "links", "watch-links")
    help = "resources [words]: every link and file of this room, with the message it came from"
    with_model = ""

    def wants(self, event: Event) -> bool:
        return event.msgtype == "m.text" and bool(resources(event.body))

    async def run(self, turn: Turn) -> None:
        walk = await turn.kit.history.read(turn.record.room, turn.asker, most=1000)
        if turn.verb == "watch-links":
            await self._back_to_earlier(turn, walk.lines)
        else:
            await self._list(turn, walk.lines)

    async def _list(self, turn: Turn, lines: list[Line]) -> None:
        words = turn.words.lower().split()
        found: dict[str, Line] = {}
        for line in lines:
            if line.is_mine or line.event.id == turn.record.event or not all(word in line.text.lower() for word in words):
                continue
            for resource in [line.text] if line.kind in _FILES else resources(line.text):
                found.setdefault(resource, line)
        turn.draw_on(found.values())
        text = "\n".join(
            f"- {resource[:300]} ({turn.kit.guard.clean(line.name, Material())}, {self._link(turn, line)})"
            for resource, line in list(found.items())[-200:]
        )
        await turn.voice.say(text or "There are no links and no files here that you can see.")

    async def _back_to_earlier(self, turn: Turn, lines: list[Line]) -> None:
        """Only where something was there before: who posts a link for the first time hears nothing."""
        mine = next((line for line in lines if line.event.id == turn.record.target), None)
        if mine is None:
            return
        known = []
        for resource in resources(mine.text):
            before = next(
                (line for line in lines if line.event.at < mine.event.at and not line.is_mine and resource in resources(line.text)), None
            )
            if before is not None:
                known.append((resource, before))
        if not known:
            return
        turn.draw_on(line for _, line in known)
        body = "\n".join(f"{resource[:300]} came up before: {self._link(turn, line)}" for resource, line in known[:10])
        block = {"resources": [{"resource": resource[:300], "event_id": line.event.id} for resource, line in known[:10]]}
        await turn.voice.say_plainly(referring(notice(body, extra={LINKS: block}), mine.event.id), "links")

    def _link(self, turn: Turn, line: Line) -> str:
        settings = turn.kit.settings
        return permalink(settings.permalink_url, line.event.room, line.event.id, settings.server_name)
