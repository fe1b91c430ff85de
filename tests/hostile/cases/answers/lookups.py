"""What is told of people, devices, rooms and files when somebody here looks them up (rows 25, 26, 28, 29)."""

from collections.abc import AsyncIterator, Callable
from typing import Any

from homeserver.web.endpoint import Reply
from tests.hostile.support.case import TWELVE, Case
from tests.hostile.support.peer import Answering, Asked, Told, always
from tests.hostile.support.scene import FORGED, Scene
from tests.support.rooms import V3, create_room, path

V1 = "/_matrix/client/v1"


async def endless(piece: bytes) -> AsyncIterator[bytes]:
    while True:
        yield piece


NOTHINGS: dict[str, Callable[[], Any]] = {
    "no object": lambda: [1],
    "no JSON": lambda: Told(b"<html>forged</html>", kind="text/html"),
    "an error": lambda: Told({"errcode": "M_UNKNOWN", "error": FORGED}, 500),
    "no refusal of ours": lambda: Told({"errcode": "M_UNKNOWN_TOKEN", "error": FORGED, "soft_logout": True}, 401),
    "a redirect": lambda: Told(b"", 302, location="https://127.0.0.1/"),
    "an answer without end": lambda: Told(pieces=endless(b" " * 65_536)),
    "nesting": lambda: Told(b'{"a":' * 20_000 + b"1" + b"}" * 20_000),
    "no UTF-8": lambda: Told(b'{"displayname":"\xff\xfe"}'),
}


def made_by(make: Callable[[], Any]) -> Answering:
    return lambda _: make()


def about(name: str, answer: Any, otherwise: Any) -> Answering:
    """Of two questions under one name."""
    return lambda asked: answer if asked.segments[0] == name else otherwise


def get(scene: Scene, where: str, **query: str) -> tuple[int, Any]:
    scene.world.home.parts.federation.reach.outages.alive(scene.evil.name)
    return scene.world.home.run(scene.alice.get(where, query), 300)


def asked_in_vain(name: str, ask: Callable[[Scene], tuple[int, Any]]) -> Callable[[Scene], None]:
    """Whatever is no answer to it: a client is told so, and never that it is logged out."""

    def lie(scene: Scene) -> None:
        for what, nothing in NOTHINGS.items():
            scene.evil.answers[name] = made_by(nothing)
            status, answer = ask(scene)
            assert status in (200, 403, 404, 502), (what, status, answer)
            assert status != 200 or FORGED not in str({key: value for key, value in answer.items() if key != "failures"})
            assert answer.get("errcode") != "M_UNKNOWN_TOKEN"
            assert "soft_logout" not in answer

    return lie


def profile(scene: Scene) -> tuple[int, Any]:
    return get(scene, path("profile", scene.evil.user(f"u{scene.next()}")))


def alias(scene: Scene) -> tuple[int, Any]:
    return get(scene, path("directory", "room", f"#x{scene.next()}:{scene.evil.name}"))


def listed(scene: Scene) -> tuple[int, Any]:
    return get(scene, path("publicRooms"), server=scene.evil.name)


def hierarchy(scene: Scene) -> tuple[int, Any]:
    space = create_room(scene.world.home, scene.alice, creation_content={"type": "m.space"})
    child = f"!x{scene.next()}:{scene.evil.name}"
    scene.world.home.ok(scene.alice.put(path("rooms", space, "state", "m.space.child", child), {"via": [scene.evil.name]}))
    return get(scene, f"{V1}/rooms/{space}/hierarchy")


def devices(scene: Scene) -> tuple[int, Any]:
    user_id = scene.evil.user(f"u{scene.next()}")
    scene.world.home.parts.federation.reach.outages.alive(scene.evil.name)
    body = {"device_keys": {user_id: []}, "timeout": 5_000}
    return scene.world.home.run(scene.alice.post(V3 + "/keys/query", body), 300)


def claims(scene: Scene) -> tuple[int, Any]:
    scene.world.home.parts.federation.reach.outages.alive(scene.evil.name)
    body = {"one_time_keys": {scene.bob: {"D": "signed_curve25519"}}, "timeout": 5_000}
    return scene.world.home.run(scene.alice.post(V3 + "/keys/claim", body), 300)


