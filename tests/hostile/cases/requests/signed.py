"""In whose name a request comes (row 15)."""

from collections.abc import Callable
from typing import Any

from federation import x_matrix
from federation.client import v1
from homeserver.protocol.signing import SigningKey
from homeserver.web.request import Request
from tests.hostile.support.case import TWELVE, Case, arrived
from tests.hostile.support.scene import Scene
from tests.hostile.support.world import HOME

STRANGE = SigningKey.generate(b"\7" * 32, "k")
Change = Callable[[Scene], Request]


def uri_of(scene: Scene) -> str:
    return v1("state_ids", scene.room) + f"?event_id={scene.ends()[0].event_id}"


def header(
    scene: Scene, *, key: SigningKey | None = None, origin: str = "", destination: str = HOME, method: str = "GET", uri: str = ""
) -> str:
    return x_matrix.authorization(key or scene.evil.key, origin or scene.evil.name, destination, method, uri or uri_of(scene), None)


def asks(scene: Scene, text: str, body: Any = None, method: str = "GET") -> Request:
    return scene.evil.request(method, uri_of(scene), body, header=text)


def replaced(scene: Scene, old: str, new: str) -> Request:
    text = header(scene)
    assert old in text
    return asks(scene, text.replace(old, new))


CHANGED: dict[str, Change] = {
    "no header": lambda s: asks(s, ""),
    "signed for another server": lambda s: asks(s, header(s, destination="other.test")),
    "signed for another server, and told otherwise": lambda s: asks(s, header(s, destination="other.test").replace("other.test", HOME)),
    "in the name of this server": lambda s: asks(s, header(s, origin=HOME)),
    "in the name of the other": lambda s: asks(s, header(s, origin=s.good.name)),
    "with a key of its own under a known name": lambda s: asks(s, header(s, key=STRANGE)),
    "with a key that nobody told": lambda s: replaced(s, s.evil.key.key_id, "ed25519:other"),
    "with a key of no algorithm": lambda s: replaced(s, "ed25519:", "rsa:"),
    "of another method": lambda s: asks(s, header(s, method="PUT")),
    "of another path": lambda s: asks(s, header(s, uri=v1("state_ids", "!other:home.test"))),
    "of another query": lambda s: asks(s, header(s, uri=uri_of(s) + "&limit=1")),
    "without its query": lambda s: asks(s, header(s, uri=uri_of(s).partition("?")[0])),
    "of a path spelled otherwise": lambda s: asks(s, header(s, uri=uri_of(s).replace("%21", "!").replace("%3A", ":"))),
    "with a body that is not signed": lambda s: asks(s, header(s), {"x": 1}),
    "with a signature that is none": lambda s: asks(s, header(s).rpartition("sig=")[0] + 'sig="' + "a" * 86 + '"'),
    "with half a signature": lambda s: replaced(s, header(s)[-9:], '"'),
    "with an empty signature": lambda s: asks(s, header(s).rpartition("sig=")[0] + 'sig=""'),
    "of another scheme": lambda s: replaced(s, "X-Matrix", "Bearer"),
    "with its origin twice": lambda s: asks(s, header(s) + f',origin="{s.good.name}"'),
    "from no server": lambda s: replaced(s, s.evil.name, "no name"),
    "from a user": lambda s: replaced(s, s.evil.name, s.bob),
    "with a value that does not end": lambda s: asks(s, header(s)[:-1]),
    "with a header without end": lambda s: asks(s, header(s) + ',x="' + "a" * 10_000 + '"'),
    "with an old form without destination that was not signed so": lambda s: replaced(s, f',destination="{HOME}"', ""),
}


def changed(change: Change) -> Callable[[Scene], None]:
    def lie(scene: Scene) -> None:
        request = change(scene)
        status, answer = scene.world.run(scene.evil.serve(request))
        assert status in (401, 403), (status, answer)
        assert answer["errcode"] in ("M_UNAUTHORIZED", "M_FORBIDDEN"), answer
        assert "pdu_ids" not in answer

    return lie


def well_signed(scene: Scene) -> None:
    """The same question by right."""
    status, answer = scene.world.run(scene.evil.ask("GET", uri_of(scene)))
    assert status == 200
    assert answer["pdu_ids"]
    scene.tell()


def transaction_changed(scene: Scene) -> None:
    """A transaction that was signed, with another event in it; under another name; by another server."""
    uri, body = scene.evil.transaction([scene.honest_message().pdu])
    signed = x_matrix.authorization(scene.evil.key, scene.evil.name, HOME, "PUT", uri, scene.evil.request("PUT", uri, body).raw_body)
    forged = scene.message()
    scene.lies.append(forged.event_id)
    other = {**body, "pdus": [forged.pdu]}
    run, evil = scene.world.run, scene.evil
    assert run(evil.ask("PUT", uri, other, header=signed))[0] == 401
    assert run(evil.ask("PUT", uri + "x", body, header=signed))[0] == 401
    assert run(evil.ask("PUT", uri, b"", header=signed))[0] == 401
    assert run(evil.ask("PUT", uri, body, header=signed))[0] == 200


def the_same_again(scene: Scene) -> None:
    """A transaction that was seen on its way is sent again: it is answered as before, and what it told happens once."""
    said = scene.honest_message()
    uri, body = scene.evil.transaction([said.pdu])
    answers = [scene.world.run(scene.evil.ask("PUT", uri, body)) for _ in range(3)]
    assert answers == [(200, {"pdus": {said.event_id: {}}})] * 3
    forged = scene.message()
    scene.lies.append(forged.event_id)
    assert scene.world.run(scene.evil.ask("PUT", uri, {**body, "pdus": [forged.pdu]})) == answers[0]
    assert scene.stored(forged.event_id) is None


CASES = [
    *(Case(f"a request {name}", (15,), changed(change), well_signed, versions=TWELVE, shared=True) for name, change in CHANGED.items()),
    Case("a transaction that was changed on its way", (15,), transaction_changed, arrived, versions=TWELVE),
    Case("a transaction again", (15,), the_same_again, arrived, versions=TWELVE),
]
