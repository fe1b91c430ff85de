"""A room told event by event, its state worked out as a server does: each event follows others, merged states are resolved."""

from typing import Any

from homeserver.protocol.auth_rules import check_event, needed_state
from homeserver.protocol.errors import NotAuthorised
from homeserver.protocol.event import Event, StateKey
from homeserver.protocol.room_versions import ROOM_VERSIONS
from homeserver.protocol.state_resolution import resolve
from tests.protocol.rooms.small_room import ALICE, make_event, usual_levels


class History:
    """Events by name; `$name` is the ID. Begins with create, Alice's join, levels (Mo has 50) and a public join rule."""

    def __init__(self, version: str, levels: dict[str, Any] | None = None) -> None:
        self.version = ROOM_VERSIONS[version]
        self.events: dict[str, Event] = {}
        self.after: dict[str, dict[StateKey, str]] = {}
        self.last = ""
        self.clock = 0
        creation = {"room_version": version, **({} if self.version.creator_from_sender else {"creator": ALICE})}
        self.add("create", "m.room.create", ALICE, creation)
        self.join("alice", ALICE)
        self.add("levels", "m.room.power_levels", ALICE, usual_levels(self.version, levels or {}))
        self.add("rules", "m.room.join_rules", ALICE, {"join_rule": "public"})

    def add(
        self,
        name: str,
        type_: str,
        sender: str,
        content: dict[str, Any],
        state_key: str = "",
        *,
        after: str | None = None,
        ts: int | None = None,
    ) -> str:
        """One more state event, after the last one or those named (with spaces between); it must be allowed where it stands."""
        self.clock += 10
        previous = (after if after is not None else self.last).split()
        before = self.state(*previous)
        needed = needed_state(type_, sender, state_key, content, self.version)
        event = make_event(
            self.version,
            f"${name}",
            type_,
            sender,
            content,
            state_key,
            prev=tuple(f"${other}" for other in previous),
            auth=tuple(before[key] for key in needed if key in before),
            ts=self.clock if ts is None else ts,
        )
        try:
            check_event(event, {key: self.events[event_id] for key, event_id in before.items()})
        except NotAuthorised as refusal:
            raise AssertionError(f"{name} may not stand here: {refusal}") from refusal
        self.events[event.event_id] = event
        self.after[name] = {**before, event.address: event.event_id}
        self.last = name
        return name

    def member(self, name: str, sender: str, target: str, membership: str, **more: Any) -> str:
        return self.add(name, "m.room.member", sender, {"membership": membership}, target, **more)

    def join(self, name: str, user: str, **more: Any) -> str:
        return self.member(name, user, user, "join", **more)

    def levels(self, name: str, sender: str, changes: dict[str, Any], **more: Any) -> str:
        return self.add(name, "m.room.power_levels", sender, usual_levels(self.version, changes), **more)

    def state(self, *names: str) -> dict[StateKey, str]:
        """The state after all of these."""
        return self.resolve(*(self.after[name] for name in names))

    def resolve(self, *states: dict[StateKey, str]) -> dict[StateKey, str]:
        return resolve(self.version, states, self.events)
