"""A room that is on other servers alone: what an honest one of them would tell of it."""

from collections.abc import Mapping
from typing import Any

from homeserver.protocol.auth_rules import needed_state
from homeserver.protocol.event import Draft, Event, StateKey
from homeserver.protocol.event_build import build
from homeserver.protocol.event_format import receive
from tests.hostile.support.peer import Answering, Asked, Peer
from tests.hostile.support.scene import Scene

SETTINGS: Mapping[str, Any] = {"m.room.join_rules": {"join_rule": "public"}, "m.room.history_visibility": {"history_visibility": "shared"}}


class ForeignRoom:
    """Of a user of that peer's; any peer may answer for it by `answers`."""

    def __init__(self, scene: Scene, peer: Peer, creator: str, **settings: Any) -> None:
        self._scene = scene
        self._peer = peer
        self.version = scene.version
        self.creator = creator
        self.events: dict[str, Event] = {}
        self.state: dict[StateKey, Event] = {}
        self.before: dict[str, dict[StateKey, Event]] = {}
        self.ends: list[Event] = []
        self.room_id: str | None = None if self.version.room_id_is_create_hash else f"!{scene.next()}:{peer.name}"
        create = self.add("m.room.create", {"room_version": self.version.identifier}, "")
        self.id = self.room_id = create.room_id
        self.add("m.room.member", {"membership": "join"}, creator)
        users = {} if self.version.privileged_creators else {creator: 100}
        self.add("m.room.power_levels", {"users": users, "events": {"m.room.tombstone": 150}} if not users else {"users": users}, "")
        for kind, content in {**SETTINGS, **settings}.items():
            self.add(kind, content, "")

    def make(
        self, kind: str, content: Mapping[str, Any], state_key: str | None = None, *, sender: str = "", peer: Peer | None = None
    ) -> Event:
        """At the ends of the room, and not in it yet."""
        sender, peer = sender or self.creator, peer or self._peer
        wanted = needed_state(kind, sender, state_key, content, self.version)
        return build(
            Draft(kind, sender, content, state_key), version=self.version, room_id=self.room_id, prev_events=self.ends,
            auth_events=[self.state[address] for address in wanted if address in self.state],
            depth=max((event.depth for event in self.ends), default=0) + 1, now_ms=self._scene.world.clock.now_ms() + self._scene.next(),
            server_name=peer.name, key=peer.key,
        )  # fmt: skip

    def add(self, kind: str, content: Mapping[str, Any], state_key: str | None = None, **more: Any) -> Event:
        return self.take(self.make(kind, content, state_key, **more))

    def take(self, event: Event) -> Event:
        self.events[event.event_id] = event
        self.before[event.event_id] = dict(self.state)
        if event.state_key is not None:
            self.state[event.address] = event
        self.ends = [event]
        return event

    def says(self, text: str) -> Event:
        return self.add("m.room.message", {"msgtype": "m.text", "body": text})

    def chain(self, events: list[Event]) -> list[Event]:
        """All that they are authorised by."""
        found: dict[str, Event] = {}
        wanted = [name for event in events for name in event.auth_events]
        if self.version.room_id_is_create_hash:
            wanted.append("$" + self.id[1:])
        while wanted:
            name = wanted.pop()
            if name not in found:
                found[name] = self.events[name]
                wanted += found[name].auth_events
        return list(found.values())

    def template(self, user_id: str, membership: str = "join") -> dict[str, Any]:
        event = self.make("m.room.member", {"membership": membership}, user_id, sender=user_id)
        pdu = {key: value for key, value in event.pdu.items() if key not in ("hashes", "signatures")}
        return {"room_version": self.version.identifier, "event": pdu}

    def entered(self, asked: Asked) -> dict[str, Any]:
        """The answer to a join that is handed in."""
        state = list(self.state.values())
        join = self.take(receive(asked.json, self.version, room_id=self.id).event)
        chain = self.chain([*state, join])
        return {"origin": self._peer.name, "event": join.pdu, "state": pdus(state), "auth_chain": pdus(chain), "members_omitted": False}

    def answers(self) -> dict[str, Answering]:
        return {
            "make_join": lambda asked: self.template(asked.segments[1]),
            "make_leave": lambda asked: self.template(asked.segments[1], "leave"),
            "make_knock": lambda asked: self.template(asked.segments[1], "knock"),
            "send_join": self.entered,
            "send_leave": lambda _: {},
            "send_knock": lambda _: {"knock_room_state": pdus(list(self.state.values()))},
            "event": lambda asked: {"pdus": pdus([self.events[asked.segments[0]]])},
            "event_auth": lambda asked: {"auth_chain": pdus(self.chain([self.events[asked.segments[1]]]))},
            "state_ids": self._state_ids,
            "state": self._state,
            "backfill": self._backfill,
        }

    def _state_ids(self, asked: Asked) -> dict[str, Any]:
        state = list(self.before[asked.query["event_id"][0]].values())
        return {"pdu_ids": [event.event_id for event in state], "auth_chain_ids": [event.event_id for event in self.chain(state)]}

    def _state(self, asked: Asked) -> dict[str, Any]:
        state = list(self.before[asked.query["event_id"][0]].values())
        return {"pdus": pdus(state), "auth_chain": pdus(self.chain(state))}

    def _backfill(self, asked: Asked) -> dict[str, Any]:
        found: dict[str, Event] = {}
        wanted = list(asked.query["v"])
        while wanted:
            name = wanted.pop(0)
            if name in self.events and name not in found:
                found[name] = self.events[name]
                wanted += found[name].prev_events
        return {"pdus": pdus(list(found.values()))}


def pdus(events: list[Event]) -> list[dict[str, Any]]:
    return [event.pdu for event in events]
