"""Between the assistant and its homeserver: counts requests, and lets one of them hang, before it is passed on or after."""

import threading
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

HOST = "127.0.0.1"


class Tap:
    def __init__(self) -> None:
        self.upstream = ""
        self.reached = threading.Event()  # the request that was to hang is there
        self._left = -1  # requests until then; below zero: none is to hang
        self._after = False
        self._lock = threading.Lock()
        tap = self

        class Passing(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                tap.pass_on(self)

            def do_PUT(self) -> None:
                tap.pass_on(self)

            def do_POST(self) -> None:
                tap.pass_on(self)

            def log_message(self, format: str, *arguments: Any) -> None:
                """Nobody reads it."""

        self._server = ThreadingHTTPServer((HOST, 0), Passing)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def address(self) -> str:
        return f"http://{HOST}:{self._server.server_port}"

    def hang(self, number: int, *, after: bool) -> None:
        """The request of that number from now gets no answer, nor does any behind it."""
        self.reached.clear()
        self._left, self._after = number, after

    def flow(self) -> None:
        self._left = -1

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def pass_on(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        with self._lock:
            hangs = self._left == 0
            self._left -= self._left > 0
        if hangs and not self._after:
            self._hang(request)
            return
        status, answer = self._ask(request, body)
        if hangs:
            self._hang(request)
            return
        try:
            request.send_response(status)
            request.send_header("Content-Type", "application/json")
            request.send_header("Content-Length", str(len(answer)))
            request.end_headers()
            request.wfile.write(answer)
        except OSError:
            request.close_connection = True

    def _hang(self, request: BaseHTTPRequestHandler) -> None:
        self.reached.set()
        request.close_connection = True
        try:
            request.rfile.read(1)  # until the assistant is gone
        except OSError:
            return

    def _ask(self, request: BaseHTTPRequestHandler, body: bytes) -> tuple[int, bytes]:
        connection = HTTPConnection(urlsplit(self.upstream).netloc, timeout=30)
        try:
            headers = {name: request.headers[name] for name in ("Authorization", "Content-Type") if name in request.headers}
            connection.request(request.command, request.path, body or None, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (OSError, HTTPException):
            return 502, b"{}"
        finally:
            connection.close()
