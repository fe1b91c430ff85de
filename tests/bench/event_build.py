"""What one event costs to build, split, check and load: `python tests/bench/event_build.py`. Prints microseconds, asserts nothing."""

import sys
import timeit
from collections.abc import Callable

import orjson

from homeserver.protocol import event_bytes, event_format
from homeserver.protocol.event import Draft
from homeserver.protocol.event_build import Reference, build
from homeserver.protocol.room_versions import DEFAULT_ROOM_VERSION
from homeserver.protocol.signing import SigningKey, VerifyKey, encode_base64_url

ROUNDS = 2_000


def show(name: str, work: Callable[[], object]) -> None:
    best = min(timeit.repeat(work, number=ROUNDS, repeat=7)) / ROUNDS
    sys.stdout.write(f"{name:<28}{best * 1e6:8.2f} us\n")


def main() -> None:
    key = SigningKey("ed25519:a_test", bytes(32))
    draft = Draft("m.room.message", "@alice:example.org", {"msgtype": "m.text", "body": "good morning, what is for lunch?"})
    earlier = [Reference("$" + encode_base64_url(bytes([n]) * 32)) for n in range(4)]

    def build_one() -> object:
        return build(
            draft,
            version=DEFAULT_ROOM_VERSION,
            room_id="!" + earlier[0].event_id[1:],
            prev_events=earlier[:1],
            auth_events=earlier[1:],
            depth=12,
            now_ms=1_700_000_000_000,
            server_name="example.org",
            key=key,
        )

    event = event_format.parse(
        orjson.loads(
            event_bytes.pdu(*event_bytes.split(build_one()))  # type: ignore[arg-type]
        ),
        DEFAULT_ROOM_VERSION,
    )
    body, links = event_bytes.split(event)
    show("sign alone", lambda: key.sign(body + links))
    show("build", build_one)
    show("split", lambda: event_bytes.split_pdu(event.pdu, event.version))
    show("load", lambda: event_bytes.load(body, links, event.event_id, event.room_id, event.version))
    show("client_event", lambda: event_bytes.client_event(body, event.event_id, event.room_id, b'{"age":12}'))
    show("parse (no signature check)", lambda: event_format.parse(event.pdu, event.version))
    signature, prepared = key.sign(body), VerifyKey(key.public_key)
    show("verify", lambda: VerifyKey(key.public_key).verifies(body, signature))
    show("verify, prepared", lambda: prepared.verifies(body, signature))


main()
