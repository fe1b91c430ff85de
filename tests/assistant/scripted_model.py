"""A model as the OpenAI API has them, that says what it is told to; every prompt is kept."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import orjson
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET

from tests.assistant.loop import HASTE

Json = dict[str, Any]


@dataclass
class Say:
    """One answer: in pieces, with tools, an error, or never."""

    text: str = ""
    pieces: list[str] = field(default_factory=list)
    seconds: float = 0.0  # between pieces
    tools: list[tuple[str, Json]] = field(default_factory=list)
    status: int = 200
    hangs: bool = False
    raw: bytes | None = None
    usage: tuple[int, int] | None = (100, 20)
    never_ends: bool = False  # until a test says otherwise
    said: str = ""  # of its pieces, so far


class ScriptedModel(Resource):
    isLeaf = True

    def __init__(self, reactor: Any) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._reactor = reactor
        self.prompts: list[str] = []
        self.requests: list[Json] = []
        self.answer: Callable[[Json], Say] = lambda _: Say("Fine.")
        self.cut = 0  # connections that the asker ended
        self.pending: list[Any] = []

    def render(self, request: Any) -> Any:
        body = request.content.read()
        self.prompts.append(body.decode())
        self.requests.append(orjson.loads(body))
        say = self.answer(self.requests[-1])
        if say.status != 200:
            request.setResponseCode(say.status)
            request.setHeader("Content-Type", "application/json")
            return orjson.dumps({"error": {"message": "no", "type": "test"}})
        request.notifyFinish().addErrback(self._gone, request)
        if say.hangs:
            self.pending.append(request)
            return NOT_DONE_YET
        request.setHeader("Content-Type", "text/event-stream")
        if say.raw is not None:
            request.write(say.raw)
            request.finish()
            return NOT_DONE_YET
        self._piece(request, say, say.pieces or ([say.text] if say.text else []), 0)
        return NOT_DONE_YET

    def _gone(self, _: Any, request: Any) -> None:
        self.cut += 1
        request.is_gone = True

    def _piece(self, request: Any, say: Say, pieces: list[str], number: int) -> None:
        if getattr(request, "is_gone", False):
            return
        if number < len(pieces) or say.never_ends:
            piece = pieces[number % len(pieces)]
            say.said += piece
            self._write(request, {"choices": [{"index": 0, "delta": {"content": piece}, "finish_reason": None}]})
            self._reactor.callLater(say.seconds / HASTE, self._piece, request, say, pieces, number + 1)
            return
        if say.tools:
            calls = [
                {"index": at, "id": f"c{at}", "type": "function", "function": {"name": name, "arguments": orjson.dumps(arguments).decode()}}
                for at, (name, arguments) in enumerate(say.tools)
            ]
            self._write(request, {"choices": [{"index": 0, "delta": {"tool_calls": calls}, "finish_reason": None}]})
        self._write(request, {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
        if say.usage is not None:
            prompt, answer = say.usage
            usage = {"prompt_tokens": prompt, "completion_tokens": answer, "total_tokens": prompt + answer}
            self._write(request, {"choices": [], "usage": usage})
        request.write(b"data: [DONE]\n\n")
        request.finish()

    def _write(self, request: Any, chunk: Json) -> None:
        whole = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "scripted"} | chunk
        request.write(b"data: " + orjson.dumps(whole) + b"\n\n")