def profiles_of_wrong_types(scene: Scene) -> None:
    """Names that are no text, pictures that are objects, fields without end: a client gets text, or nothing."""
    values: tuple[Any, ...] = (None, 7, [], {}, True)
    for value in values:
        scene.evil.answers["query"] = always({"displayname": value, "avatar_url": value})
        status, answer = profile(scene)
        assert status == 200
        assert answer.keys() <= set()
    scene.evil.answers["query"] = always({"displayname": "x" * 500_000})
    assert profile(scene)[0] == 502


def honest_profile(scene: Scene) -> None:
    scene.good.answers["query"] = always({"displayname": "Carol"})
    assert get(scene, path("profile", scene.carol)) == (200, {"displayname": "Carol"})


def aliases_that_lead_astray(scene: Scene) -> None:
    for answer in (
        {"room_id": "x", "servers": []},
        {"room_id": 7},
        {"room_id": "!x", "servers": "x"},
        {"room_id": "!" + "x" * 300, "servers": [7]},
    ):
        scene.evil.answers["query"] = always(answer)
        status, found = alias(scene)
        assert status in (200, 502), (answer, status)
        assert status == 502 or found["room_id"] == "!x"
    many = [f"s{n}.test" for n in range(5_000)] + ["no name", 7, None, "127.0.0.1:x"]
    scene.evil.answers["query"] = always({"room_id": "!x:evil.test", "servers": many})
    status, found = alias(scene)
    assert status == 200
    assert len(found["servers"]) <= 101


def honest_alias(scene: Scene) -> None:
    scene.good.answers["query"] = always({"room_id": "!r:good.test", "servers": [scene.good.name]})
    status, answer = get(scene, path("directory", "room", f"#r:{scene.good.name}"))
    assert (status, answer["room_id"]) == (200, "!r:good.test")


def lists_of_rooms(scene: Scene) -> None:
    rooms = [None, 7, {}, {"room_id": 7}, {"room_id": "!r:evil.test", "num_joined_members": "x"}] * 1_000
    scene.evil.answers["publicRooms"] = always({"chunk": rooms, "next_batch": 7, "total_room_count_estimate": "many", FORGED: 1})
    status, answer = listed(scene)
    assert status == 200
    assert answer.keys() == {"chunk"}
    assert all(isinstance(room["room_id"], str) for room in answer["chunk"])


def honest_list(scene: Scene) -> None:
    room = {"room_id": "!r:good.test", "num_joined_members": 1, "world_readable": True, "guest_can_join": False}
    scene.good.answers["publicRooms"] = always({"chunk": [room]})
    assert get(scene, path("publicRooms"), server=scene.good.name) == (200, {"chunk": [room]})


def spaces_that_lie(scene: Scene) -> None:
    """A space of the liar's describes alice's private room, names itself as its child, and never ends."""
    private = create_room(scene.world.home, scene.alice, preset="private_chat", name="alice's own")
    child = f"!space:{scene.evil.name}"
    deep = [f"!deep{n}:{scene.evil.name}" for n in range(50)]

    def entry(room_id: str, *children: str, name: str = "x") -> dict[str, Any]:
        told = [
            {"type": "m.space.child", "state_key": c, "content": {"via": [scene.evil.name]}, "sender": scene.bob, "origin_server_ts": 1}
            for c in children
        ]
        return {"room_id": room_id, "room_type": "m.space", "name": name, "num_joined_members": 1, "children_state": told}

    def tell(asked: Asked) -> Any:
        room = asked.segments[0]
        below = deep[deep.index(room) + 1 :][:1] if room in deep else deep[:1]
        children = [entry(private, name=FORGED), entry(child, child, name="x"), *([None, 7, {"room_id": 7}] * 100)]
        return {"room": entry(room, private, child, *below), "children": children, "inaccessible_children": [7, child]}

    scene.evil.answers["hierarchy"] = tell
    space = create_room(scene.world.home, scene.alice, creation_content={"type": "m.space"})
    scene.world.home.ok(scene.alice.put(path("rooms", space, "state", "m.space.child", child), {"via": [scene.evil.name]}))
    rooms: list[dict[str, Any]] = []
    query: dict[str, str] | None = {"limit": "100"}
    while query is not None:  # the private room may come after all the deep ones: among equals IDs decide
        status, answer = get(scene, f"{V1}/rooms/{space}/hierarchy", **query)
        assert status == 200
        rooms += answer["rooms"]
        query = {"limit": "100", "from": answer["next_batch"]} if "next_batch" in answer else None
    names = {room["room_id"]: room.get("name") for room in rooms}
    assert names[private] == "alice's own"
    assert len(names) == len(rooms) <= len(deep) + 3


