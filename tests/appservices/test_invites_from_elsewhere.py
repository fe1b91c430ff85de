"""A user of the service is invited to a room that this server does not take part in."""

from pathlib import Path

import orjson

from config.federation import AppServices
from tests.appservices.house import AS_TOKEN, registration
from tests.federation.support.town import town_of
from tests.support.rooms import create_room, path


def test_the_bridge_is_told_with_the_stripped_state(tmp_path: Path) -> None:
    namespaces = {"users": [{"exclusive": True, "regex": "@_irc_.*"}]}
    settings = AppServices(registrations=(registration(tmp_path / "irc.yaml", namespaces=namespaces),))
    with town_of(tmp_path, appservices=settings) as town:
        here, there = town["a.test"], town["b.test"]
        bridge, alice = here.client.with_token(AS_TOKEN), town.user("b.test", "alice")
        body = {"type": "m.login.application_service", "username": "_irc_bob", "inhibit_login": True}
        here.ok(bridge.post(path("register"), body))
        room = create_room(there, alice, name="Tea")
        there.ok(alice.post(path("rooms", room, "invite"), {"user_id": "@_irc_bob:a.test"}))
        town.settle()
        (line,) = here.parts.appservices.outbound.lines
        assert line._transaction is not None
        (event,) = orjson.loads(line._transaction.body)["events"]
        assert (event["type"], event["state_key"], event["room_id"]) == ("m.room.member", "@_irc_bob:a.test", room)
        stripped = {state["type"]: state["content"] for state in event["unsigned"]["invite_room_state"]}
        assert stripped["m.room.name"] == {"name": "Tea"}
