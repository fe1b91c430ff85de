"""What passes and is no event: typing, receipts, presence, messages to devices, device lists and keys (rows 23 and 24)."""

from collections.abc import Callable
from typing import Any

import orjson

from tests.hostile.support.case import TWELVE, Case, arrived
from tests.hostile.support.edus import edu, typing_in
from tests.hostile.support.scene import FORGED, Scene
from tests.support.rooms import V3

Told = Callable[[Scene], list[Any]]
VALUES: tuple[Any, ...] = (None, True, -1, 2**53, 1.5, "", "x", [], [[]], {}, {"": {}}, {"x": {"*": {}}}, "\u2028" * 300)
KINDS = ("m.typing", "m.receipt", "m.presence", "m.direct_to_device", "m.device_list_update", "m.signing_key_update")


def reads(scene: Scene, user_id: str, *, room: str = "", kind: str = "m.read", event_id: str = "", **data: Any) -> dict[str, Any]:
    told = {"event_ids": [event_id or scene.ends()[0].event_id], "data": {"ts": 1, **data}}
    return edu("m.receipt", {room or scene.room: {kind: {user_id: told}}})


def is_present(user_id: str, **more: Any) -> dict[str, Any]:
    return edu("m.presence", {"push": [{"user_id": user_id, "presence": "online", "status_msg": FORGED, "last_active_ago": 1, **more}]})


def to_devices(sender: str, message_id: str, messages: Any, kind: str = "org.example") -> dict[str, Any]:
    return edu("m.direct_to_device", {"sender": sender, "type": kind, "message_id": message_id, "messages": messages})


def device_news(user_id: str, **more: Any) -> dict[str, Any]:
    return edu("m.device_list_update", {"user_id": user_id, "device_id": "D", "stream_id": 1, "prev_id": [], **more})


def signing_news(user_id: str) -> dict[str, Any]:
    key = {"user_id": user_id, "usage": ["master"], "keys": {"ed25519:" + "a" * 43: "a" * 43}, FORGED: 1}
    return edu("m.signing_key_update", {"user_id": user_id, "master_key": key})


def synced(scene: Scene, since: str) -> dict[str, Any]:
    found: dict[str, Any] = scene.world.home.ok(scene.alice.get(V3 + "/sync", {"since": since}))
    return found


def now(scene: Scene) -> str:
    return str(scene.world.home.ok(scene.alice.get(V3 + "/sync"))["next_batch"])


def told_in_vain(told: Told, honest: Told) -> Callable[[Scene], None]:
    """Nothing of it is on alice's next sync; what is honest, in the same transaction, is."""

    def lie(scene: Scene) -> None:
        since = now(scene)
        scene.send([scene.honest_message()], [*told(scene), *honest(scene)])
        scene.world.settle()
        answer = orjson.dumps(synced(scene, since))
        for user_id in (scene.evil.user("nobody"), scene.evil.user("stranger"), FORGED):
            assert user_id.encode() not in answer
        assert_honest(scene, orjson.loads(answer))
        scene.send([], [typing_in(scene, scene.bob, typing=False)])

    return lie


def assert_honest(scene: Scene, answer: dict[str, Any]) -> None:
    """Bob types, and reads; and nobody else but carol, who is not asked."""
    events = answer["rooms"]["join"][scene.room].get("ephemeral", {}).get("events", [])
    typing = [event["content"]["user_ids"] for event in events if event["type"] == "m.typing"]
    readers = {
        user
        for event in events
        if event["type"] == "m.receipt"
        for kinds in event["content"].values()
        for users in kinds.values()
        for user in users
    }
    assert typing == [[scene.bob]]
    assert readers == {scene.bob}
    letters = answer.get("to_device", {}).get("events", [])
    assert {letter["sender"] for letter in letters} <= {scene.bob}


def bob_types_and_reads(scene: Scene) -> list[Any]:
    return [typing_in(scene, scene.bob), reads(scene, scene.bob)]


FORGERIES: dict[str, Told] = {
    "alice types": lambda s: [typing_in(s, s.alice_id)],
    "carol types": lambda s: [typing_in(s, s.carol)],
    "a stranger types": lambda s: [typing_in(s, s.evil.user("nobody"))],
    "typing elsewhere": lambda s: [typing_in(s, s.bob, s.open_room()), typing_in(s, s.bob, "!none:home.test")],
    "typing of wrong types": lambda s: [typing_in(s, s.carol, typing=v) for v in ("yes", 1, None)] + [edu("m.typing", v) for v in VALUES],
    "alice reads": lambda s: [reads(s, s.alice_id)],
    "carol reads": lambda s: [reads(s, s.carol)],
    "a stranger reads": lambda s: [reads(s, s.evil.user("nobody"))],
    "reading elsewhere": lambda s: [reads(s, s.bob, room=s.open_room()), reads(s, s.bob, room="!none:home.test")],
    "receipts that are private": lambda s: [reads(s, s.carol, kind="m.read.private"), reads(s, s.bob, kind="m.fully_read")],
    "receipts for no events": lambda s: [reads(s, s.bob, event_id=FORGED), reads(s, s.bob, event_id="$" + "x" * 5_000)],
    "alice is present": lambda s: [is_present(s.alice_id)],
    "carol is present": lambda s: [is_present(s.carol)],
    "a stranger is present": lambda s: [is_present(s.evil.user("stranger"))],
    "presence of wrong types": lambda s: [is_present(s.carol, presence=v) for v in VALUES] + [is_present(s.carol, last_active_ago=v) for v in VALUES],
    "a message by alice": lambda s: [to_devices(s.alice_id, "m1", {s.alice_id: {"*": {"x": FORGED}}})],
    "a message by carol": lambda s: [to_devices(s.carol, "m2", {s.alice_id: {"*": {"x": FORGED}}})],
    "a message for others": lambda s: [to_devices(s.bob, "m3", {s.carol: {"*": {"x": FORGED}}, "@nobody:home.test": {"*": {"x": FORGED}}})],
    "messages of wrong types": lambda s: [to_devices(s.bob, f"m{n}", v) for n, v in enumerate(VALUES)] + [to_devices(s.bob, "x" * 300, {})],
    "alice's devices": lambda s: [device_news(s.alice_id, keys={FORGED: 1})],
    "carol's devices": lambda s: [device_news(s.carol, keys={FORGED: 1})],
    "devices of wrong types": lambda s: [device_news(s.bob, stream_id=v) for v in VALUES] + [device_news(s.bob, prev_id=v) for v in VALUES],
    "alice's signing keys": lambda s: [signing_news(s.alice_id)],
    "carol's signing keys": lambda s: [signing_news(s.carol)],
    "kinds unknown": lambda s: [edu("m.unknown", {FORGED: 1}), edu("", {}), {"content": {}}, {"edu_type": ["m.typing"], "content": {}}],
    "what is no EDU": lambda s: list(VALUES),
    "contents of wrong types": lambda s: [edu(kind, value) for kind in KINDS for value in VALUES],
}  # fmt: skip


