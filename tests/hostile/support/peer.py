"""A server that says what a test tells it to: a name and keys of its own, questions that it signs, answers that it gives."""

from collections.abc import AsyncIterator, Callable, Mapping
from inspect import isawaitable
from typing import Any, NamedTuple
from urllib.parse import parse_qs, unquote

import orjson

from federation import x_matrix
from federation.transport import RemoteAnswer
from homeserver.protocol import canonical_json
from homeserver.protocol.signing import SigningKey, sign_json
from homeserver.web.dispatch import Dispatch
from homeserver.web.request import Request
from tests.support.clock import FakeClock

WEEK_MS = 7 * 24 * 3_600_000


class Asked(NamedTuple):
    """A question that reached the peer. `name` is what it is about: `make_join`, `event`, `keys`…"""

    origin_header: str
    method: str
    name: str
    segments: tuple[str, ...]
    query: Mapping[str, list[str]]
    body: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)


class Told:
    """An answer: JSON, bytes, or pieces that come one after the other. Fills `federation.transport.RemoteAnswer`."""

    def __init__(
        self,
        value: Any = None,
        status: int = 200,
        *,
        pieces: AsyncIterator[bytes] | None = None,
        kind: str = "application/json",
        **headers: str,
    ) -> None:
        self.status = status
        self.headers: Mapping[str, str] = {"content-type": kind, **{name.replace("_", "-"): text for name, text in headers.items()}}
        self.given = 0  # pieces
        self.aborted = False
        self._pieces = pieces
        self._rest = value if isinstance(value, bytes) else orjson.dumps({} if value is None else value)

    async def read(self) -> bytes:
        if self._pieces is not None:
            self.given += 1
            return await anext(self._pieces, b"")
        data, self._rest = self._rest, b""
        return data

    def abort(self) -> None:
        self.aborted = True


Answering = Callable[[Asked], Any]  # a Told, or JSON; perhaps later


class Peer:
    """`answers` by the name of the question; what is not there is not known to it."""

    def __init__(self, name: str, number: int, clock: FakeClock, edge: Dispatch, home: str) -> None:
        self.name = name
        self.key = SigningKey.generate(b"peer" + number.to_bytes(28, "big"), "k")
        self.answers: dict[str, Answering] = {}
        self.asked: list[Asked] = []
        self._clock = clock
        self._edge = edge
        self._home = home
        self._count = 0
        self.begin()

    def begin(self) -> None:
        """Answer as an honest server that has nothing to tell."""
        self.asked.clear()
        self.answers = {"keys": lambda _: self.document(), "send": always({"pdus": {}})}

    def user(self, localpart: str) -> str:
        return f"@{localpart}:{self.name}"

    def document(self, key: SigningKey | None = None, **changes: Any) -> dict[str, Any]:
        """Its keys, as it tells them, signed."""
        key = key or self.key
        told = {
            "server_name": self.name,
            "valid_until_ts": self._clock.now_ms() + WEEK_MS,
            "verify_keys": {key.key_id: {"key": key.public_base64}},
            "old_verify_keys": {},
        }
        return sign_json({**told, **changes}, self.name, key)

    async def answer(self, method: str, uri: str, headers: Mapping[str, str], body: bytes | None) -> RemoteAnswer:
        path, _, query = uri.partition("?")
        name, segments = named([unquote(segment) for segment in path.split("/")[2:]])
        asked = Asked(headers.get("Authorization", ""), method, name, segments, parse_qs(query, keep_blank_values=True), body or b"")
        self.asked.append(asked)
        if name not in self.answers:
            return Told({"errcode": "M_UNRECOGNIZED", "error": "What?"}, 404)
        answer = self.answers[name](asked)
        if isawaitable(answer):
            answer = await answer
        told: RemoteAnswer = answer if isinstance(answer, Told) else Told(answer)
        return told

    def questions(self, name: str) -> list[Asked]:
        return [asked for asked in self.asked if asked.name == name]

    def request(self, method: str, uri: str, body: Any = None, *, header: str | None = None) -> Request:
        """Signed, unless there is a header for it. Bytes are sent and signed as they are."""
        raw = body if isinstance(body, bytes) else b"" if body is None else canonical_json.encode_tolerant(body)
        if header is None:
            header = x_matrix.authorization(self.key, self.name, self._home, method, uri, raw or None)
        path, _, query = uri.partition("?")
        return Request(method, path, query, {"authorization": header} if header else {}, raw, "192.0.2.66")

    async def serve(self, request: Request) -> tuple[int, Any]:
        """What the home server answers."""
        reply = await self._edge.serve(request)
        body = reply.body if isinstance(reply.body, bytes) else b"".join([piece async for piece in reply.body])
        return reply.status, orjson.loads(body) if reply.content_type.startswith("application/json") and body else body

    async def ask(self, method: str, uri: str, body: Any = None, *, header: str | None = None) -> tuple[int, Any]:
        return await self.serve(self.request(method, uri, body, header=header))

    def transaction(self, pdus: Any = (), edus: Any = (), **more: Any) -> tuple[str, dict[str, Any]]:
        """Where it goes, and its body."""
        self._count += 1
        body = {"origin": self.name, "origin_server_ts": self._clock.now_ms(), "pdus": list(pdus), "edus": list(edus), **more}
        return f"/_matrix/federation/v1/send/t{self._count}", body


def always(value: Any) -> Answering:
    """One answer to all."""
    return lambda _: value


def named(parts: list[str]) -> tuple[str, tuple[str, ...]]:
    """What a path below /_matrix asks, and the rest of it."""
    if parts[0] == "key":
        return ("keys" if parts[2] == "server" else "notary"), tuple(parts[3:])
    if parts[0] == "media":
        return "old_media", tuple(parts[2:])
    return parts[2], tuple(parts[3:])
