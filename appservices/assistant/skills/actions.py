"""Action items and decisions, each with its messages; action items can be made tasks by approving them."""

from typing import Any, Final

from appservices.assistant.language.trouble import without_model
from appservices.assistant.language.words import read_json
from appservices.assistant.rooms.history import Line
from appservices.assistant.safety.framing import Material, fit
from appservices.assistant.safety.links import permalink
from appservices.assistant.skill import Turn
from appservices.assistant.tools import find_tool
from appservices.assistant.tools.propose import propose
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
    with_model = "find what was promised and decided, in whatever words"

    async def run(self, turn: Turn) -> None:
        if turn.voice.is_final("answer"):
            return
        walk = await turn.kit.history.read(turn.record.room, turn.asker, most=200, thread=turn.event.thread, until=turn.event)
        material = fit(walk.lines, turn.kit.settings.model.context_tokens)
        if not turn.kit.language.is_there:
            await turn.voice.say(self._by_rule(turn, walk.lines))
            return
        text = await turn.consult(turn.prompt(TASK, material, turn.verb))
        if text is not None:
            await self._show(turn, read_json(text), material)

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
        tool = find_tool("create_task")
        if tool is not None:
            words = f"Shall I make this a task? {text}"
            await propose(turn, tool, {"title": text[:300]}, words=words, key=f"proposal/{number}", source=line.event.id)

    def _by_rule(self, turn: Turn, lines: list[Line]) -> str:
        settings, found = turn.kit.settings, []
        turn.draw_on(lines)
        for line in lines:
            if turn.kit.classifier.classify(line.text).label == "task" and not line.is_mine:
                link = permalink(settings.permalink_url, line.event.room, line.event.id, settings.server_name)
                found.append(f"- {turn.kit.guard.clean(line.text[:200], Material([line], set(line.urls)))} ({link})")
        listed = "\n".join(found[-_MOST:]) or "I found nothing that looks like a task."
        return f"{listed}\n\n{without_model(self.with_model)}"


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
