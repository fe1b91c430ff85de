"""The same requests over a real socket, some of them broken as HTTP: the server answers or hangs up, and takes the next connection."""

import socket
from dataclasses import dataclass, field
from random import Random
from typing import Any

import orjson

from tests.fuzz.known import Known
from tests.fuzz.mutate import mutate_bytes
from tests.fuzz.people import RACY
from tests.fuzz.requests import Requests
from tests.fuzz.run import weighted
from tests.running.process import Running
from tests.support.server import TestServer

FAR_AWAY = (502, 504)  # the request names another server, and that is not there
PATIENCE_SECONDS = 30.0
HONEST_EVERY = 250


@dataclass
class WireReport:
    answers: dict[int, int] = field(default_factory=dict)
    hung_up: int = 0  # without an answer: only to what is no HTTP
    honest: int = 0
    failures: list[str] = field(default_factory=list)


class Wire:
    """`shapes` is a server in this process, for its declarations alone."""

    def __init__(self, server: Running, shapes: TestServer, seed: int) -> None:
        self.report = WireReport()
        self._server = server
        self._chance = Random(seed)
        self._known = Known(self._chance)
        self._requests = Requests(self._chance, self._known)
        self._declarations = weighted(shapes.server.doors[0].dispatch)
        self._address = ("127.0.0.1", int(server.address.rpartition(":")[2]))
        self._tokens = [self._register(f"fuzz{index}") for index in range(3)]
        self._throwaway = self._register("throwaway")
        self._alice, self._bob = self._register("alice"), self._register("bob")
        body = {"preset": "public_chat"}
        self._room = self._ok("POST", "/_matrix/client/v3/createRoom", body, self._alice)["room_id"]
        self._known.lasting["room"] = [self._room]
        for token in (self._bob, *self._tokens):
            self._ok("POST", f"/_matrix/client/v3/rooms/{self._room}/join", {}, token)
        self._since = self._ok("GET", "/_matrix/client/v3/sync", None, self._bob)["next_batch"]

    def run(self, count: int) -> WireReport:
        for number in range(1, count + 1):
            declaration = self._chance.choice(self._declarations)
            token = self._throwaway if any(word in declaration.path for word in RACY) else self._chance.choice(self._tokens)
            generated = self._requests.make(declaration, "@fuzz0:wire.test", "DEVICE")
            query = "&".join(pair for pair in generated.query.split("&") if not pair.startswith("timeout="))
            target = f"{generated.path}?{query}".encode("latin-1", "replace")
            head = b"%b %b HTTP/1.1\r\nHost: wire.test\r\nAuthorization: Bearer %b\r\nContent-Length: %d\r\nConnection: close\r\n\r\n"
            data = head % (generated.method.encode(), target, token.encode(), len(generated.body)) + generated.body
            broken = self._chance.random() < 0.1
            self._send(mutate_bytes(data[:2000], self._chance) if broken else data, broken)
            if number % HONEST_EVERY == 0:
                self._honest(number)
        return self.report

    def _send(self, data: bytes, broken: bool) -> None:
        answer = self._exchange(data)
        first = answer.split(b"\r\n", 1)[0]
        if not answer:
            self.report.hung_up += 1
            if not broken:
                self.report.failures.append(f"no answer to {data[:2000]!r}")
            return
        if not first.startswith(b"HTTP/1."):
            self.report.failures.append(f"{first!r} to {data[:2000]!r}")
            return
        status = int(first.split(b" ")[1])
        self.report.answers[status] = self.report.answers.get(status, 0) + 1
        if status >= 500 and status not in FAR_AWAY and not (broken and status == 505):
            self.report.failures.append(f"{status} to {data[:2000]!r}")
        elif status == 200:
            self._learn(answer)

    def _learn(self, answer: bytes) -> None:
        head, _, body = answer.partition(b"\r\n\r\n")
        if b"content-type: application/json" in head.lower() and b"chunked" not in head.lower() and body:
            self._known.learn(orjson.loads(body))

    def _exchange(self, data: bytes) -> bytes:
        with socket.create_connection(self._address, timeout=PATIENCE_SECONDS) as connection:
            pieces = []
            try:
                connection.sendall(data)
                connection.shutdown(socket.SHUT_WR)
                while piece := connection.recv(1 << 16):
                    pieces.append(piece)
            except (ConnectionResetError, BrokenPipeError):
                pass  # it has said what it had to say
            return b"".join(pieces)

    def _honest(self, number: int) -> None:
        body = {"msgtype": "m.text", "body": f"honest {number}"}
        sent = self._ok("PUT", f"/_matrix/client/v3/rooms/{self._room}/send/m.room.message/h{number}", body, self._alice)["event_id"]
        told = self._ok("GET", f"/_matrix/client/v3/sync?since={self._since}", None, self._bob)
        self._since = told["next_batch"]
        assert told["rooms"]["join"][self._room]["timeline"]["events"][-1]["event_id"] == sent
        self.report.honest += 1

    def _register(self, name: str) -> str:
        body = {"username": name, "password": "secret secret", "auth": {"type": "m.login.dummy"}}
        return str(self._ok("POST", "/_matrix/client/v3/register", body, "")["access_token"])

    def _ok(self, method: str, path: str, body: Any, token: str) -> Any:
        status, answer = self._server.ask(method, path, body, token)
        assert status == 200, (status, answer)
        return answer
