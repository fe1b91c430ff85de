"""Replies that the asker might give; nothing is sent in anybody's name."""

from typing import Final

from appservices.assistant.language.trouble import without_model
from appservices.assistant.language.words import read_json
from appservices.assistant.safety.framing import fit
from appservices.assistant.skill import Turn

TASK: Final = (
    'Suggest three short replies that the asker might give to the last message. Answer with JSON alone: {"replies": ["…", "…", "…"]}.'
)
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
        until = turn.event
        if turn.record.target:
            until = await turn.kit.history.fetch(turn.record.room, turn.record.target) or until
        walk = await turn.kit.history.read(turn.record.room, turn.asker, most=15, until=turn.event, thread=until.thread)
        material = fit(walk.lines, turn.kit.settings.model.context_tokens // 2)
        text = await turn.consult(turn.prompt(TASK, material, f"Replies to message {len(material.lines)}."))
        if text is None:
            return
        found = read_json(text).get("replies")
        replies = (
            [turn.kit.guard.clean(each[:200], material) for each in found if isinstance(each, str)][:3] if isinstance(found, list) else []
        )
        lines = "\n".join(f"{number}. {each}" for number, each in enumerate(replies, 1))
        await turn.voice.say(lines or "I have no suggestion.", extra={SUGGESTIONS: replies} if replies else None)
