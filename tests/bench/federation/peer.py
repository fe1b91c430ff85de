"""Servers that the benchmark plays, all of them in one process behind one port of the loopback's many addresses, by real TLS.

They tell their keys, let users into their rooms, take what is sent to them, and send transactions. Everything else they do not know.
"""

import http.client
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote

from federation import x_matrix
from homeserver.protocol import canonical_json
from homeserver.protocol.signing import SigningKey, sign_json
from tests.bench.federation.played_room import PlayedRoom
from tests.federation.support.certificates import Certificate

DAY_MS = 86_400_000
SECONDS = 120


class Refusal(NamedTuple):
    status: int
    errcode: str


class Peer:
    """`name(0)`, `name(1)` … are its servers. `with peer:` while it listens; `taken` counts the events that were sent to it."""

    def __init__(self, certificate: Certificate, authority: Path, port: int) -> None:
        self.key = SigningKey.generate(bytes(range(32)), "bench")
        self.rooms: dict[str, PlayedRoom] = {}
        self.taken = 0
        self._port = port
        self._server: ThreadingHTTPServer | None = None
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(certificate.certificate, certificate.key)
        self._trusts = ssl.create_default_context(cafile=str(authority))

    def name(self, number: int) -> str:
        return f"{address(number)}:{self._port}"

    def room(self, users: int, servers: int = 1) -> PlayedRoom:
        """A new room with so many users on so many servers."""
        room = PlayedRoom([f"@user{number}:{self.name(number % servers)}" for number in range(users)], self.key)
        self.rooms[room.room_id] = room
        return room

    def __enter__(self) -> "Peer":
        self._server = _Listener(("0.0.0.0", self._port), _answering(self))
        self._server.socket = self._tls.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        """From now on nobody is there; connections that are open are cut."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def line(self, target: str) -> "Line":
        """From the first of the servers to the one that is measured."""
        return Line(self.name(0), self.key, target, self._trusts)

    def answer(self, method: str, path: str, host: str, body: Any) -> dict[str, Any] | Refusal:
        match [unquote(part) for part in path.partition("?")[0].split("/")[2:]]:
            case ["key", "v2", "server", *_]:
                return self._keys(host)
            case ["federation", "v1", "version"]:
                return {"server": {"name": "bench", "version": "1"}}
            case ["federation", "v1", "make_join", room_id, user_id] if room_id in self.rooms:
                return self.rooms[room_id].template(user_id)
            case ["federation", "v2", "send_join", room_id, _] if room_id in self.rooms:
                return self.rooms[room_id].take_join(body)
            case ["federation", "v1", "get_missing_events", room_id] if room_id in self.rooms:
                return {"events": self.rooms[room_id].between(body["earliest_events"], body["latest_events"], body.get("limit", 10))}
            case ["federation", "v1", "event", event_id]:
                found = [room.events[event_id].pdu for room in self.rooms.values() if event_id in room.events]
                return {"origin": host, "origin_server_ts": 0, "pdus": found} if found else Refusal(404, "M_NOT_FOUND")
            case ["federation", "v1", "state_ids", room_id] if room_id in self.rooms:
                names = [event.event_id for event in self.rooms[room_id].state.values()]
                return {"pdu_ids": names, "auth_chain_ids": names}
            case ["federation", "v1", "send", _] if method == "PUT":
                self.taken += len(body.get("pdus", ()))
                return {"pdus": {}}
        return Refusal(404, "M_NOT_FOUND")

    def _keys(self, name: str) -> dict[str, Any]:
        told = {
            "server_name": name,
            "valid_until_ts": time.time_ns() // 1_000_000 + DAY_MS,
            "verify_keys": {self.key.key_id: {"key": self.key.public_base64}},
            "old_verify_keys": {},
        }
        return sign_json(told, name, self.key)


class Line:
    """One connection to a server. Transactions are numbered."""

    def __init__(self, origin: str, key: SigningKey, target: str, trusts: ssl.SSLContext) -> None:
        self._origin = origin
        self._key = key
        self._target = target
        self._connection = http.client.HTTPSConnection(target, context=trusts, timeout=SECONDS)
        self._sent = time.time_ns()

    def prepared(self, pdus: list[Any], edus: list[Any]) -> Callable[[], Mapping[str, Any]]:
        """A transaction, signed; the call sends it and returns the answer."""
        self._sent += 1
        uri = f"/_matrix/federation/v1/send/{self._sent}"
        body = {"origin": self._origin, "origin_server_ts": time.time_ns() // 1_000_000, "pdus": pdus, "edus": edus}
        content = canonical_json.encode(body)
        header = x_matrix.authorization(self._key, self._origin, self._target, "PUT", uri, content)

        def send() -> Mapping[str, Any]:
            self._connection.request("PUT", uri, content, {"Authorization": header, "Content-Type": "application/json"})
            answer = self._connection.getresponse()
            told = answer.read()
            if answer.status != 200:
                raise SystemExit(f"{self._target} answered a transaction with {answer.status}: {told[:500]!r}")
            result: Mapping[str, Any] = json.loads(told)
            return result

        return send

    def close(self) -> None:
        self._connection.close()


def address(number: int) -> str:
    """One of the loopback's own."""
    return f"127.0.{1 + number // 250}.{1 + number % 250}"


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 500

    def __init__(self, address: tuple[str, int], answering: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(address, answering)
        self._open: set[socket.socket] = set()

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def server_close(self) -> None:
        super().server_close()
        for connection in list(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Who hangs up does no harm."""


def _answering(peer: Peer) -> type[BaseHTTPRequestHandler]:
    class Answering(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        timeout = SECONDS

        def _serve(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            data = self.rfile.read(length) if length else b""
            told = peer.answer(self.command, self.path, self.headers.get("Host", ""), json.loads(data) if data else None)
            status = told.status if isinstance(told, Refusal) else 200
            body = json.dumps({"errcode": told.errcode} if isinstance(told, Refusal) else told).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_PUT = do_POST = _serve

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing is said."""

    return Answering
