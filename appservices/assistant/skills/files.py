"""Files: what they are by their bytes, whether that is what they say, and what is in those that are text."""

from typing import Final

from appservices.assistant.language.trouble import without_model
from appservices.assistant.matrix.errors import BadFile, Refused, Unreachable
from appservices.assistant.matrix.events import Event, as_object, as_text
from appservices.assistant.safety.framing import Material, as_data
from appservices.assistant.skill import Turn
from appservices.assistant.work.files import FileLook, look

_MOST_TEXT: Final = 8000
_KINDS: Final = ("m.file", "m.image", "m.audio", "m.video")
FILE: Final = "chat.chatme.file"
TASK: Final = "Say in at most five sentences what the file of the material contains."


class LookAtFiles:
    name = "files"
    verbs = ("file", "digest", "watch-files")
    help = "file in reply to a file: what it is and what is in it"
    with_model = "say what is in a file"

    def wants(self, event: Event) -> bool:
        return event.msgtype in _KINDS

    async def run(self, turn: Turn) -> None:
        source = turn.record.target or turn.event.replies_to
        line = await turn.kit.history.one(turn.record.room, turn.asker, source) if source else None
        if line is None or line.event.msgtype not in _KINDS:
            if turn.verb != "watch-files":
                await turn.voice.say("Reply to the file that I shall look at.")
            return
        turn.draw_on([line])
        try:
            data = await turn.kit.homeserver.file_of(line.event.content)
        except (BadFile, Refused, Unreachable):
            await turn.voice.say("I could not get that file: it is gone, or too large for me.")
            return
        declared = as_text(as_object(line.event.content.get("info")).get("mimetype"))
        found = look(data, declared)
        shown = f"{line.text[:200]}: {found.describe()}"
        if found.text and turn.verb != "watch-files" and not turn.kit.language.is_there:
            shown += f" {without_model(self.with_model)}"
        block = {"event_id": line.event.id, "type": found.type, "declared": declared, "size": len(data), "differs": found.differs}
        await turn.voice.say(turn.kit.guard.clean(shown, Material()), "look", extra={FILE: block})
        if found.text and turn.verb != "watch-files" and turn.kit.language.is_there:
            await self._digest(turn, line.text, found)

    async def _digest(self, turn: Turn, name: str, found: FileLook) -> None:
        data = as_data(source=f"file {name[:200]}", type=found.type, text=found.text[:_MOST_TEXT])
        material = Material()
        await turn.tell(turn.prompt(TASK, material, "What is in this file?", [data]), material)
