"""A small room of any version, and the form of a case: a room, an event, and the rule that refuses it if one does.

Alice made the room and rules it, Mo has 50, Bob is a plain member on another server, Eve is nobody yet.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from nacl.signing import SigningKey

from homeserver.protocol.event import Event, StateKey
from homeserver.protocol.room_versions import RoomVersion

ALICE, MO, BOB, EVE = "@alice:a.example", "@mo:a.example", "@bob:b.example", "@eve:c.example"
INVITE_KEY, OTHER_KEY = SigningKey(b"i" * 32), SigningKey(b"o" * 32)
ALL = range(1, 13)
Content = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """One event in one room; `refused` is the path of the rule, None if the event may stand."""

    name: str
    type: str
    sender: str
    content: Content
    refused: str | None = None
    state_key: str | None = None
    versions: range = ALL
    members: Mapping[str, str] = field(default_factory=dict)  # besides Alice, Mo and Bob, or instead
    join_rule: Any = "invite"
    levels: Content | None = field(default_factory=dict)  # changes to the usual ones; None: no event
    create: Content = field(default_factory=dict)
    pending: Content | None = None  # content of a third-party invite of Mo with the token `t`
    prev: tuple[str, ...] = ("$previous",)
    redacts: str | None = None
    event_id: str = "$event:a.example"

    def event(self, version: RoomVersion) -> Event:
        return make_event(
            version, self.event_id, self.type, self.sender, self.content, self.state_key, prev=self.prev, redacts=self.redacts
        )

    def state(self, version: RoomVersion) -> dict[StateKey, Event]:
        return make_state(version, self.members, self.join_rule, self.levels, self.create, self.pending)


def make_event(
    version: RoomVersion,
    event_id: str,
    type_: str,
    sender: str,
    content: Content,
    state_key: str | None = None,
    *,
    prev: tuple[str, ...] = ("$previous",),
    auth: tuple[str, ...] = (),
    redacts: str | None = None,
    ts: int = 0,
    room_id: str | None = None,
) -> Event:
    room = room_id or ("!create" if version.room_id_is_create_hash else "!room:a.example")
    pdu: Content = {"type": type_, "sender": sender, "content": content}
    if not (version.room_id_is_create_hash and type_ == "m.room.create"):
        pdu["room_id"] = room
    return Event(
        event_id=event_id,
        room_id=room,
        type=type_,
        sender=sender,
        state_key=state_key,
        content=content,
        origin_server_ts=ts,
        depth=5,
        prev_events=prev,
        auth_events=auth,
        redacts=redacts,
        pdu=pdu,
        version=version,
    )


def make_state(
    version: RoomVersion,
    members: Mapping[str, str] | None = None,
    join_rule: Any = "invite",
    levels: Content | None = None,
    create: Content | None = None,
    pending: Content | None = None,
) -> dict[StateKey, Event]:
    creation = {"room_version": version.identifier, **({} if version.creator_from_sender else {"creator": ALICE}), **(create or {})}
    events = [make_event(version, "$create", "m.room.create", ALICE, creation, "", prev=())]
    for user, membership in {ALICE: "join", MO: "join", BOB: "join", **(members or {})}.items():
        if membership != "none":
            events.append(make_event(version, f"${user}", "m.room.member", user, {"membership": membership}, user))
    if levels is not None:
        events.append(make_event(version, "$levels", "m.room.power_levels", ALICE, usual_levels(version, levels), ""))
    if join_rule is not None:
        events.append(make_event(version, "$rules", "m.room.join_rules", ALICE, {"join_rule": join_rule}, ""))
    if pending is not None:
        events.append(make_event(version, "$pending", "m.room.third_party_invite", MO, pending, "t"))
    return {event.address: event for event in events}


def usual_levels(version: RoomVersion, changes: Content) -> Content:
    """Alice 100, where she may be named, and Mo 50; a change of None takes a key away."""
    usual = {"users": {MO: 50} if version.privileged_creators else {ALICE: 100, MO: 50}}
    return {key: value for key, value in {**usual, **changes}.items() if value is not None}


def member(sender: str, target: str | None, membership: Any, **extra: Any) -> dict[str, Any]:
    """The fields of a case about a membership."""
    return {"type": "m.room.member", "sender": sender, "state_key": target, "content": {"membership": membership, **extra}}


def public_key(key: SigningKey) -> str:
    return base64.b64encode(bytes(key.verify_key)).decode().rstrip("=")


def signed(key: SigningKey = INVITE_KEY, **changes: Any) -> Content:
    """What an identity server says of Eve and the token `t`, signed; changed after signing, None takes away."""
    said = {"mxid": EVE, "token": "t"}
    signature = key.sign(json.dumps(said, separators=(",", ":"), sort_keys=True).encode()).signature
    whole = {**said, "signatures": {"id.example": {"ed25519:0": base64.b64encode(signature).decode().rstrip("=")}}, **changes}
    return {name: value for name, value in whole.items() if value is not None}
