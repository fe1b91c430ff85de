"""A server that stands between two others, and passes on what it likes."""

import threading
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

HOST = "127.0.0.1"
PASSED_ON = ("Authorization", "Content-Type")


class Passage:
    """At a port of its own from the beginning until `close`."""

    def __init__(self) -> None:
        passage = self

        class Passing(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                passage.pass_on(self)

            def do_PUT(self) -> None:
                passage.pass_on(self)

            def do_POST(self) -> None:
                passage.pass_on(self)

            def log_message(self, format: str, *arguments: Any) -> None:
                """Nobody reads it."""

        self._server = ThreadingHTTPServer((HOST, 0), Passing)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def address(self) -> str:
        return f"http://{HOST}:{self._server.server_port}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def pass_on(self, request: BaseHTTPRequestHandler) -> None:
        """Called for each request, in a thread."""
        raise AssertionError("who stands between decides what passes")

    def body_of(self, request: BaseHTTPRequestHandler) -> bytes:
        return request.rfile.read(int(request.headers.get("Content-Length") or 0))

    def ask(self, address: str, request: BaseHTTPRequestHandler, body: bytes) -> tuple[int, bytes, str]:
        """Status, body and its type, as the server at that host and port answers; 502 where it does not."""
        connection = HTTPConnection(address, timeout=30)
        try:
            headers = {name: request.headers[name] for name in PASSED_ON if name in request.headers}
            connection.request(request.command, request.path, body or None, headers)
            answer = connection.getresponse()
            return answer.status, answer.read(), answer.headers.get("Content-Type", "application/json")
        except (OSError, HTTPException):
            return 502, b"{}", "application/json"
        finally:
            connection.close()

    def tell(self, request: BaseHTTPRequestHandler, answer: tuple[int, bytes, str]) -> None:
        status, body, kind = answer
        try:
            request.send_response(status)
            request.send_header("Content-Type", kind)
            request.send_header("Content-Length", str(len(body)))
            request.end_headers()
            request.wfile.write(body)
        except OSError:
            request.close_connection = True

    def say_nothing(self, request: BaseHTTPRequestHandler) -> None:
        """Until who asked is gone."""
        request.close_connection = True
        try:
            request.rfile.read(1)
        except OSError:
            return
