"""Every room version, through the life of a room: made, joined, spoken in, redacted in, ruled; and every event of it checked from the ground."""

from pathlib import Path
from typing import Any

import pytest

from homeserver.protocol.room_versions import ROOM_VERSIONS
from tests.support.client import Client
from tests.support.places import verified
from tests.support.rooms import create_room, join, member, path, refused, state_of
from tests.support.server import make_server

ALICE, BOB, CAROL, DAVE = (f"@{name}:test" for name in ("alice", "bob", "carol", "dave"))


class Life:
    """Four people and a room of that version, Alice's."""

    def __init__(self, directory: Path, version: str, **body: Any) -> None:
        self.server = make_server(directory)
        self.version = ROOM_VERSIONS[version]
        self.alice, self.bob, self.carol, self.dave = (self.server.user(name) for name in ("alice", "bob", "carol", "dave"))
        self.count = 0
        self.room = create_room(self.server, self.alice, room_version=version, **{"preset": "public_chat", **body})

    def put(self, client: Client, *segments: str, **content: Any) -> tuple[int, Any]:
        return self.server.run(client.put(path("rooms", self.room, *segments), content))

    def say(self, client: Client, **content: Any) -> tuple[int, Any]:
        self.count += 1
        return self.put(client, "send", "m.room.message", str(self.count), body=f"message {self.count}", **content)

    def redact(self, client: Client, event_id: str, **content: Any) -> tuple[int, Any]:
        self.count += 1
        return self.put(client, "redact", event_id, str(self.count), **content)

    def state(self, client: Client, type: str, content: dict[str, Any], key: str = "") -> tuple[int, Any]:
        return self.put(client, "state", type, key, **content)

    def event(self, client: Client, event_id: str) -> Any:
        return self.server.ok(client.get(path("rooms", self.room, "event", event_id)))

    def member(self, client: Client, action: str, user_id: str) -> tuple[int, Any]:
        return member(self.server, client, self.room, action, user_id)

    def join(self, client: Client, room: str = "") -> tuple[int, Any]:
        return self.server.run(client.post(path("join", room or self.room)))

    def levels(self) -> dict[str, Any]:
        return dict(self.server.ok(self.alice.get(path("rooms", self.room, "state", "m.room.power_levels"))))


@pytest.fixture(params=ROOM_VERSIONS)
def life(request: pytest.FixtureRequest, tmp_path: Path) -> Life:
    return Life(tmp_path, request.param)


def test_made_joined_spoken_in(life: Life, tmp_path: Path) -> None:
    create = state_of(life.server, life.alice, life.room)["m.room.create", ""]
    assert create["room_version"] == life.version.identifier
    assert ("creator" in create) is not life.version.creator_from_sender
    assert life.room.endswith(":test") is not life.version.room_id_is_create_hash
    refused(life.say(life.bob), 403, "M_FORBIDDEN")
    assert life.join(life.bob)[0] == 200
    status, answer = life.say(life.bob)
    assert status == 200
    assert life.event(life.alice, answer["event_id"])["content"]["body"] == "message 2"
    refused(life.state(life.bob, "m.room.name", {"name": "no"}), 403, "M_FORBIDDEN")
    verified(life.server, tmp_path)


def test_redactions(life: Life, tmp_path: Path) -> None:
    join(life.server, life.bob, life.room)
    join(life.server, life.carol, life.room)
    said = {client: life.say(client)[1]["event_id"] for client in (life.alice, life.bob, life.carol)}
    refused(life.redact(life.bob, said[life.carol]), 403, "M_FORBIDDEN")
    refused(life.redact(life.bob, said[life.alice]), 403, "M_FORBIDDEN")
    refused(life.redact(life.bob, "$nonsense"), 404, "M_NOT_FOUND")
    status, answer = life.redact(life.bob, said[life.bob], reason="mine")
    assert status == 200
    gone = life.event(life.alice, said[life.bob])
    assert gone["content"] == {}
    because = gone["unsigned"]["redacted_because"]
    assert (because["event_id"], because["content"]["reason"]) == (answer["event_id"], "mine")
    assert because["content"]["redacts"] == because["redacts"] == said[life.bob]
    assert life.redact(life.alice, said[life.carol])[0] == 200
    assert life.redact(life.alice, said[life.carol])[0] == 200  # twice is once
    assert life.redact(life.alice, answer["event_id"])[0] == 200  # a redaction, which stays one
    assert life.event(life.alice, said[life.bob])["content"] == {}
    verified(life.server, tmp_path)


