"""A small web site beside the server, for what it fetches by itself."""

import contextlib
import ssl
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from tests.client_api.media.samples import png


class Site(BaseHTTPRequestHandler):
    """A small web site; counts its visitors."""

    hits: list[str]

    def do_GET(self) -> None:
        self.hits.append(self.path)
        with contextlib.suppress(OSError):
            self.answer()

    def answer(self) -> None:
        if self.path == "/there":
            self.reply(302, b"", Location="/")
        elif self.path == "/a.png":
            self.reply(200, png(), "image/png")
        elif self.path == "/endless":
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<title>Endless</title>")
            while True:
                self.wfile.write(b" " * 65_536)
        elif self.path == "/headers":
            self.send_response(200)
            while True:
                self.send_header("X-More", "a" * 10_000)
                self.flush_headers()
        elif self.path == "/broken":
            self.reply(200, b"<title>Half", **{"Content-Length": "100"})
        elif self.path == "/slow":
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            while True:
                self.wfile.write(b" ")
                time.sleep(0.5)
        elif self.path == "/packed":
            self.reply(200, b"", **{"Content-Encoding": "gzip"})
        else:
            self.reply(200, b"<title>Site</title><meta property='og:image' content='a.png'>")

    def reply(self, status: int, body: bytes, kind: str = "text/html", **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextlib.contextmanager
def serve_site(context: ssl.SSLContext | None = None) -> Iterator[tuple[int, list[str]]]:
    """Its port on loopback, and what it was asked for."""
    hits: list[str] = []
    listening = ThreadingHTTPServer(("127.0.0.1", 0), type("CountingSite", (Site,), {"hits": hits}))
    if context is not None:
        listening.socket = context.wrap_socket(listening.socket, server_side=True)
        listening.handle_error = lambda *_: None  # type: ignore[method-assign]  # those who refuse the certificate
    thread = Thread(target=listening.serve_forever, daemon=True)
    thread.start()
    try:
        yield listening.server_address[1], hits
    finally:
        listening.shutdown()
        listening.server_close()
        thread.join()
