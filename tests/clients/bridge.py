"""An application service that leads to another network: it accepts whatever it is told, and answers with ready words."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

NETWORK, AS_TOKEN, PREFIX = "irc", "token of the bridge".replace(" ", "-"), "irc_"
PLACE = {"alias": "#irc_tea:clients.test", "protocol": NETWORK, "fields": {"channel": "#tea"}}
SOMEBODY = {"userid": "@irc_bob:clients.test", "protocol": NETWORK, "fields": {"nick": "bob"}}
PROTOCOL = {
    "user_fields": ["nick"],
    "location_fields": ["channel"],
    "icon": "mxc://clients.test/icon",
    "field_types": {name: {"regexp": ".*", "placeholder": name} for name in ("nick", "channel")},
    "instances": [{"network_id": "libera", "desc": "Libera", "fields": {}}],
}
ANSWERS: dict[str, Any] = {"protocol": PROTOCOL, "location": [PLACE], "user": [SOMEBODY]}


class Answering(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        segments = urlsplit(self.path).path.split("/")
        found = ANSWERS.get(segments[5]) if "thirdparty" in segments else {}
        body = json.dumps(found).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        self._answer()

    def do_PUT(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def log_message(self, format: str, *arguments: Any) -> None:
        """Nobody reads it."""


@contextmanager
def open_bridge(folder: Path) -> Iterator[str]:
    """The setting by which the server knows it."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    registration = {
        "id": "bridge",
        "url": f"http://127.0.0.1:{server.server_port}",
        "as_token": AS_TOKEN,
        "hs_token": "hs-token",
        "sender_localpart": f"{PREFIX}bot",
        "namespaces": {kind: [{"exclusive": True, "regex": f"{sigil}{PREFIX}.*"}] for kind, sigil in (("users", "@"), ("aliases", "#"))},
        "protocols": [NETWORK],
        "receive_ephemeral": True,
    }
    file = folder / "bridge.yaml"
    file.write_text(json.dumps(registration))  # which is YAML, too
    try:
        yield f"appservices.registrations={json.dumps([str(file)])}"
    finally:
        server.shutdown()
        server.server_close()
