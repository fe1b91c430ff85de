"""What is no event, and what is no JSON (rows 7 to 9)."""

from collections.abc import Callable
from typing import Any

import orjson

from homeserver.protocol.event_build import Reference
from homeserver.protocol.limits import MAX_EVENT_BYTES, MAX_TRANSACTION_EDUS, MAX_TRANSACTION_PDUS
from tests.hostile.support.case import TWELVE, Case, arrived, offered
from tests.hostile.support.scene import FORGED, Scene, loose, signed_anyhow

NOTHINGS: tuple[Any, ...] = (None, 7, "event", [], [[]], True, {})
NO_CONTENTS: tuple[Any, ...] = (None, [], "text", 7)
NO_NAMES: tuple[Any, ...] = (None, 7, [], {})
NO_LISTS: tuple[Any, ...] = (None, {}, "$x", [7], [None], [["$x", {}]], [{}])
NO_PROOFS: tuple[Any, ...] = (None, [], {}, {"sha256": 7}, {"sha256": "!"}, {"evil.test": []}, {"evil.test": {"ed25519:k": 7}})


def signed(scene: Scene, **fields: Any) -> dict[str, Any]:
    """Bob's message with other fields, hashed and signed nevertheless."""
    pdu = {key: value for key, value in {**scene.message().pdu, **fields}.items() if value is not ...}
    event_id, pdu = signed_anyhow(pdu, scene.version, scene.evil)
    scene.lies.append(event_id)
    return pdu


def nested(depth: int) -> Any:
    value: Any = FORGED
    for _ in range(depth):
        value = {"a": value}
    return value


def without(*names: str) -> Callable[[Scene], list[Any]]:
    return lambda scene: [signed(scene, **{name: ...}) for name in names]


def as_text(text: bytes) -> Callable[[Scene], None]:
    """The body of an event has this where its text should be, as it stands on the wire; an honest transaction is next."""

    def lie(scene: Scene) -> None:
        pdu = scene.message("@@").pdu
        body = orjson.dumps({"origin": scene.evil.name, "pdus": [pdu]}).replace(b'"@@"', text)
        assert scene.raw(body) in (200, 400)  # where the whole is JSON, the event alone is spoilt
        scene.tell()

    return lie


def body(text: bytes) -> Callable[[Scene], None]:
    def lie(scene: Scene) -> None:
        assert scene.raw(text) == 400
        scene.tell()

    return lie


def sized(scene: Scene, size: int) -> dict[str, Any]:
    """An event of so many bytes."""
    pdu = scene.message("").pdu
    rest = size - len(loose(pdu))
    return signed_anyhow({**pdu, "content": {"msgtype": "m.text", "body": "x" * rest}}, scene.version, scene.evil)[1]


def as_large_as_may_be(scene: Scene) -> None:
    """At the limit, and one byte beyond: in the first the body is ASCII, in the second of characters of many bytes."""
    last = sized(scene, MAX_EVENT_BYTES)
    (event_id,) = scene.send([last])["pdus"]
    scene.honest.append(event_id)
    scene.tell(sized(scene, MAX_EVENT_BYTES + 1))
    many = "€" * 22_000  # fewer characters than bytes are allowed
    scene.tell(signed(scene, content={"msgtype": "m.text", "body": many, FORGED: 1}))


def names_at_their_limits(scene: Scene) -> None:
    """Bytes are counted, and no characters; what is just short enough is taken."""
    fits = scene.forge("x" * 255, {"body": "long, and honest"})
    assert scene.told(fits) == {"pdus": {fits.event_id: {}}}
    scene.honest.append(fits.event_id)
    scene.tell(
        signed(scene, type="x" * 256),
        signed(scene, type="€" * 86),
        signed(scene, state_key="x" * 256, type="org.example"),
        signed(scene, sender="@" + "x" * 250 + ":" + scene.evil.name),
        signed(scene, room_id="!" + "x" * 255),
    )


def too_many_parts(scene: Scene) -> None:
    honest = scene.honest_message()
    scene.send([honest] * (MAX_TRANSACTION_PDUS + 1), status=400)
    scene.send([honest], [{"edu_type": "m.unknown", "content": {}}] * (MAX_TRANSACTION_EDUS + 1), status=400)
    assert scene.stored(honest.event_id) is None
    scene.send([honest, *[None] * (MAX_TRANSACTION_PDUS - 1)], [None] * MAX_TRANSACTION_EDUS)


def names_of_transactions(scene: Scene) -> None:
    _, honest = scene.evil.transaction([scene.honest_message().pdu])
    for name, status in (("x" * 256, 400), ("%E2%82%AC" * 86, 400), ("x" * 255, 200)):
        assert scene.world.run(scene.evil.ask("PUT", "/_matrix/federation/v1/send/" + name, honest))[0] == status