def keys_of(scene: Scene, user_id: str) -> dict[str, Any]:
    answer: dict[str, Any] = scene.world.home.ok(scene.alice.post(V3 + "/keys/query", {"device_keys": {user_id: []}}))
    return answer


def poisoned_list(scene: Scene) -> None:
    """Carol's keys are what carol's server says, whatever bob's tells of them; and garbage of bob's own breaks nothing."""
    scene.good.answers["user"] = lambda asked: {"user_id": scene.carol, "stream_id": 1, "devices": []}
    bad = {"user_id": scene.carol, "device_id": "D", "algorithms": [FORGED], "keys": {"ed25519:D": FORGED}, "signatures": {}}
    garbage = [device_news(scene.bob, keys=value, stream_id=number) for number, value in enumerate(VALUES, start=2)]
    scene.send([scene.honest_message()], [device_news(scene.carol, keys=bad), *garbage, device_news(scene.bob, keys=bad)])
    scene.world.settle()
    assert FORGED not in str(keys_of(scene, scene.carol))
    assert keys_of(scene, scene.carol)["device_keys"] == {scene.carol: {}}


def carols_devices(scene: Scene) -> None:
    """The control: an update by the server whose user it is."""
    keys = {"user_id": scene.carol, "device_id": "D", "algorithms": ["m.olm.v1"], "keys": {"ed25519:D": "a" * 43}, "signatures": {}}
    scene.send([], [device_news(scene.carol, stream_id=2, prev_id=[1], keys=keys)], peer=scene.good)
    assert keys_of(scene, scene.carol)["device_keys"][scene.carol].keys() == {"D"}


def flood_of_letters(scene: Scene) -> None:
    """Hundreds of messages: all are there, once each, a hundred at a time; told again, they are not there again."""
    for _ in range(2):
        for part in range(3):
            letters = [to_devices(scene.bob, f"{part}-{n}", {scene.alice_id: {"*": {"n": part * 100 + n}}}) for n in range(100)]
            scene.send([], letters)
    found: list[int] = []
    since = ""
    while len(found) < 400:
        answer = scene.world.home.ok(scene.alice.get(V3 + "/sync", {"since": since} if since else {}))
        since, page = answer["next_batch"], [letter["content"]["n"] for letter in answer.get("to_device", {}).get("events", [])]
        assert len(page) <= 100
        if not page:
            break
        found += page
    assert found == list(range(300))


def carol_writes(scene: Scene) -> None:
    """The control: another server's message arrives."""
    since = now(scene)
    scene.send([], [to_devices(scene.carol, "c1", {scene.alice_id: {"*": {"from": "carol"}}})], peer=scene.good)
    found: list[Any] = []
    for _ in range(12):
        answer = synced(scene, since)
        since = answer["next_batch"]
        found += answer.get("to_device", {}).get("events", [])
    assert {"from": "carol"} in [letter["content"] for letter in found]


def flood_of_receipts(scene: Scene) -> None:
    """More in one EDU than are taken, and the same room under thousands of names."""
    many = {f"!r{n}:home.test": {"m.read": {scene.bob: {"event_ids": ["$x"], "data": {"ts": 1}}}} for n in range(1_500)}
    users = {scene.room: {"m.read": {scene.evil.user(f"u{n}"): {"event_ids": ["$x"], "data": {"ts": 1}} for n in range(1_500)}}}
    scene.send([scene.honest_message()], [edu("m.receipt", many), edu("m.receipt", users)])


CASES = [
    *(
        Case(f"EDU: {name}", (24,), told_in_vain(told, bob_types_and_reads), arrived, versions=TWELVE, shared=True)
        for name, told in FORGERIES.items()
    ),
    Case("EDU: a device list is poisoned", (24, 25), poisoned_list, carols_devices, versions=TWELVE),
    Case("EDU: hundreds of messages to a device", (23,), flood_of_letters, carol_writes, versions=TWELVE),
    Case("EDU: receipts by the thousand", (23, 24), flood_of_receipts, arrived, versions=TWELVE),
]