def test_redacted_state(life: Life, tmp_path: Path) -> None:
    """The auth rules judge by what is left; the room goes on, and state can be set again to what it was."""
    server, room = life.server, life.room
    join(server, life.bob, room)
    refused_types = ("m.room.create",)
    for type_, key in (("m.room.power_levels", ""), ("m.room.join_rules", ""), ("m.room.member", BOB), ("m.room.history_visibility", "")):
        event_id = server.ok(life.alice.get(path("rooms", room, "state", type_, key), {"format": "event"}))["event_id"]
        assert life.redact(life.alice, event_id)[0] == 200
    for type_ in refused_types:
        event_id = server.ok(life.alice.get(path("rooms", room, "state", type_, ""), {"format": "event"}))["event_id"]
        refused(life.redact(life.alice, event_id), 403, "M_FORBIDDEN")
    assert life.say(life.bob)[0] == 200
    refused(life.state(life.bob, "m.room.name", {"name": "no"}), 403, "M_FORBIDDEN")
    join(server, life.carol, room)
    first = life.state(life.alice, "m.room.topic", {"topic": "said"})[1]["event_id"]
    assert life.redact(life.alice, first)[0] == 200
    assert server.ok(life.alice.get(path("rooms", room, "state", "m.room.topic"))) == {}
    again = life.state(life.alice, "m.room.topic", {"topic": "said"})[1]["event_id"]
    assert again != first
    verified(server, tmp_path)


def test_power(life: Life, tmp_path: Path) -> None:
    join(life.server, life.bob, life.room)
    levels = life.levels()
    privileged = life.version.privileged_creators
    assert (ALICE in levels.get("users", {})) is not privileged
    levels["users"] = {**levels.get("users", {}), BOB: 50}
    assert life.state(life.alice, "m.room.power_levels", levels)[0] == 200
    assert life.state(life.bob, "m.room.name", {"name": "yes"})[0] == 200
    raised = {**levels, "users": {**levels["users"], BOB: 60}}
    refused(life.state(life.bob, "m.room.power_levels", raised), 403, "M_FORBIDDEN")
    text = {**levels, "users_default": "0"}
    assert (life.state(life.alice, "m.room.power_levels", text)[0] == 200) is not life.version.integer_power_levels
    named = {**levels, "users": {**levels["users"], ALICE: 100}}
    assert (life.state(life.alice, "m.room.power_levels", named)[0] == 200) is not privileged
    assert life.member(life.bob, "kick", ALICE)[0] == 403
    verified(life.server, tmp_path)


def test_kicks_and_bans(life: Life, tmp_path: Path) -> None:
    for client in (life.bob, life.carol):
        join(life.server, client, life.room)
    refused(life.member(life.bob, "kick", CAROL), 403, "M_FORBIDDEN")
    assert life.member(life.alice, "kick", CAROL)[0] == 200
    refused(life.member(life.alice, "kick", CAROL), 403, "M_FORBIDDEN")
    assert life.join(life.carol)[0] == 200
    assert life.member(life.alice, "ban", CAROL)[0] == 200
    refused(life.join(life.carol), 403, "M_FORBIDDEN")
    refused(life.member(life.alice, "invite", CAROL), 403, "M_FORBIDDEN")
    refused(life.say(life.carol), 403, "M_FORBIDDEN")
    assert life.member(life.alice, "ban", DAVE)[0] == 200  # never there
    assert life.member(life.alice, "unban", CAROL)[0] == 200
    assert life.join(life.carol)[0] == 200
    assert life.server.run(life.carol.post(path("rooms", life.room, "leave")))[0] == 200
    assert life.server.run(life.carol.post(path("rooms", life.room, "leave")))[0] == 200
    verified(life.server, tmp_path)


