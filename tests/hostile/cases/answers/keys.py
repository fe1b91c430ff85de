"""Keys of servers, as they tell them themselves and as notaries tell them (row 14)."""

from collections.abc import Callable
from typing import Any

from federation.client import v1
from homeserver.protocol.signing import SigningKey, decode_base64, encode_base64, sign_json
from tests.hostile.support.case import TWELVE, Case
from tests.hostile.support.peer import WEEK_MS, Asked, Peer, Told
from tests.hostile.support.scene import Scene

OTHER = SigningKey.generate(b"\6" * 32, "k")
LEAKED = "l/O9hxMVKB6Lg+3Hqf0FQQZhVESQcMzbPN1Cz2nM3og"
DAY_MS = WEEK_MS // 7
Tell = Callable[[Scene, Peer], Any]
URI = v1("query", "profile") + "?user_id=@nobody:home.test"


def now(scene: Scene) -> int:
    return scene.world.clock.now_ms()


def asks(scene: Scene, peer: Peer) -> int:
    """The status of a signed question, which needs no room."""
    return scene.world.run(peer.ask("GET", URI))[0]


TOLD: dict[str, Tell] = {
    "of another server": lambda s, p: p.document(server_name=s.good.name),
    "of this server": lambda s, p: p.document(server_name="home.test"),
    "of nobody": lambda s, p: {key: value for key, value in p.document().items() if key != "server_name"},
    "without signature": lambda s, p: {**p.document(), "signatures": {}},
    "signed by another key": lambda s, p: sign_json({**p.document(), "signatures": {}}, p.name, OTHER),
    "signed by another server": lambda s, p: sign_json({**p.document(), "signatures": {}}, s.good.name, p.key),
    "changed after it was signed": lambda s, p: {**p.document(), "valid_until_ts": now(s) + 2 * DAY_MS},
    "that are past": lambda s, p: p.document(valid_until_ts=now(s) - 1),
    "that end at no time": lambda s, p: p.document(valid_until_ts=None),
    "that end at text": lambda s, p: p.document(valid_until_ts="tomorrow"),
    "that end beyond all": lambda s, p: p.document(valid_until_ts=2**60),
    "that are none": lambda s, p: p.document(verify_keys={}),
    "of wrong types": lambda s, p: p.document(verify_keys=[p.key.public_base64]),
    "of a wrong length": lambda s, p: p.document(verify_keys={p.key.key_id: {"key": "AAAA"}}),
    "of an unknown kind": lambda s, p: p.document(verify_keys={"rsa:k": {"key": p.key.public_base64}}),
    "under another ID": lambda s, p: p.document(verify_keys={"ed25519:other": {"key": p.key.public_base64}}),
    "that everybody has": lambda s, p: p.document(verify_keys={p.key.key_id: {"key": LEAKED}}),
    "retired by now": lambda s, p: p.document(
        verify_keys={OTHER.key_id + "2": {"key": OTHER.public_base64}}, old_verify_keys={p.key.key_id: {"key": p.key.public_base64, "expired_ts": 1}}
    ),
    "no object": lambda s, p: [p.document()],
    "no JSON": lambda s, p: Told(b"<html>", kind="text/html"),
    "twice": lambda s, p: Told(b'{"server_name":"x","server_name":"y"}'),
    "nested without end": lambda s, p: Told(b'{"verify_keys":' * 5_000 + b"1" + b"}" * 5_000),
    "larger than may be": lambda s, p: {**p.document(), "x": "y" * 500_000},
    "an error": lambda s, p: Told({"errcode": "M_UNKNOWN"}, 500),
    "another place": lambda s, p: Told(b"", 302, location="https://127.0.0.1/"),
}  # fmt: skip


def told(tell: Tell) -> Callable[[Scene], None]:
    """Who signs with such keys is nobody; asked again and again, it is not asked for them again and again."""

    def lie(scene: Scene) -> None:
        peer = scene.world.peer("keys")
        peer.answers["keys"] = lambda _: tell(scene, peer)
        for _ in range(5):
            assert asks(scene, peer) == 401
        assert len(peer.questions("keys")) <= 2

    return lie


def honest_keys(scene: Scene) -> None:
    """The control: a server that nobody has heard of tells its keys, and is known from then on."""
    peer = scene.world.peer("honest")
    for _ in range(3):
        assert asks(scene, peer) == 404  # there is no such user, and that is the answer
    assert len(peer.questions("keys")) == 1


def other_bytes(scene: Scene) -> None:
    """Once known, a key under an ID is that key: another one under the same ID signs nothing while it lasts."""
    peer = scene.evil
    assert asks(scene, peer) == 404
    peer.key = SigningKey.generate(b"\x09" * 32, "k")
    for _ in range(3):
        assert asks(scene, peer) == 401


