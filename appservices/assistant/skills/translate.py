"""Translation of a message."""

from typing import Final

from appservices.assistant.language.trouble import without_model
from appservices.assistant.safety.framing import Material
from appservices.assistant.skill import Turn

_MOST: Final = 60


class Translate:
    name = "translate"
    verbs = ("translate",)
    help = "translate [to French] in reply to a message (or 🌐): the message in another language"
    with_model = "translate messages"

    async def run(self, turn: Turn) -> None:
        source = turn.record.target or turn.event.replies_to
        language = turn.words.removeprefix("to ").removeprefix("into ").strip()[:_MOST] or "English"
        if not turn.kit.language.is_there:
            await turn.voice.say(without_model(self.with_model))
            return
        line = await turn.kit.history.one(turn.record.room, turn.asker, source) if source else None
        if line is None:
            await turn.voice.say("Reply to the message that I shall translate.")
            return
        material = Material([line], set(line.urls))
        await turn.tell(
            turn.prompt("Translate the text of the material faithfully. Give the translation alone.", material, f"Into: {language}"),
            material,
        )