def test_knocking(life: Life, tmp_path: Path) -> None:
    rule = life.state(life.alice, "m.room.join_rules", {"join_rule": "knock"})
    assert rule[0] == 200
    answer = life.server.run(life.bob.post(path("knock", life.room), {"reason": "let me in"}))
    if not life.version.knocking:
        assert answer[0] == 403
        return
    assert answer[0] == 200
    refused(life.join(life.bob), 403, "M_FORBIDDEN")
    assert life.member(life.alice, "invite", BOB)[0] == 200
    assert life.join(life.bob)[0] == 200
    assert life.server.run(life.carol.post(path("knock", life.room)))[0] == 200
    assert life.server.run(life.carol.post(path("rooms", life.room, "leave")))[0] == 200
    assert life.server.run(life.carol.post(path("knock", life.room)))[0] == 200
    assert life.member(life.alice, "kick", CAROL)[0] == 200
    verified(life.server, tmp_path)


@pytest.mark.parametrize("rule", ["restricted", "knock_restricted"])
def test_restricted_joins(life: Life, tmp_path: Path, rule: str) -> None:
    server = life.server
    allowed = create_room(server, life.alice, preset="public_chat")
    join(server, life.bob, allowed)
    content = {"join_rule": rule, "allow": [{"type": "m.room_membership", "room_id": allowed}]}
    assert life.state(life.alice, "m.room.join_rules", content)[0] == 200
    known = life.version.restricted_joins if rule == "restricted" else life.version.knock_restricted
    refused(life.join(life.carol), 403, "M_FORBIDDEN")
    if not known:
        refused(life.join(life.bob), 403, "M_FORBIDDEN")
        return
    assert life.join(life.bob)[0] == 200
    vouched = server.ok(life.alice.get(path("rooms", life.room, "state", "m.room.member", BOB)))
    assert vouched["join_authorised_via_users_server"] == ALICE
    server.ok(life.bob.put(path("profile", BOB, "displayname"), {"displayname": "Bob"}))
    server.clock.advance(1)
    renamed = server.ok(life.alice.get(path("rooms", life.room, "state", "m.room.member", BOB)))
    assert renamed == {"membership": "join", "displayname": "Bob"}
    assert life.member(life.alice, "invite", CAROL)[0] == 200
    assert life.join(life.carol)[0] == 200
    assert (server.run(life.dave.post(path("knock", life.room)))[0] == 200) is (rule == "knock_restricted")
    verified(server, tmp_path)


def test_nobody_names_his_own_voucher(life: Life, tmp_path: Path) -> None:
    forged = {"membership": "join", "join_authorised_via_users_server": "@somebody:elsewhere"}
    assert life.state(life.bob, "m.room.member", forged, BOB)[0] == 200
    assert life.state(life.bob, "m.room.member", {**forged, "displayname": "Bob"}, BOB)[0] == 200
    assert state_of(life.server, life.alice, life.room)["m.room.member", BOB] == {"membership": "join", "displayname": "Bob"}
    verified(life.server, tmp_path)


def test_creators_of_version_12(tmp_path: Path) -> None:
    life = Life(tmp_path, "12", preset="trusted_private_chat", invite=[BOB], creation_content={"additional_creators": [CAROL]})
    assert life.join(life.bob)[0] == 200
    assert life.join(life.carol)[0] == 403
    assert life.member(life.bob, "invite", CAROL)[0] == 200
    assert life.join(life.carol)[0] == 200
    for one, other in ((life.alice, BOB), (life.bob, ALICE), (life.carol, ALICE)):
        refused(life.member(one, "kick", other), 403, "M_FORBIDDEN")
        assert life.state(one, "m.room.tombstone", {"body": "moved", "by": other})[0] == 200
    levels = {**life.levels(), "users": {DAVE: 100}}
    assert life.state(life.carol, "m.room.power_levels", levels)[0] == 200
    assert life.member(life.alice, "invite", DAVE)[0] == 200
    assert life.join(life.dave)[0] == 200
    refused(life.state(life.dave, "m.room.tombstone", {}), 403, "M_FORBIDDEN")
    refused(life.member(life.dave, "ban", BOB), 403, "M_FORBIDDEN")
    verified(life.server, tmp_path)
