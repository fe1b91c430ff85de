"""What kind of thing a message is: by the small model that is here; a language model may be asked where that is not sure."""

from typing import Final

from appservices.assistant.classify.classifier import LABELS
from appservices.assistant.language.trouble import TROUBLES, without_model
from appservices.assistant.safety.framing import Material
from appservices.assistant.skill import Stopped, Turn

TASK: Final = f"Say what kind of message the material is. Answer with one word of: {', '.join(LABELS)}."
_SURE: Final = 0.8
KIND: Final = "chat.chatme.kind"


class Classify:
    name = "classify"
    verbs = ("classify",)
    help = "classify in reply to a message: text, code, file, task, event or question"
    with_model = "look again at messages whose kind is not clear"

    async def run(self, turn: Turn) -> None:
        source = turn.event.replies_to
        line = await turn.kit.history.one(turn.record.room, turn.asker, source) if source else None
        if line is None:
            await turn.voice.say("Reply to the message that I shall look at.")
            return
        found = turn.kit.classifier.classify(line.text, line.event.msgtype)
        label, note = found.label, ""
        if found.sureness < _SURE and not turn.kit.language.is_there:
            note = f" I am not sure. {without_model(self.with_model)}"
        if found.sureness < _SURE and turn.kit.language.is_there:
            try:
                reply = await turn.ask(turn.prompt(TASK, Material([line]), "What kind of message is it?"))
            except (*TROUBLES, Stopped):
                reply = None
            word = reply.text.strip().strip(".").lower() if reply is not None else ""
            label = word if word in LABELS else label
        await turn.voice.say(f"That is: {label}.{note}", extra={KIND: {"event_id": line.event.id, "kind": label}})