SPOILT: dict[str, Callable[[Scene], Any]] = {
    "no objects": lambda s: list(NOTHINGS),
    "without what is needed": without(
        "type", "sender", "room_id", "content", "prev_events", "auth_events", "depth", "origin_server_ts"
    ),
    "content of wrong types": lambda s: [{**s.message().pdu, "content": value} for value in NO_CONTENTS],
    "names of wrong types": lambda s: [signed(s, **{name: value}) for name in ("type", "sender", "state_key") for value in NO_NAMES],
    "names with NUL": lambda s: [signed(s, type="m\0x"), signed(s, state_key="\0", type="org.example"), signed(s, sender=s.bob + "\0")],
    "senders that are none": lambda s: [signed(s, sender=name) for name in ("bob", "@bob", "@:", f"bob:{s.evil.name}", f"@bob:{s.evil.name}:x")],
    "lists of wrong types": lambda s: [
        signed(s, **{name: value}) for name in ("prev_events", "auth_events") for value in NO_LISTS
    ],
    "twenty-one predecessors": lambda s: signed(s, prev_events=[f"${n}".ljust(44, "x") for n in range(21)]),
    "hashes and signatures of wrong types": lambda s: [
        {**s.message().pdu, name: value}
        for name in ("hashes", "signatures")
        for value in NO_PROOFS
    ],
    "fractions": lambda s: [signed(s, content={"body": FORGED, "n": value}) for value in (1.5, 1e300, -0.1, 1.0)],
    "integers beyond the range": lambda s: [signed(s, content={"body": FORGED, "n": value}) for value in (2**53, -(2**53), 10**100)],
    "fractions in power levels": lambda s: signed(s, type="m.room.power_levels", state_key="", content={**s.levels(), "ban": 50.0}),
    "nested by a hundred and fifty": lambda s: signed(s, content=nested(150)),
}  # fmt: skip
TEXTS = {
    "a key twice": b'"x","body":"forged"',
    "not a number": b"NaN",
    "infinity": b"-Infinity",
    "a number without end": b"1e400",
    "a lone surrogate": rb'"forged \ud800"',
    "an escaped surrogate in a key": rb'"x","\udfff":"forged"',
    "no UTF-8": b'"forged \xff\xfe"',
    "overlong UTF-8": b'"forged \xc0\xaf"',
    "a control character": b'"forged \x01"',
    "nested by four hundred": b'{"a":' * 400 + b"1" + b"}" * 400,
    "a number of five thousand digits": b"1" * 5_000,
}
BODIES = {
    "nothing": b"",
    "cut off": b'{"pdus":[{"type":',
    "no JSON": b"<html>forged</html>",
    "a list": b"[]",
    "null": b"null",
    "no UTF-8 at all": b"\xff\xfe{}",
    "a byte order mark": b'\xef\xbb\xbf{"pdus":[]}',
    "parts that are no lists": b'{"pdus":{},"edus":7}',
    "pdus twice": b'{"pdus":[],"pdus":["forged"]}',
    "brackets by thirty thousand": b'{"pdus":' + b"[" * 30_000 + b"]" * 30_000 + b"}",
    "objects by thirty thousand": b'{"a":' * 30_000 + b"1" + b"}" * 30_000,
    "lists by the million": b'{"pdus":[' + b"[]," * 1_000_000 + b"[]]}",
    "objects by the million": b'{"pdus":[' + b"{}," * 1_000_000 + b"{}]}",
    "lists by the million elsewhere": b'{"pdus":[{}],"x":[' + b"[]," * 1_000_000 + b"[]]}",
}


def dense(scene: Scene) -> None:
    """Events as full of lists as their size allows, and such as are far too large, spoil themselves alone."""
    full = signed_anyhow({**scene.message().pdu, "content": {"body": "full, and honest", "x": [[]] * 10_000}}, scene.version, scene.evil)
    large = {**scene.message().pdu, "content": {"x": [[]] * 30_000}}
    answer = scene.send([full[1], large, large, scene.honest_message(), full[1]])
    assert answer["pdus"][full[0]] == {}
    assert len(answer["pdus"]) == 2


CASES = [
    *offered(8, SPOILT),
    *(Case(f"in an event: {name}", (8,), as_text(text), arrived, shared=True) for name, text in TEXTS.items()),
    *(Case(f"a transaction of {name}", (8,), body(text), arrived, versions=TWELVE, shared=True) for name, text in BODIES.items()),
    Case("as large as may be, and larger", (9,), as_large_as_may_be, arrived),
    Case("full of lists", (8, 9), dense, arrived, versions=TWELVE),
    Case("names at their limits", (9,), names_at_their_limits, arrived),
    Case("more in a transaction than may be", (9,), too_many_parts, arrived, versions=TWELVE),
    Case("names of transactions", (9,), names_of_transactions, arrived, versions=TWELVE),
    *offered(9, {"a chain of twenty-one references": lambda s: signed(s, auth_events=[Reference("$x").event_id.ljust(44, "x")] * 11)}),
]
