"""Action items and decisions, each with its messages; action items can be made tasks by approving them."""

from typing import Any, Final

import orjson

from appservices.assistant.language.trouble import NO_MODEL, TROUBLES, explain
from appservices.assistant.rooms.history import Line
from appservices.assistant.safety.framing import Material, build, fit
from appservices.assistant.safety.links import permalink
from appservices.assistant.skill import Stopped, Turn
from appservices.assistant.work.tasks import read_task

TASK: Final = (
    'Find what people said they or others will do, and what was decided. Answer with JSON alone: {"actions": [{"text": "…", "who": "user ID or '
    'empty", "due": "YYYY-MM-DD or empty", "source": 3}], "decisions": [{"text": "…", "source": 5}]}, "source" being the number of the message.'
)
_MOST: Final = 10
_PROPOSED: Final = 3


class Actions:
    name = "actions"
    verbs = ("actions", "decisions")
    help = "actions · decisions: what was promised and what was decided, with links"
    needs_model = True

    async def run(self, turn: Turn) -> None:
        if turn.voice.is_final("answer"):
            return
        walk = await turn.kit.history.read(turn.record.room, turn.asker, most=200, thread=turn.event.thread, until=turn.event)
        material = fit(walk.lines, turn.kit.settings.model.context_tokens)
        if not turn.kit.language.is_there:
            await turn.voice.say(self._by_rule(turn, walk.lines))
            return
        try:
            reply = await turn.ask(build(TASK, material, turn.verb, turn.asker))
        except Stopped:
            return
        except TROUBLES as error:
            await turn.voice.say(explain(error))
            return
        await self._show(turn, read_json(reply.text), material)

    async def _show(self, turn: Turn, found: dict[str, Any], material: Material) -> None:
        texts = []
        for kind, title in (("decisions", "Decisions"), ("actions", "Action items")):
            if points := _points(turn, found.get(kind), material):
                texts.append(f"**{title}**\n" + "\n".join(f"- {text} ({link})" for text, link, _ in points))
        await turn.voice.say("\n\n".join(texts) or "I found no action items and no decisions.")
        if turn.verb == "actions":
            for number, (text, _, line) in enumerate(_points(turn, found.get("actions"), material)[:_PROPOSED]):
                await self._propose(turn, number, text, line)

    async def _propose(self, turn: Turn, number: int, text: str, line: Line) -> None:
        await turn.kit.approvals.propose(
            turn.voice,
            room=turn.record.room,
            source=line.event.id,
            asker=turn.asker,
            tool="create_task",
            arguments={"title": text[:300]},
            words=f"Shall I make this a task? {text}",
            key=f"proposal/{number}",
        )

    def _by_rule(self, turn: Turn, lines: list[Line]) -> str:
        settings, found = turn.kit.settings, []
        for line in lines:
            if turn.kit.classifier.classify(line.text).label == "task" and not line.is_mine:
                link = permalink(settings.permalink_url, line.event.room, line.event.id, settings.server_name)
                found.append(f"- {turn.kit.guard.clean(line.text[:200], Material([line], set(line.urls)))} ({link})")
        listed = "\n".join(found[-_MOST:]) or "I found nothing that looks like a task."
        return f"{listed}\n\n{NO_MODEL}"


def _points(turn: Turn, found: Any, material: Material) -> list[tuple[str, str, Line]]:
    """Those that name a message of the material; their text, a link, the message."""
    points, settings = [], turn.kit.settings
    for item in found if isinstance(found, list) else ():
        source = item.get("source") if isinstance(item, dict) else None
        line = material.number(source) if isinstance(source, int) else None
        text = item.get("text") if isinstance(item, dict) else None
        if line is None or not isinstance(text, str):
            continue
        who, due = (str(item.get(name) or "") for name in ("who", "due"))
        whole = f"{text}{f' {who}' if who.startswith('@') else ''}{f' due {due}' if due else ''}"
        clean = turn.kit.guard.clean(" ".join(whole.split())[:300], material)
        if read_task(clean, 0).title:
            points.append((clean, permalink(settings.permalink_url, line.event.room, line.event.id, settings.server_name), line))
    return points[:_MOST]


def read_json(text: str) -> dict[str, Any]:
    """The object in an answer, nothing where there is none."""
    start, end = text.find("{"), text.rfind("}")
    try:
        found = orjson.loads(text[start : end + 1]) if 0 <= start < end else {}
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}
