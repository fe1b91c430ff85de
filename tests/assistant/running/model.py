"""A model as the OpenAI API has them, at a port of its own and in threads: it says what a script yields, and a script may wait for whatever it likes."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

Json = dict[str, Any]
Script = Callable[[Json], Iterator[str]]
HOST: Final = "127.0.0.1"


class Fails(Exception):
    """Raised by a script before its first word: that status is answered."""

    def __init__(self, status: int) -> None:
        super().__init__(str(status))
        self.status = status


class Model:
    def __init__(self, script: Script) -> None:
        self.script = script
        self.requests: list[Json] = []
        model = self

        class Asked(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                model.serve(self)

            def log_message(self, format: str, *arguments: Any) -> None:
                """Nobody reads it."""

        self._server = ThreadingHTTPServer((HOST, 0), Asked)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self._server.server_port}/v1"

    @property
    def settings(self) -> list[str]:
        """For ChatMe."""
        told = {"base_url": self.url, "name": "scripted", "provider": "the tests", "where": "here"}
        return [f"assistant.model.{name}={value}" for name, value in told.items()]

    def prompts(self) -> str:
        return json.dumps(self.requests)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def serve(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers["Content-Length"]))
        if not body:
            return  # whoever asked is gone
        asked = json.loads(body)
        self.requests.append(asked)
        pieces = self.script(asked)
        try:
            first = next(pieces, None)
        except Fails as failure:
            request.send_error(failure.status)
            return
        try:
            request.send_response(200)
            request.send_header("Content-Type", "text/event-stream")
            request.end_headers()
            while first is not None:
                _write(request, {"choices": [{"index": 0, "delta": {"content": first}, "finish_reason": None}]})
                first = next(pieces, None)
            _write(request, {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
            _write(request, {"choices": [], "usage": {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}})
            request.wfile.write(b"data: [DONE]\n\n")
        except OSError:
            request.close_connection = True  # whoever asked is gone


def _write(request: BaseHTTPRequestHandler, chunk: Json) -> None:
    whole = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "scripted"} | chunk
    request.wfile.write(b"data: " + json.dumps(whole).encode() + b"\n\n")
    request.wfile.flush()


def says(text: str) -> Script:
    """Always the same, word by word."""

    def script(_: Json) -> Iterator[str]:
        yield from (f"{word} " for word in text.split())

    return script
