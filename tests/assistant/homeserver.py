"""A homeserver as far as the assistant needs one: rooms in memory, over real HTTP, with the rules that matter here."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

import orjson
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Site

Json = dict[str, Any]
ME = "@assistant:test"


class No(Exception):
    def __init__(self, status: int, errcode: str) -> None:
        super().__init__(errcode)
        self.status, self.errcode = status, errcode


@dataclass
class Room:
    id: str
    events: list[Json] = field(default_factory=list)
    state: dict[tuple[str, str], Json] = field(default_factory=dict)

    def membership(self, user: str) -> str:
        return str(self.state.get(("m.room.member", user), {"content": {}})["content"].get("membership", "leave"))

    def power(self, user: str) -> int:
        levels = self.state[("m.room.power_levels", "")]["content"]
        return int(levels["users"].get(user, 0))

    def by(self, user: str, kind: str = "m.room.message") -> list[Json]:
        return [event for event in self.events if event["sender"] == user and event["type"] == kind and event["content"]]


class FakeHomeserver(Resource):
    isLeaf = True

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.rooms: dict[str, Room] = {}
        self.profiles: dict[str, Json] = {}
        self.files: dict[str, bytes] = {}
        self.txns: dict[str, str] = {}
        self.requests: list[tuple[str, str]] = []
        self.writes: list[tuple[str, str, Json]] = []  # of the assistant: room, type, content
        self.outbox: list[Json] = []
        self.is_down = False
        self.has_devices = False  # application services may have some
        self.devices: set[str] = set()
        self.letters: list[tuple[str, Json]] = []  # to devices: type, user to device to content
        self.max_delay_ms = 0
        self.delayed: dict[str, tuple[int, Room, str, Json]] = {}  # until when, and what
        self.names: dict[str, str] = {}  # instead of those that follow from the ID
        self.presence: dict[str, Json] = {}
        self.now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000
        self.freeze: Callable[[str, str, bool], bool] = lambda _method, _path, _after: False
        self.waiting: list[Any] = []  # not served yet
        self.withheld: list[tuple[Any, bytes]] = []  # served, and not answered
        self.count = 0

    # ---- people

    def create(
        self, creator: str, *people: str, visibility: str = "shared", powers: dict[str, int] | None = None, kind: str | None = None
    ) -> Room:
        self.count += 1
        room = self.rooms[f"!r{self.count}:test"] = Room(f"!r{self.count}:test")
        self.put(room.id, creator, "m.room.create", {"room_version": "10", "creator": creator} | ({"type": kind} if kind else {}), "")
        self.put(
            room.id, creator, "m.room.member", {"membership": "join", "displayname": creator[1:].split(":", maxsplit=1)[0].title()}, creator
        )
        users = {creator: 100, ME: 50} | (powers or {})
        self.put(room.id, creator, "m.room.power_levels", {"users": users, "users_default": 0, "state_default": 50, "events": {}}, "")
        self.put(room.id, creator, "m.room.history_visibility", {"history_visibility": visibility}, "")
        for user in people:
            self.join(room.id, user)
        return room

    def join(self, room: str, user: str) -> None:
        self.put(room, user, "m.room.member", {"membership": "join", "displayname": user[1:].split(":", maxsplit=1)[0].title()}, user)

    def leave(self, room: str, user: str) -> None:
        self.put(room, user, "m.room.member", {"membership": "leave"}, user)

    def invite_assistant(self, room: str, inviter: str, *, direct: bool = False) -> None:
        self.put(room, inviter, "m.room.member", {"membership": "invite"} | ({"is_direct": True} if direct else {}), ME)

    def say(self, room: str, user: str, body: str, **more: Any) -> str:
        return self.put(room, user, "m.room.message", {"msgtype": "m.text", "body": body} | more)

    def mention(self, room: str, user: str, body: str, **more: Any) -> str:
        return self.say(room, user, f"{ME} {body}", **({"m.mentions": {"user_ids": [ME]}} | more))

    def react(self, room: str, user: str, event: str, key: str) -> str:
        return self.put(room, user, "m.reaction", {"m.relates_to": {"rel_type": "m.annotation", "event_id": event, "key": key}})

    def redact(self, room: str, user: str, event: str) -> str:
        for found in self.rooms[room].events:
            if found["event_id"] == event:
                found["content"] = {}
                found.setdefault("unsigned", {})["redacted_because"] = {"sender": user}
        return self.put(room, user, "m.room.redaction", {"redacts": event}, redacts=event)

    # ---- events

    def put(self, room_id: str, sender: str, kind: str, content: Json, state_key: str | None = None, redacts: str | None = None) -> str:
        room = self.rooms[room_id]
        self.count += 1
        event: Json = {
            "event_id": f"$e{self.count}",
            "room_id": room_id,
            "sender": sender,
            "type": kind,
            "content": content,
            "origin_server_ts": self.now_ms(),
            "unsigned": {},
        }
        if redacts is not None:
            event["redacts"] = redacts
        if state_key is not None:
            event["state_key"] = state_key
            if (before := room.state.get((kind, state_key))) is not None:
                event["unsigned"]["prev_content"] = before["content"]
            room.state[kind, state_key] = event
        room.events.append(event)
        if room.membership(ME) == "join" or (kind == "m.room.member" and state_key == ME):
            self.outbox.append(event)
        return str(event["event_id"])

    def send_delayed(self) -> None:
        """Those whose time has come."""
        for delay, (due, room, kind, content) in list(self.delayed.items()):
            if due <= self.now_ms():
                del self.delayed[delay]
                self.put(room.id, ME, kind, content)

    # ---- HTTP

    def render(self, request: Any) -> Any:
        path = request.path.decode()
        method = request.method.decode()
        self.requests.append((method, path))
        if self.is_down:
            return self._drop(request)
        if self.freeze(method, path, False):
            self.waiting.append(request)
            return NOT_DONE_YET
        data = self._answer(request)
        if request.code == 200 and self.freeze(method, path, True):
            self.withheld.append((request, data))
            return NOT_DONE_YET
        return data

    def _answer(self, request: Any) -> bytes:
        request.setHeader("Content-Type", "application/json")
        try:
            assert request.getHeader("authorization") == "Bearer as-token"
            answer = self._serve(request.method.decode(), [unquote(part) for part in request.path.decode().split("/")[3:]], request)
        except No as error:
            request.setResponseCode(error.status)
            return orjson.dumps({"errcode": error.errcode, "error": error.errcode})
        return answer if isinstance(answer, bytes) else orjson.dumps(answer)

    def serve_late(self) -> None:
        """What was frozen before it was served."""
        self.withheld += [(request, self._answer(request)) for request in self.waiting]
        self.waiting.clear()
        self.release()

    def release(self) -> None:
        """What was done and not answered."""
        for request, data in self.withheld:
            if request.channel is not None:  # somebody waits for it still
                request.write(data)
                request.finish()
        self.withheld.clear()

    def _drop(self, request: Any) -> Any:
        request.setResponseCode(502)
        return b"{}"

    def _serve(self, method: str, path: list[str], request: Any) -> Any:
        body = request.content.read()
        match method, path:
            case "POST", ["v3", "register"]:
                return {"user_id": ME}
            case "PUT", ["v3", "profile", user, "displayname"]:
                self.profiles.setdefault(user, {})["displayname"] = orjson.loads(body)["displayname"]
                return {}
            case "GET", ["v3", "profile", user]:
                return self.profiles.get(user, {})
            case "GET", ["v3", "capabilities"]:
                delays = {"org.matrix.msc4140.delayed_events": {"max_delay_ms": self.max_delay_ms}} if self.max_delay_ms else {}
                return {"capabilities": delays}
            case "POST", ["unstable", "org.matrix.msc4140", "delayed_events", delay, "cancel"]:
                if self.delayed.pop(delay, None) is None:
                    raise No(404, "M_NOT_FOUND")
                return {}
            case "PUT", ["v3", "devices", device] if self.has_devices:
                self.devices.add(device)
                return {}
            case "PUT", ["v3", "sendToDevice", kind, _]:
                self.letters.append((kind, orjson.loads(body)["messages"]))
                return {}
            case "GET", ["v3", "presence", user, "status"] if user in self.presence:
                return self.presence[user]
            case "GET", ["v3", "joined_rooms"]:
                return {"joined_rooms": [room.id for room in self.rooms.values() if room.membership(ME) == "join"]}
            case "POST", ["v3", "upload"]:
                self.count += 1
                self.files[f"f{self.count}"] = body
                return {"content_uri": f"mxc://test/f{self.count}"}
            case "GET", ["v1", "media", "download", "test", name]:
                if name not in self.files:
                    raise No(404, "M_NOT_FOUND")
                return self.files[name]
            case _, [_, "rooms", room, *rest]:
                return self._in_room(method, self.rooms[room], rest, request, body)
        raise No(404, "M_UNRECOGNIZED")

    def _in_room(self, method: str, room: Room, path: list[str], request: Any, body: bytes) -> Any:
        if path != ["join"] and room.membership(ME) != "join":
            raise No(403, "M_FORBIDDEN")
        match method, path:
            case "POST", ["join"]:
                if room.membership(ME) != "join":
                    self.join(room.id, ME)
                return {"room_id": room.id}
            case "GET", ["joined_members"]:
                users = [key for kind, key in room.state if kind == "m.room.member" and room.membership(key) == "join"]
                return {"joined": {user: {"display_name": self.names.get(user, user[1:].split(":")[0].title())} for user in users}}
            case "GET", ["state", kind, key]:
                if (found := room.state.get((kind, key))) is None:
                    raise No(404, "M_NOT_FOUND")
                return found if request.args.get(b"format") == [b"event"] else found["content"]
            case "PUT", ["state", kind, key]:
                if room.power(ME) < 50:
                    raise No(403, "M_FORBIDDEN")
                self.writes.append((room.id, kind, orjson.loads(body)))
                return {"event_id": self.put(room.id, ME, kind, orjson.loads(body), key)}
            case "PUT", ["send", kind, txn]:
                delay = request.args.get(b"org.matrix.msc4140.delay") if self.max_delay_ms else None
                content = orjson.loads(body)
                return self._send(room, kind, txn, content) if delay is None else self._later(room, kind, content, delay)
            case "PUT", ["redact", event, txn]:
                if txn not in self.txns:
                    self.txns[txn] = self.redact(room.id, ME, event)
                return {"event_id": self.txns[txn]}
            case "PUT", ["typing", _]:
                return {}
            case "GET", ["event", event]:
                found = next((each for each in room.events if each["event_id"] == event), None)
                if found is None:
                    raise No(404, "M_NOT_FOUND")
                return found
            case "GET", ["relations", event, relation]:
                return {"chunk": [each for each in reversed(room.events) if _relates(each, event, relation)]}
            case "GET", ["messages"]:
                return self._messages(room, request)
        raise No(404, "M_UNRECOGNIZED")

    def _later(self, room: Room, kind: str, content: Json, delay: list[bytes]) -> Json:
        self.count += 1
        self.delayed[f"d{self.count}"] = (self.now_ms() + int(delay[0]), room, kind, content)
        return {"delay_id": f"d{self.count}"}

    def _send(self, room: Room, kind: str, txn: str, content: Json) -> Json:
        assert len(orjson.dumps(content)) < 60_000
        if txn not in self.txns:
            relation = content.get("m.relates_to", {})
            root = next((each for each in room.events if each["event_id"] == relation.get("event_id")), None)
            if relation.get("rel_type") == "m.thread" and root is not None and "rel_type" in root["content"].get("m.relates_to", {}):
                raise No(400, "M_UNKNOWN")  # what has a relation can be no root of a thread
            self.writes.append((room.id, kind, content))
            self.txns[txn] = self.put(room.id, ME, kind, content)
        return {"event_id": self.txns[txn]}

    def _messages(self, room: Room, request: Any) -> Json:
        end = int(request.args[b"from"][0]) if b"from" in request.args else len(room.events)
        limit, start = int(request.args[b"limit"][0]), end
        kinds, chunk = orjson.loads(request.args.get(b"filter", [b"{}"])[0]).get("types"), list[Json]()
        while start and len(chunk) < limit:
            start -= 1
            chunk += [room.events[start]] if kinds is None or room.events[start]["type"] in kinds else []
        answer: Json = {"chunk": chunk, "start": str(end)}
        return answer | ({"end": str(start)} if start else {})


def _relates(event: Json, to: str, relation: str) -> bool:
    found = event["content"].get("m.relates_to", {})
    return bool(found.get("event_id") == to and found.get("rel_type") == relation)


def listen(reactor: Any, resource: Resource) -> Any:
    site = Site(resource, reactor=reactor)
    site.noisy = False
    return reactor.listenTCP(0, site, interface="127.0.0.1")