def honest_space(scene: Scene) -> None:
    child = f"!child{scene.next()}:{scene.good.name}"
    scene.good.answers["hierarchy"] = always(
        {
            "room": {"room_id": child, "name": "carol's", "num_joined_members": 1, "join_rule": "public", "children_state": []},
            "children": [],
        }
    )
    space = create_room(scene.world.home, scene.alice, creation_content={"type": "m.space"})
    scene.world.home.ok(scene.alice.put(path("rooms", space, "state", "m.space.child", child), {"via": [scene.good.name]}))
    assert "carol's" in str(get(scene, f"{V1}/rooms/{space}/hierarchy")[1])


def device(user_id: str, device_id: str, **more: Any) -> dict[str, Any]:
    return {
        "user_id": user_id,
        "device_id": device_id,
        "algorithms": ["m.olm.v1"],
        "keys": {f"ed25519:{device_id}": "a" * 43},
        "signatures": {},
        **more,
    }


def keys_that_lie(scene: Scene) -> None:
    """Keys of carol and of alice among those of bob, of other names than theirs, and such as are none."""
    scene.room  # noqa: B018
    bob, told = scene.bob, device(scene.carol, "D", keys={"ed25519:D": FORGED})
    answers: tuple[Any, ...] = (
        {"device_keys": {scene.carol: {"D": told}, scene.alice_id: {"D": told}}},
        {"device_keys": {bob: {"D": told}}},
        {"device_keys": {bob: {"E": device(bob, "D", keys={"ed25519:D": FORGED})}}},
        {"device_keys": {bob: [FORGED]}, "master_keys": {bob: FORGED, scene.carol: {"keys": {"ed25519:" + FORGED: FORGED}}}},
        {"device_keys": {bob: {"D": {**device(bob, "D"), "keys": FORGED}}}},
        {"master_keys": {bob: {"user_id": scene.carol, "usage": ["master"], "keys": {"ed25519:x": FORGED}}}},
        {"device_keys": {bob: {str(n): device(bob, str(n)) for n in range(3_000)}}, "user_signing_keys": {scene.alice_id: FORGED}},
    )
    for answer in answers:
        scene.evil.answers["user"] = about("keys", answer, Told({"errcode": "M_NOT_FOUND"}, 404))
        body: dict[str, Any] = {"device_keys": {bob: [], scene.alice_id: []}}
        status, found = scene.world.home.run(scene.alice.post(V3 + "/keys/query", body), 300)
        assert status == 200
        assert FORGED not in str(found)
        assert scene.carol not in str(found)


def lists_that_lie(scene: Scene) -> None:
    """The list of a user's devices is another user's, or of no sense."""
    scene.room  # noqa: B018
    lists: tuple[Any, ...] = (
        {"user_id": scene.carol, "stream_id": 1, "devices": []},
        {"user_id": scene.bob, "stream_id": -1, "devices": []},
        {"user_id": scene.bob, "stream_id": 2**53, "devices": []},
        {"user_id": scene.bob, "stream_id": "1", "devices": []},
        {"user_id": scene.bob, "stream_id": 1, "devices": [None, 7, {"device_id": 7, "keys": {}}, {"device_id": "D", "keys": FORGED}]},
        {"user_id": scene.bob, "stream_id": 2, "devices": [{"device_id": "D", "keys": device(scene.carol, "D", algorithms=[FORGED])}]},
        {"user_id": scene.bob, "stream_id": 3, "devices": {"D": FORGED}},
        {
            "user_id": scene.bob,
            "stream_id": 4,
            "devices": [{"device_id": "D", "keys": device(scene.bob, "D"), "device_display_name": [FORGED]}],
        },
    )
    for told in lists:
        scene.evil.answers["user"] = about("devices", told, {"device_keys": {}})
        status, found = scene.world.home.run(scene.alice.post(V3 + "/keys/query", {"device_keys": {scene.bob: []}}), 300)
        assert status == 200
        assert FORGED not in str(found)


