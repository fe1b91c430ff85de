"""One case's stage: a user of the home server, a peer that lies, one that does not, and a room with all three of them once it is wanted."""

import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from hashlib import sha256
from typing import Any
from urllib.parse import quote

from federation.client import v1, v2
from federation.handshakes.template import complete, read_template
from homeserver.protocol.auth_rules import needed_state
from homeserver.protocol.event import Draft, Event, StateKey
from homeserver.protocol.event_build import Reference, build
from homeserver.protocol.redaction import redact
from homeserver.protocol.room_versions import ROOM_VERSIONS, RoomVersion
from homeserver.protocol.signing import SigningKey, encode_base64, encode_base64_url
from homeserver.rooms.append import Identity
from homeserver.rooms.store import HeadRecord
from tests.hostile.support.peer import Peer
from tests.hostile.support.world import HOME, World
from tests.support.client import Client
from tests.support.rooms import create_room, path

FORGED = "forged"  # every lie that has words says this one


class Scene:
    """`lies`: IDs of what must never be seen; `honest`: what must be."""

    def __init__(self, world: World, version: str) -> None:
        self.world = world
        self.version: RoomVersion = ROOM_VERSIONS[version]
        self.evil = world.peer("evil")
        self.good = world.peer("good")
        self.bob, self.carol = self.evil.user("bob"), self.good.user("carol")
        self.alice_id = f"@alice{len(world.network.peers)}:{HOME}"
        self.lies: list[str] = []
        self.honest: list[str] = []
        self.room_options: dict[str, Any] = {}
        self.foreign = ""  # a room of carol's server
        self.standing: dict[StateKey, str] = {}  # the room's state as it must be in the end
        self._count = 0

    @cached_property
    def alice(self) -> Client:
        return self.world.home.user(self.alice_id[1:].partition(":")[0])

    def register(self) -> Client:
        """Alice, before anybody speaks of her."""
        return self.alice

    @cached_property
    def room(self) -> str:
        """Alice's, open to all; bob and carol have come in by the door."""
        room = self.open_room()
        self.enter(self.evil, self.bob, room)
        self.enter(self.good, self.carol, room)
        return room

    def open_room(self, **options: Any) -> str:
        chosen = {"preset": "public_chat", "room_version": self.version.identifier, "name": "ours", **self.room_options, **options}
        return create_room(self.world.home, self.alice, **chosen)

    def begin(self) -> None:
        """Another case, in the same room."""
        self.lies.clear()
        self.honest.clear()
        for peer in (self.evil, self.good):
            peer.begin()

    def stand(self) -> None:
        """So the room stands by right, whatever comes now."""
        self.standing = {address: event.event_id for address, event in self.state().items()}

    # handshakes

    def member_event(self, peer: Peer, user_id: str, room: str, membership: str = "join", **content: Any) -> Event:
        """What an honest server makes of the template that it asks for."""
        uri = v1(f"make_{membership}", room, user_id) + ("" if membership == "leave" else f"?ver={self.version.identifier}")
        status, answer = self.world.run(peer.ask("GET", uri))
        assert status == 200, answer
        template = read_template(answer, HOME)
        identity, now_ms = Identity(peer.name, peer.key), self.world.clock.now_ms()
        said = {"membership": membership, **content}
        return complete(template, room, user_id, said, identity=identity, now_ms=now_ms, token="")

    def enter(self, peer: Peer, user_id: str, room: str) -> Event:
        join = self.member_event(peer, user_id, room)
        status, answer = self.hand_in(peer, "send_join", room, join)
        assert status == 200, answer
        return join

    def hand_in(self, peer: Peer, end: str, room: str, event: Event | Mapping[str, Any], event_id: str = "") -> tuple[int, Any]:
        pdu = event.pdu if isinstance(event, Event) else event
        name = event_id or (event.event_id if isinstance(event, Event) else "$" + "0" * 43)
        segments = (v1 if end == "send_knock" else v2)(end, room, name)
        return self.world.run(peer.ask("PUT", segments, pdu))

    # what the home server has

    def head(self, room: str = "") -> HeadRecord:
        record = self.world.run(self.world.home.parts.rooms.store.head(room or self.room))
        assert record is not None
        return record

    def ends(self, room: str = "") -> list[Event]:
        return [end.event for end in self.head(room).extremities]

    def state(self, room: str = "") -> dict[StateKey, Event]:
        found = self.world.run(self.world.home.parts.rooms.states.all(self.head(room).root))
        return {event.event.address: event.event for event in found}

    def stored(self, event_id: str) -> Event | None:
        found = self.world.run(self.world.home.parts.rooms.store.events([event_id])).get(event_id)
        return None if found is None else found.event

    def levels(self, **users: int) -> dict[str, Any]:
        """The room's power levels with others for some of the users."""
        content = self.state()["m.room.power_levels", ""].content
        names = {"bob": self.bob, "carol": self.carol, "alice": self.alice_id}
        return {**content, "users": {**content["users"], **{names[name]: level for name, level in users.items()}}}

    # what alice does

    def says(self, text: str, room: str = "") -> str:
        where = path("rooms", room or self.room, "send", "m.room.message", f"{self.alice_id}{self.next()}")
        return str(self.world.home.ok(self.alice.put(where, {"msgtype": "m.text", "body": text}))["event_id"])

    def sets(self, kind: str, content: Mapping[str, Any], state_key: str = "", room: str = "") -> Event:
        event_id = self.world.home.ok(self.alice.put(path("rooms", room or self.room, "state", kind, state_key), content))["event_id"]
        event = self.stored(event_id)
        assert event is not None
        return event

    def bans(self, user_id: str, action: str = "ban") -> None:
        self.world.home.ok(self.alice.post(path("rooms", self.room, action), {"user_id": user_id}))

    # what the peers make

    def next(self) -> int:
        self._count += 1
        return self._count

    def peer_of(self, user_id: str) -> Peer:
        return self.good if user_id.endswith(":" + self.good.name) else self.evil

    def forge(
        self,
        kind: str,
        content: Mapping[str, Any],
        state_key: str | None = None,
        *,
        sender: str = "",
        prev: Sequence[Event | Reference] | None = None,
        auth: Sequence[Event | Reference] | None = None,
        depth: int | None = None,
        redacts: str | None = None,
        state: Mapping[StateKey, Event] | None = None,
        room: str = "",
        ts: int | None = None,
        key: SigningKey | None = None,
    ) -> Event:
        """An event of bob's, at the ends of the room and with the authority that it has there, unless something else is said."""
        sender, room = sender or self.bob, room or self.room
        if auth is None:
            known = self.state(room) if state is None else state
            auth = [known[a] for a in needed_state(kind, sender, state_key, content, self.version) if a in known]
        previous = self.ends(room) if prev is None else prev
        if depth is None:
            depth = max((event.depth for event in previous if isinstance(event, Event)), default=0) + 1
        peer = self.peer_of(sender)
        return build(
            Draft(kind, sender, content, state_key, redacts, ts), version=self.version, room_id=room, prev_events=previous,
            auth_events=auth, depth=depth, now_ms=self.world.clock.now_ms() + self.next(), server_name=peer.name, key=key or peer.key,
        )  # fmt: skip

    def message(self, text: str = FORGED, **more: Any) -> Event:
        return self.forge("m.room.message", {"msgtype": "m.text", "body": text}, **more)

    def member(self, membership: Any, state_key: str = "", **more: Any) -> Event:
        return self.forge("m.room.member", {"membership": membership, "displayname": FORGED}, state_key or self.bob, **more)

    def honest_message(self, room: str = "") -> Event:
        """Carol's."""
        event = self.message(f"honest {self.next()}", sender=self.carol, room=room)
        if not room:
            self.honest.append(event.event_id)
        return event

    # what the peers send

    def send(self, pdus: Sequence[Any] = (), edus: Sequence[Any] = (), *, peer: Peer | None = None, status: int = 200) -> Any:
        """A transaction as it is."""
        peer = peer or self.evil
        uri, body = peer.transaction([pdu_of(pdu) for pdu in pdus], edus)
        found, answer = self.world.run(peer.ask("PUT", uri, body))
        assert found == status, (found, answer)
        return answer

    def raw(self, body: bytes) -> int:
        """The status of a transaction of these very bytes, well signed."""
        uri, _ = self.evil.transaction()
        return self.world.run(self.evil.ask("PUT", uri, body))[0]

    def tell(self, *lies: Any) -> Any:
        """What must not be taken, with something honest behind it."""
        self.lies += [lie.event_id for lie in lies if isinstance(lie, Event)]
        return self.send([*lies, self.honest_message()])

    def told(self, *events: Any) -> Any:
        """What may be taken."""
        return self.send(events)


def signed_anyhow(pdu: Mapping[str, Any], version: RoomVersion, peer: Peer) -> tuple[str, dict[str, Any]]:
    """The ID, and the event hashed and signed in the way of canonical JSON, though it has none."""
    rest = {key: value for key, value in pdu.items() if key not in ("hashes", "signatures", "unsigned")}
    rest["hashes"] = {"sha256": encode_base64(sha256(loose(rest)).digest())}
    is_event = isinstance(rest.get("type"), str) and isinstance(rest.get("content"), dict)
    kept = redact(rest, version) if is_event else rest
    message = loose({key: value for key, value in kept.items() if key != "signatures"})
    rest["signatures"] = {peer.name: {peer.key.key_id: encode_base64(peer.key.sign(message))}}
    return "$" + encode_base64_url(sha256(message).digest()), {**rest, **({"unsigned": pdu["unsigned"]} if "unsigned" in pdu else {})}


def loose(value: Any) -> bytes:
    """JSON with sorted keys, also of what is not allowed."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode(errors="surrogatepass")


def pdu_of(event: Any) -> Any:
    return event.pdu if isinstance(event, Event) else event


def segment(text: str) -> str:
    """Of a path."""
    return quote(text, safe="")
