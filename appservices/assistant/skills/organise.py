"""Category, topic and space of a room: suggested, and set only when the asker, who must have the power, approves."""

from typing import Final

from appservices.assistant.language.trouble import without_model
from appservices.assistant.language.words import read_json
from appservices.assistant.safety.framing import Material, as_data, fit
from appservices.assistant.skill import Turn
from appservices.assistant.tools import find_tool
from appservices.assistant.tools.propose import propose
from appservices.assistant.work.categories import PLAIN

TASK: Final = (
    "From its name, topic and messages, say in which category the room belongs (one or two words) and a better topic (one sentence). Choose a space "
    'of the material if one fits. Answer with JSON alone: {"category": "…", "topic": "…", "space": "ID or empty"}.'
)
_MOST_SPACES: Final = 20


class Organise:
    name = "organise"
    verbs = ("organise", "organize", "topic", "category")
    help = "topic [text] · category [name]: suggestions, done when you approve them"
    with_model = "suggest a category, a topic and a space from what is said here"

    async def run(self, turn: Turn) -> None:
        if await turn.kit.homeserver.is_encrypted(turn.record.room):
            await turn.voice.say(f"I suggest no topic and no category here: {PLAIN}.")
            return
        if turn.words and turn.verb in ("topic", "category"):
            await self._propose(turn, turn.verb, {turn.verb: turn.words[:300]})
            return
        if not turn.kit.language.is_there:
            await turn.voice.say(f"Say which: topic … or category …\n\n{without_model(self.with_model)}")
            return
        spaces = await self._spaces(turn)
        name = await turn.kit.homeserver.state(turn.record.room, "m.room.name") or {}
        topic = await turn.kit.homeserver.state(turn.record.room, "m.room.topic") or {}
        walk = await turn.kit.history.read(turn.record.room, turn.asker, most=30, until=turn.event)
        material = fit(walk.lines, turn.kit.settings.model.context_tokens // 2)
        about = [
            as_data(source="name of the room", text=str(name.get("name", ""))[:300]),
            as_data(source="topic", text=str(topic.get("topic", ""))[:600]),
        ]
        about += [as_data(source="space", id=space, text=title) for space, title in spaces.items()]
        text = await turn.consult(turn.prompt(TASK, material, turn.verb, about))
        if text is not None:
            await self._from_model(turn, read_json(text), spaces, material)

    async def _from_model(self, turn: Turn, found: dict[str, object], spaces: dict[str, str], material: Material) -> None:
        clean = {key: turn.kit.guard.clean(value[:300], material) for key, value in found.items() if isinstance(value, str)}
        space = found.get("space")
        wanted = {"category": clean.get("category", "")} | ({"space": space} if isinstance(space, str) and space in spaces else {})
        made = 0
        if turn.verb != "topic" and wanted["category"]:
            made += await self._propose(turn, "category", wanted)
        if turn.verb != "category" and clean.get("topic"):
            made += await self._propose(turn, "topic", {"topic": clean["topic"]})
        if not made:
            await turn.voice.say("I have no suggestion.")

    async def _propose(self, turn: Turn, what: str, arguments: dict[str, str]) -> bool:
        tool = find_tool(f"set_{what}")
        shown = ", ".join(f"{name}: {value}" for name, value in arguments.items())
        if tool is None or not await propose(turn, tool, arguments, words=f"I suggest for this room: {shown}", key=f"proposal/{what}"):
            await turn.voice.say("That is for those who may change this room.", f"no/{what}")
        return True

    async def _spaces(self, turn: Turn) -> dict[str, str]:
        """Spaces that the assistant is in, and the asker too."""
        found: dict[str, str] = {}
        for room in (await turn.kit.homeserver.joined_rooms())[:200]:
            create = await turn.kit.homeserver.state(room, "m.room.create") or {}
            if create.get("type") != "m.space" or not await turn.kit.people.may_send_state(room, turn.asker, "m.space.child"):
                continue
            found[room] = str((await turn.kit.homeserver.state(room, "m.room.name") or {}).get("name", ""))[:100]
            if len(found) >= _MOST_SPACES:
                break
        return found
