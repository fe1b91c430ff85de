"""A room of servers that the benchmark plays: every event in it is built, hashed and signed beforehand, so that sending them costs next to nothing."""

import itertools
import time
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from homeserver.protocol.auth_rules import needed_state
from homeserver.protocol.event import Draft, Event, StateKey
from homeserver.protocol.event_build import build
from homeserver.protocol.event_format import parse
from homeserver.protocol.ids import server_name_of
from homeserver.protocol.room_versions import DEFAULT_ROOM_VERSION as VERSION
from homeserver.protocol.signing import SigningKey

NOT_TOLD = ("event_id", "hashes", "signatures")
WORDS = "the quick brown fox jumps over the lazy dog and sees that it is not all that lazy"


class PlayedRoom:
    """Public, made by the first of `users`, who are all in it; their servers share one key."""

    def __init__(self, users: Sequence[str], key: SigningKey) -> None:
        self.users = users
        self._key = key
        self._numbers = itertools.count(1)
        self.state: dict[StateKey, Event] = {}
        self.events: dict[str, Event] = {}
        self._last: Event | None = None
        self._room_id: str | None = None
        founder = users[0]
        first = self.add(Draft("m.room.create", founder, {"room_version": VERSION.identifier}, ""))
        self._room_id = first.room_id
        self.add(Draft("m.room.member", founder, {"membership": "join"}, founder))
        self.add(Draft("m.room.power_levels", founder, {"users": {} if VERSION.privileged_creators else {founder: 100}}, ""))
        self.add(Draft("m.room.join_rules", founder, {"join_rule": "public"}, ""))
        self.add(Draft("m.room.history_visibility", founder, {"history_visibility": "shared"}, ""))
        for user in users[1:]:
            self.add(Draft("m.room.member", user, {"membership": "join"}, user))

    @property
    def room_id(self) -> str:
        return self._room_id or ""

    @property
    def servers(self) -> list[str]:
        return sorted({server_name_of(user) for user in self.users})

    def add(self, draft: Draft) -> Event:
        """The next event, at the end of the graph."""
        cited = needed_state(draft.type, draft.sender, draft.state_key, draft.content, VERSION)
        event = build(
            draft,
            version=VERSION,
            room_id=self._room_id,
            prev_events=[] if self._last is None else [self._last],
            auth_events=[self.state[address] for address in cited if address in self.state],
            depth=1 if self._last is None else self._last.depth + 1,
            now_ms=time.time_ns() // 1_000_000,
            server_name=server_name_of(draft.sender),
            key=self._key,
        )
        return self._count(event)

    def messages(self, count: int) -> list[Event]:
        """Of all users in turn."""
        made = []
        for number in itertools.islice(self._numbers, count):
            text = {"msgtype": "m.text", "body": f"{number} {WORDS}"}
            made.append(self.add(Draft("m.room.message", self.users[number % len(self.users)], text)))
        return made

    def template(self, user_id: str) -> dict[str, Any]:
        """What `make_join` tells."""
        last = self._last
        if last is None:
            raise ValueError("the room has not begun")
        cited = needed_state("m.room.member", user_id, user_id, {"membership": "join"}, VERSION)
        event = {
            "type": "m.room.member",
            "sender": user_id,
            "state_key": user_id,
            "content": {"membership": "join"},
            "room_id": self.room_id,
            "depth": last.depth + 1,
            "prev_events": [last.event_id],
            "auth_events": [self.state[address].event_id for address in cited if address in self.state],
            "origin": server_name_of(self.users[0]),
            "origin_server_ts": time.time_ns() // 1_000_000,
        }
        return {"room_version": VERSION.identifier, "event": event}

    def take_join(self, pdu: Mapping[str, Any]) -> dict[str, Any]:
        """What `send_join` tells: the state before the join."""
        state = [event.pdu for event in self.state.values()]
        self._count(parse(dict(pdu), VERSION))
        answer = {"state": state, "auth_chain": state, "event": pdu, "origin": server_name_of(self.users[0])}
        return {**answer, "members_omitted": False, "servers_in_room": self.servers}

    def between(self, earliest: Collection[str], latest: Sequence[str], limit: int) -> list[dict[str, Any]]:
        """What `get_missing_events` tells: what comes right before the latest, oldest first."""
        found: dict[str, Event] = {}
        wanted = [cited for event_id in latest if event_id in self.events for cited in self.events[event_id].prev_events]
        while wanted and len(found) < limit:
            event = self.events.get(wanted.pop(0))
            if event is not None and event.event_id not in found and event.event_id not in earliest:
                found[event.event_id] = event
                wanted += event.prev_events
        return [event.pdu for event in sorted(found.values(), key=lambda event: event.depth)]

    def _count(self, event: Event) -> Event:
        self._last = event
        self.events[event.event_id] = event
        if event.state_key is not None:
            self.state[event.address] = event
        return event
