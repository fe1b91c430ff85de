"""Between server and application service: passes requests on, writes them down, and cuts some short."""

import json
import threading
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

HOST = "127.0.0.1"


@dataclass
class Relay:
    """The server finds the service at `address`; the service listens at `port`."""

    port: int
    seen: list[tuple[str, str, Any, str]] = field(default_factory=list)  # method, path, body, authorization
    held: threading.Event = field(default_factory=threading.Event)
    _words: str = ""  # a transaction that holds them is cut short
    _delivers: bool = True

    def __post_init__(self) -> None:
        relay = self

        class Passing(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                relay.pass_on(self)

            def do_PUT(self) -> None:
                relay.pass_on(self)

            def do_POST(self) -> None:
                relay.pass_on(self)

            def log_message(self, format: str, *arguments: Any) -> None:
                """Nobody reads it."""

        self._server = ThreadingHTTPServer((HOST, 0), Passing)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def address(self) -> str:
        return f"http://{HOST}:{self._server.server_port}"

    def cut(self, words: str, *, delivers: bool) -> None:
        """The next transaction with these words gets no answer; the service gets it all the same, or not."""
        self.held.clear()
        self._words, self._delivers = words, delivers

    def transactions(self) -> list[tuple[str, Any]]:
        return [(path.rpartition("/")[2], body) for _, path, body, _ in list(self.seen) if "/transactions/" in path]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def pass_on(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        known = json.loads(body) if body and "json" in request.headers.get("Content-Type", "json") else None
        self.seen.append((request.command, request.path, known, request.headers.get("Authorization", "")))
        is_cut = bool(self._words) and "/transactions/" in request.path and self._words.encode() in body
        if is_cut:
            self._words = ""
            if self._delivers:
                self._ask(request, body)
            self.held.set()
            request.close_connection = True
            request.rfile.read(1)  # until the server is gone
            return
        status, answer, kind = self._ask(request, body)
        request.send_response(status)
        request.send_header("Content-Type", kind)
        request.send_header("Content-Length", str(len(answer)))
        request.end_headers()
        request.wfile.write(answer)

    def _ask(self, request: BaseHTTPRequestHandler, body: bytes) -> tuple[int, bytes, str]:
        connection = HTTPConnection(HOST, self.port, timeout=30)
        try:
            headers = {name: request.headers[name] for name in ("Authorization", "Content-Type") if name in request.headers}
            connection.request(request.command, request.path, body or None, headers)
            answer = connection.getresponse()
            return answer.status, answer.read(), answer.headers.get("Content-Type", "application/json")
        except OSError:
            return 502, b"{}", "application/json"
        finally:
            connection.close()