def honest_keys(scene: Scene) -> None:
    scene.good.answers["user"] = always(
        {"user_id": scene.carol, "stream_id": 1, "devices": [{"device_id": "D", "keys": device(scene.carol, "D")}]}
    )
    if "room" not in vars(scene):
        scene.good.answers["user"] = always({"device_keys": {scene.carol: {"D": device(scene.carol, "D")}}})
    found = scene.world.home.ok(scene.alice.post(V3 + "/keys/query", {"device_keys": {scene.carol: []}}))
    assert found["device_keys"][scene.carol].keys() == {"D"}


def claims_that_lie(scene: Scene) -> None:
    key = {"key": FORGED, "signatures": {}}
    answers: tuple[Any, ...] = (
        {"one_time_keys": {scene.carol: {"D": {"signed_curve25519:A": key}}}},
        {"one_time_keys": {scene.bob: {"E": {"signed_curve25519:A": key}}}},
        {"one_time_keys": {scene.bob: {"D": {"curve25519:A": FORGED}}}},
        {"one_time_keys": {scene.bob: {"D": [FORGED]}}},
        {"one_time_keys": {scene.bob: {"D": {FORGED: key}}}},
        {"one_time_keys": [FORGED]},
    )
    for answer in answers:
        scene.evil.answers["user"] = always(answer)
        status, found = claims(scene)
        assert status == 200
        assert FORGED not in str(found)


# files


def file(data: bytes, kind: str = "text/plain", *, head: str = "", boundary: bytes = b"b") -> Told:
    more = f"{head}\r\n" if head else ""
    text = f"--b\r\nContent-Type: application/json\r\n\r\n{{}}\r\n--b\r\nContent-Type: {kind}\r\n{more}\r\n".encode()
    return Told(text + data + b"\r\n--b--\r\n", kind="multipart/mixed; boundary=" + boundary.decode())


def fetch(scene: Scene, name: str = "") -> Reply:
    scene.world.home.parts.federation.reach.outages.alive(scene.evil.name)
    where = f"{V1}/media/download/{scene.evil.name}/{name or f'm{scene.next()}'}"
    return scene.world.home.run(scene.alice.call("GET", where, query={"timeout_ms": "1000"}), 2_000)


FILES: dict[str, Callable[[], Any]] = {
    "no parts": lambda: Told({"a": 1}),
    "one part": lambda: Told(b"--b\r\n\r\n{}\r\n--b--", kind="multipart/mixed; boundary=b"),
    "another boundary": lambda: file(b"x", boundary=b"c"),
    "a boundary without end": lambda: Told(b"x", kind="multipart/mixed; boundary=" + "b" * 5_000),
    "cut off": lambda: Told(b"--b\r\n\r\n{}\r\n--b\r\n\r\nforged", kind="multipart/mixed; boundary=b"),
    "a head without end": lambda: Told(pieces=endless(b"X-A: forged\r\n" * 100), kind="multipart/mixed; boundary=b"),
    "elsewhere in a private network": lambda: file(b"", head="Location: http://127.0.0.1/secret"),
    "elsewhere in a file": lambda: file(b"", head="Location: file:///etc/passwd"),
    "an error": lambda: Told({"errcode": "M_UNKNOWN"}, 500),
    "a redirect": lambda: Told(b"", 302, location="https://127.0.0.1/"),
}


def files(answer: Callable[[], Any]) -> Callable[[Scene], None]:
    def lie(scene: Scene) -> None:
        scene.evil.answers |= {"media": lambda _: answer(), "old_media": always(Told({"errcode": "M_UNRECOGNIZED"}, 404))}
        reply = fetch(scene)
        assert reply.status in (404, 502), reply.status
        assert FORGED.encode() not in bytes(reply.body)

    return lie


