"""Between server and application service: passes requests on, writes them down, and cuts some short."""

import json
import threading
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.appservices.passage import HOST, Passage


class Relay(Passage):
    """The server finds the service at `address`; the service listens at `port`."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.seen: list[tuple[str, str, Any, str]] = []  # method, path, body, authorization
        self.held = threading.Event()
        self._words = ""  # a transaction that holds them is cut short
        self._delivers = True
        super().__init__()

    def cut(self, words: str, *, delivers: bool) -> None:
        """The next transaction with these words gets no answer; the service gets it all the same, or not."""
        self.held.clear()
        self._words, self._delivers = words, delivers

    def transactions(self) -> list[tuple[str, Any]]:
        return [(path.rpartition("/")[2], body) for _, path, body, _ in list(self.seen) if "/transactions/" in path]

    def pass_on(self, request: BaseHTTPRequestHandler) -> None:
        body = self.body_of(request)
        known = json.loads(body) if body and "json" in request.headers.get("Content-Type", "json") else None
        self.seen.append((request.command, request.path, known, request.headers.get("Authorization", "")))
        if self._words and "/transactions/" in request.path and self._words.encode() in body:
            self._words = ""
            if self._delivers:
                self.ask(f"{HOST}:{self.port}", request, body)
            self.held.set()
            self.say_nothing(request)
        else:
            self.tell(request, self.ask(f"{HOST}:{self.port}", request, body))
