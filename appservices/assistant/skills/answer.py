"""Answers, in a thread, with what the room says; the model may look for more and propose things."""

import logging
from typing import Any, Final

from appservices.assistant.language.trouble import NO_MODEL, TROUBLES, explain
from appservices.assistant.language.words import Reply, ToolCall
from appservices.assistant.rooms.history import find_urls
from appservices.assistant.safety.framing import Material, as_data, build, fit
from appservices.assistant.skill import Stopped, Turn
from appservices.assistant.tools import TOOLS, find_tool
from appservices.assistant.tools.tool import BadArguments, Tool

_log = logging.getLogger(__name__)

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
    needs_model = True

    async def run(self, turn: Turn) -> None:
        if turn.voice.is_final("answer"):
            return
        if not turn.kit.language.is_there:
            await turn.voice.say(NO_MODEL)
            return
        thread = turn.event.thread
        walk = await turn.kit.history.read(turn.record.room, turn.asker, thread=thread, until=turn.event, most=60 if thread else 40)
        material = fit(walk.lines, turn.kit.settings.model.context_tokens)
        material.urls.update(_own_urls(turn))
        await _Conversation(turn, material).run(build(TASK, material, turn.words, turn.asker))


class _Conversation:
    def __init__(self, turn: Turn, material: Material) -> None:
        self._turn = turn
        self._material = material
        self._calls = 0

    async def run(self, messages: list[dict[str, Any]]) -> None:
        turn = self._turn
        growing = turn.voice.grow(lambda text: turn.kit.guard.clean(text, self._material))
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
        if not tool.changes:
            return await tool.run(self._turn, arguments)
        if tool.state and not await self._turn.kit.people.may_send_state(self._turn.record.room, self._turn.asker, tool.state):
            return "the asker has not the power to do that"
        return await self._propose(tool, arguments)

    async def _propose(self, tool: Tool, arguments: dict[str, str]) -> str:
        turn = self._turn
        clean = {name: turn.kit.guard.clean(value, self._material) for name, value in arguments.items()}
        shown = "\n".join(f"{name}: {value}" for name, value in clean.items())
        await turn.kit.approvals.propose(
            turn.voice,
            room=turn.record.room,
            source=turn.record.event,
            asker=turn.asker,
            tool=tool.name,
            arguments=clean,
            words=f"I propose: {tool.name.replace('_', ' ')}\n{shown}",
            key=f"proposal/{self._calls}",
        )
        return "proposed; nothing has changed; the asker has to approve it"


def _as_message(reply: Reply) -> dict[str, Any]:
    calls = [{"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}} for call in reply.calls]
    return {"role": "assistant", "content": reply.text, "tool_calls": calls}


def _own_urls(turn: Turn) -> list[str]:

    return find_urls(turn.words)
