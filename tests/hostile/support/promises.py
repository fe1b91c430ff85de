"""What holds after every case: nobody saw a lie, nothing was built on one, the room stands as it stood, and honest people go on as before."""

from typing import Any

import orjson

from homeserver.protocol.event import StateKey
from tests.hostile.support.scene import FORGED, Scene
from tests.support.rooms import path

LIMIT = '{"room":{"timeline":{"limit":60}}}'
KEPT: tuple[StateKey, ...] = (("m.room.create", ""), ("m.room.power_levels", ""), ("m.room.join_rules", ""))


class Promises:
    def __init__(self, scene: Scene, *, with_room: bool) -> None:
        self._scene = scene
        self._home = scene.world.home
        self._room = scene.room if with_room else None
        if with_room:
            scene.stand()
        self._since = self._home.ok(scene.alice.get(path("sync"), {"filter": '{"room":{"rooms":[]}}'}))["next_batch"]
        scene.world.complaints()

    def _synced(self, **query: str) -> Any:
        return self._home.ok(self._scene.alice.get(path("sync"), {"filter": LIMIT, **query}))

    def hold(self) -> None:
        scene = self._scene
        assert scene.world.complaints() == []
        seen = [self._synced(), self._synced(since=self._since)]
        if self._room is not None:
            assert {address: event.event_id for address, event in scene.state().items()} == scene.standing
            self._whole()
            seen += self._read()
        text = orjson.dumps(seen)
        assert FORGED.encode() not in text
        for event_id in scene.lies:
            assert event_id.encode() not in text
        if self._room is not None:
            for event_id in scene.honest:
                assert event_id.encode() in text
            self._goes_on()
        assert scene.world.complaints() == []

    def _whole(self) -> None:
        """No state was reset."""
        state = self._scene.state()
        assert all(address in state for address in KEPT)
        assert state["m.room.member", self._scene.alice_id].content["membership"] == "join"

    def _read(self) -> list[Any]:
        scene, room = self._scene, self._scene.room
        found = [self._home.ok(scene.alice.get(path("rooms", room, "messages"), {"dir": "b", "limit": 60}))]
        found.append(self._home.ok(scene.alice.get(path("rooms", room, "state"))))
        for event_id in scene.lies:
            assert self._home.run(scene.alice.get(path("rooms", room, "event", event_id)))[0] == 404, event_id
        return found

    def _goes_on(self) -> None:
        """Carol is heard, alice is told, and nothing of alice's stands on a lie."""
        scene = self._scene
        heard = scene.honest_message()
        assert scene.send([heard], peer=scene.good) == {"pdus": {heard.event_id: {}}}
        said = scene.stored(scene.says("alice goes on"))
        assert said is not None
        assert heard.event_id in said.prev_events
        assert not set(said.prev_events) & set(scene.lies)
        scene.world.settle()
        told = [pdu for asked in scene.good.questions("send") for pdu in asked.json["pdus"]]
        assert any(pdu["content"].get("body") == "alice goes on" for pdu in told)