def file_without_end(scene: Scene) -> None:
    """More than this server would take of its own users."""
    told = Told(pieces=begun(), kind="multipart/mixed; boundary=b")
    scene.evil.answers["media"] = always(told)
    assert fetch(scene).status in (413, 502)
    assert told.given < 1_000
    assert told.aborted


async def begun() -> AsyncIterator[bytes]:
    yield b"--b\r\n\r\n{}\r\n--b\r\nContent-Type: text/plain\r\n\r\n"
    while True:
        yield b"x" * 262_144


def files_that_would_run(scene: Scene) -> None:
    """Pages and scripts, under types of their own choice, with names that would be headers: they are handed on as files, and nothing else."""
    for kind in (
        "text/html",
        "image/svg+xml",
        "application/xhtml+xml",
        "text/html; charset=utf-7",
        "x\x01y",
        "a" * 5_000,
        "multipart/mixed; boundary=x",
    ):
        scene.evil.answers["media"] = always(
            file(b"<script>alert(1)</script>", kind, head='Content-Disposition: inline; filename="x\t;y.html"')
        )
        reply = fetch(scene)
        assert reply.status == 200, (kind, reply.status)
        headers = {name.lower(): value for name, value in reply.headers.items()}
        assert headers["content-disposition"].startswith("attachment"), kind
        assert "sandbox" in headers["content-security-policy"]
        assert not any("\r" in value or "\n" in value for value in (*headers.values(), reply.content_type))


def names_that_lead_elsewhere(scene: Scene) -> None:
    scene.evil.answers["media"] = always(file(b"forged"))
    for name in ("..%2F..%2Fetc%2Fpasswd", "%2e%2e", "a%00b", "x" * 300, "%ff", "a%2Fb"):
        reply = fetch(scene, name)
        assert 400 <= reply.status < 500, (name, reply.status)
    assert not scene.evil.questions("media")


def honest_file(scene: Scene) -> None:
    scene.evil.answers["media"] = always(file(b"an honest file"))
    reply = fetch(scene)
    assert (reply.status, reply.body) == (200, b"an honest file")


VAIN: dict[str, tuple[str, Callable[[Scene], tuple[int, Any]], Callable[[Scene], None]]] = {
    "a profile": ("query", profile, honest_profile),
    "an alias": ("query", alias, honest_alias),
    "a list of rooms": ("publicRooms", listed, honest_list),
    "a space": ("hierarchy", hierarchy, honest_space),
    "devices": ("user", devices, honest_keys),
    "one-time keys": ("user", claims, honest_keys),
}
CASES = [
    *(
        Case(f"asked for {what} in vain", (25, 26), asked_in_vain(name, ask), control, room=False, versions=TWELVE)
        for what, (name, ask, control) in VAIN.items()
    ),
    Case("profiles of wrong types", (25,), profiles_of_wrong_types, honest_profile, room=False, versions=TWELVE),
    Case("aliases that lead astray", (25,), aliases_that_lead_astray, honest_alias, room=False, versions=TWELVE),
    Case("lists of rooms that are none", (25,), lists_of_rooms, honest_list, room=False, versions=TWELVE),
    Case("spaces that lie", (21, 25), spaces_that_lie, honest_space, room=False, versions=TWELVE),
    Case("keys of others among one's own", (24, 25), keys_that_lie, honest_keys, versions=TWELVE),
    Case("lists of devices that lie", (24, 25), lists_that_lie, honest_keys, versions=TWELVE),
    Case("one-time keys that lie", (25,), claims_that_lie, honest_keys, room=False, versions=TWELVE),
    *(Case(f"a file that is {name}", (26, 28), files(answer), honest_file, room=False, versions=TWELVE) for name, answer in FILES.items()),
    Case("a file without end", (28,), file_without_end, honest_file, room=False, versions=TWELVE),
    Case("files that would run", (29,), files_that_would_run, honest_file, room=False, versions=TWELVE),
    Case("names of files that lead elsewhere", (29,), names_that_lead_elsewhere, honest_file, room=False, versions=TWELVE),
]
