"""Code that was posted without a fence: found, its language named, posted as it should look."""

from typing import Any, Final

from appservices.assistant.matrix.events import Event
from appservices.assistant.skill import Turn
from appservices.assistant.work.code import find_code

CODE: Final = "chat.chatme.code"


class FindCode:
    name = "code"
    verbs = ("code", "watch-code")
    help = "code in reply to a message: its code, formatted"
    with_model = ""

    def wants(self, event: Event) -> bool:
        return event.msgtype == "m.text" and find_code(event.body) is not None

    async def run(self, turn: Turn) -> None:
        source = turn.record.target or turn.event.replies_to
        line = await turn.kit.history.one(turn.record.room, turn.asker, source) if source else None
        found = find_code(line.text) if line is not None else None
        if line is None or found is None:
            if turn.verb == "code":
                await turn.voice.say("I see no code there that is not formatted already. Reply to the message that I shall look at.")
            return
        turn.draw_on([line])
        block: dict[str, Any] = {"language": found.language, "source": line.event.id}
        text = found.text.replace("```", "'''")
        fence = f"{found.language or 'Code'}:\n```{found.language}\n{text}\n```"
        await turn.voice.say(fence, extra={CODE: block})
