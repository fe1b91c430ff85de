"""Answers, in a thread, with what the room says; the model may look for more and propose things."""

from typing import Any, Final

from appservices.assistant.language.trouble import NO_MODEL, TROUBLES, explain
from appservices.assistant.language.words import Reply, ToolCall
from appservices.assistant.rooms.history import find_urls
from appservices.assistant.safety.approvals import canonical
from appservices.assistant.safety.framing import Material, as_data, fit
from appservices.assistant.skill import Stopped, Turn
from appservices.assistant.tools import TOOLS, find_tool
from appservices.assistant.tools.propose import propose
from appservices.assistant.tools.tool import BadArguments, Tool
from appservices.assistant.work.categories import PLAIN

TASK: Final = (
    "Answer the request with what the material says and what you know; say which is which. Tools that change something only make proposals, "
    "which the asker has to approve: say so."
)
_ROUNDS: Final = 3
_CALLS: Final = 6


class AnswerQuestion:
    name = "answer"
    verbs = ("ask",)
    help = "ask … (or mention me, or reply to me): an answer in a thread"
    with_model = "answer questions"

    async def run(self, turn: Turn) -> None:
        if turn.voice.is_final("answer"):
            return
        if not turn.kit.language.is_there:
            await turn.voice.say(NO_MODEL)
            return
        thread = turn.event.thread
        walk = await turn.kit.history.read(turn.record.room, turn.asker, thread=thread, until=turn.event, most=60 if thread else 40)
        material = fit(walk.lines, turn.kit.settings.model.context_tokens)
        material.urls.update(find_urls(turn.words))
        await _Conversation(turn, material).run(turn.prompt(TASK, material, turn.words))


class _Conversation:
    def __init__(self, turn: Turn, material: Material) -> None:
        self._turn = turn
        self._material = material
        self._calls = 0

    async def run(self, messages: list[dict[str, Any]]) -> None:
        turn = self._turn
        growing = await turn.grow(self._material)
        schemas = [tool.schema for tool in TOOLS]
        reply = Reply("")
        try:
            for number in range(_ROUNDS):
                reply = await turn.ask(messages, tools=schemas if number < _ROUNDS - 1 else (), hear=growing.hear)
                if not reply.calls:
                    break
                messages = [*messages, _as_message(reply), *[await self._use(call) for call in reply.calls]]
            await growing.finish(reply.text or ("See my proposals." if self._calls else ""))
        except Stopped:
            await growing.finish(turn.heard, "stopped")
        except TROUBLES as error:
            await growing.finish(turn.heard, f"interrupted: {explain(error)}" if turn.heard else explain(error))

    async def _use(self, call: ToolCall) -> dict[str, Any]:
        self._calls += 1
        result = "too many calls" if self._calls > _CALLS else await self._result(call)
        return {"role": "tool", "tool_call_id": call.id, "content": as_data(source=f"tool {call.name[:40]}", material=result)}

    async def _result(self, call: ToolCall) -> str:
        tool = find_tool(call.name)
        if tool is None:
            return "there is no such tool"
        try:
            arguments = tool.read(call.arguments)
        except BadArguments as error:
            return str(error)
        if tool.state and await self._turn.kit.homeserver.is_encrypted(self._turn.record.room):
            return PLAIN
        if tool.changes:
            return await self._propose(tool, arguments)
        record = self._turn.record
        self._turn.kit.language.note_tool(record.room, record.event, record.sender, tool.name)
        return await tool.run(self._turn, arguments)

    async def _propose(self, tool: Tool, arguments: dict[str, str]) -> str:
        clean = {name: self._turn.kit.guard.clean(value, self._material) for name, value in arguments.items()}
        try:
            clean = tool.read(canonical(clean))  # a number is a link by now
        except BadArguments as error:
            return str(error)
        shown = "\n".join(f"{name}: {value}" for name, value in clean.items())
        words = f"I propose: {tool.name.replace('_', ' ')}\n{shown}"
        if not await propose(self._turn, tool, clean, words=words, key=f"proposal/{self._calls}"):
            return "the asker has not the power to do that"
        return "proposed; nothing has changed; the asker has to approve it"


def _as_message(reply: Reply) -> dict[str, Any]:
    calls = [{"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}} for call in reply.calls]
    return {"role": "assistant", "content": reply.text, "tool_calls": calls}
