"""Replies that the asker might give; nothing is sent in anybody's name."""

from typing import Final

from appservices.assistant.language.trouble import without_model
from appservices.assistant.language.words import read_json
from appservices.assistant.safety.framing import fit
from appservices.assistant.skill import Turn

TASK: Final = 'Suggest three short replies that the asker might give to the message of that number. Answer with JSON alone: {"replies": ["…", "…", "…"]}.'
SUGGESTIONS: Final = "chat.chatme.suggestions"


class SuggestReplies:
    name = "suggest"
    verbs = ("suggest", "replies")
    help = "suggest (or 💡 on a message): three replies to choose from"
    with_model = "suggest replies"

    async def run(self, turn: Turn) -> None:
        if not turn.kit.language.is_there:
            await turn.voice.say(without_model(self.with_model))
            return
        history, room, target = turn.kit.history, turn.record.room, turn.record.target
        about = await history.one(room, turn.asker, target) if target else None
        thread = (turn.event if about is None else about.event).thread
        seen = (await history.read(room, turn.asker, most=15, until=turn.event, thread=thread)).lines
        if about is not None and all(line.event.id != target for line in seen):
            seen = [about]
        material = fit(seen, turn.kit.settings.model.context_tokens // 2)
        number = next((at for at, line in enumerate(material.lines, 1) if line.event.id == target), len(material.lines))
        text = await turn.consult(turn.prompt(TASK, material, f"Replies to message {number}."))
        if text is None:
            return
        found = read_json(text).get("replies")
        replies = (
            [turn.kit.guard.clean(each[:200], material) for each in found if isinstance(each, str)][:3] if isinstance(found, list) else []
        )
        lines = "\n".join(f"{number}. {each}" for number, each in enumerate(replies, 1))
        await turn.voice.say(lines or "I have no suggestion.", extra={SUGGESTIONS: replies} if replies else None)