def retired_key(scene: Scene) -> None:
    """Events of the time when the key was good are taken, later ones are not."""
    room, old = scene.room, scene.evil.key
    before = scene.message("of the time of the old key")
    scene.world.settle(10)
    fresh = SigningKey.generate(b"\x08" * 32, "fresh")
    retired_ms = now(scene)
    scene.evil.key = fresh
    scene.evil.answers["keys"] = lambda _: scene.evil.document(
        old_verify_keys={old.key_id: {"key": old.public_base64, "expired_ts": retired_ms}}
    )
    scene.world.settle(10)
    late = scene.message(key=old)
    scene.lies.append(late.event_id)
    answer = scene.send([before, late, scene.honest_message()])["pdus"]
    assert answer[before.event_id] == {}
    assert "error" in answer[late.event_id]
    assert room


def notary_of(scene: Scene, answer: Callable[[Asked, Peer], Any]) -> Peer:
    """A server that does not answer itself, and what the notary says of it."""
    silent = scene.world.peer("silent")
    silent.answers["keys"] = lambda _: Told({}, 503)
    notary = scene.world.notary
    notary.answers["notary"] = lambda asked: answer(asked, silent)
    return silent


def by_notary(document: Callable[[Scene, Peer, Peer], Any]) -> Callable[[Scene], None]:
    def lie(scene: Scene) -> None:
        notary = scene.world.notary
        silent = notary_of(scene, lambda _, peer: document(scene, peer, notary))
        assert asks(scene, silent) == 401

    return lie


def vouched(document: Any, notary: Peer) -> Any:
    return {"server_keys": [sign_json(document, notary.name, notary.key)]}


NOTARIES: dict[str, Callable[[Scene, Peer, Peer], Any]] = {
    "without its own signature": lambda s, p, n: {"server_keys": [p.document()]},
    "with its own signature alone": lambda s, p, n: vouched({**p.document(), "signatures": {}}, n),
    "of another server": lambda s, p, n: vouched(s.good.document(), n),
    "with another key": lambda s, p, n: vouched(sign_json({**p.document(), "signatures": {}}, p.name, OTHER), n),
    "changed": lambda s, p, n: vouched({**p.document(), "valid_until_ts": now(s) + 2 * DAY_MS}, n),
    "signed with another key of its own": lambda s, p, n: {"server_keys": [sign_json(p.document(), n.name, OTHER)]},
    "of wrong types": lambda s, p, n: {"server_keys": {p.name: p.document()}},
    "by the thousand": lambda s, p, n: {"server_keys": [{"server_name": p.name, "n": number} for number in range(3_000)]},
    "that are none": lambda s, p, n: Told(b"<html>"),
}


def honest_notary(scene: Scene) -> None:
    """The control: a notary tells the keys of a server that is away."""
    notary = scene.world.notary
    silent = notary_of(scene, lambda _, peer: vouched(peer.document(), notary))
    assert asks(scene, silent) == 404


def questions_to_the_notary(scene: Scene) -> None:
    """This server as a notary: asked for nonsense, for thousands of names, for names that lead to itself."""
    run = scene.world.run
    bodies: tuple[Any, ...] = (
        {},
        {"server_keys": []},
        {"server_keys": {"x": 7}},
        {"server_keys": {f"s{n}.test": {} for n in range(1_000)}},
        [],
        b"x",
    )
    for body in bodies:
        assert run(scene.evil.ask("POST", "/_matrix/key/v2/query", body, header=""))[0] == 400, body
    status, answer = run(
        scene.evil.ask("POST", "/_matrix/key/v2/query", {"server_keys": {"no name": {}, "home.test": {}, "\0": {}}}, header="")
    )
    assert status == 200
    assert {document["server_name"] for document in answer["server_keys"]} == {"home.test"}
    assert run(scene.evil.ask("GET", "/_matrix/key/v2/query/no%20name", header=""))[0] == 400


def known_keys_of_the_notary(scene: Scene) -> None:
    """The control: what it tells is signed by it and by the other."""
    assert asks(scene, scene.good) == 404
    status, answer = scene.world.run(scene.evil.ask("GET", f"/_matrix/key/v2/query/{scene.good.name}", header=""))
    assert status == 200
    (document,) = answer["server_keys"]
    assert document["signatures"].keys() == {"home.test", scene.good.name}
    assert decode_base64(document["verify_keys"][scene.good.key.key_id]["key"]) == scene.good.key.public_key
    assert encode_base64(scene.good.key.public_key) == scene.good.key.public_base64


CASES = [
    *(Case(f"keys {name}", (14,), told(tell), honest_keys, room=False, versions=TWELVE) for name, tell in TOLD.items()),
    Case("other bytes under a known ID", (14,), other_bytes, honest_keys, room=False, versions=TWELVE),
    Case("a key that was retired", (14,), retired_key, honest_keys),
    *(
        Case(f"a notary's keys {name}", (14,), by_notary(document), honest_notary, room=False, versions=TWELVE)
        for name, document in NOTARIES.items()
    ),
    Case("questions to this server as a notary", (14, 22), questions_to_the_notary, known_keys_of_the_notary, room=False, versions=TWELVE),
]
