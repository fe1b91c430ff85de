"""Who says it, under which name, and whether it is what was said (rows 10 to 12)."""

from typing import Any

from homeserver.protocol.signing import SigningKey
from tests.hostile.support.case import Case, arrived, offered
from tests.hostile.support.peer import always
from tests.hostile.support.scene import FORGED, Scene, signed_anyhow
from tests.support.rooms import path

STRANGE_KEY = SigningKey.generate(b"\7" * 32, "k")


def others(scene: Scene) -> list[Any]:
    """In the name of users of other servers, signed by the liar under its own name, and under theirs."""
    made = []
    for sender in (scene.carol, scene.alice_id):
        pdu = {**scene.message(sender=scene.carol).pdu, "sender": sender, "content": {"msgtype": "m.text", "body": FORGED}}
        event_id, signed = signed_anyhow(pdu, scene.version, scene.evil)
        (signature,) = signed["signatures"].values()
        scene.lies.append(event_id)
        made += [signed, {**signed, "signatures": {sender.partition(":")[2]: signature}}]
        made.append({**signed, "signatures": {**signed["signatures"], sender.partition(":")[2]: signature}})
    return made


def wrong_signatures(scene: Scene) -> list[Any]:
    event = scene.message()
    scene.lies.append(event.event_id)
    name, key_id = scene.evil.name, scene.evil.key.key_id
    good = event.pdu["signatures"][name][key_id]
    wrong: tuple[dict[str, Any], ...] = (
        {},
        {name: {}},
        {name: {key_id: "a" * 86}},
        {name: {key_id: ""}},
        {name: {key_id: "no base64!"}},
        {name: {"ed25519:other": good}},
        {name: {"rsa:k": good}},
        {name: {key_id: good[:-2]}},
        {name.upper(): {key_id: good}},
    )
    return [{**event.pdu, "signatures": signatures} for signatures in wrong]


def changed_content(scene: Scene) -> None:
    """Signed, and then something else: the name is that of what was signed, and the words are nowhere."""
    event = scene.message("before it was changed")
    pdu = {**event.pdu, "content": {"msgtype": "m.text", "body": FORGED}}
    scene.send([pdu, scene.honest_message()])
    stored = scene.stored(event.event_id)
    assert stored is not None
    assert stored.content == {}


def changed_membership(scene: Scene) -> None:
    """What redaction keeps is signed, and cannot be changed; the rest goes."""
    event = scene.forge("m.room.member", {"membership": "join", "displayname": "x"}, scene.bob)
    scene.send([{**event.pdu, "content": {"membership": "join", "displayname": FORGED}}, scene.honest_message()])
    scene.stand()
    assert scene.state()["m.room.member", scene.bob].content == {"membership": "join"}
    scene.tell({**event.pdu, "content": {"membership": "leave", "displayname": FORGED}})


def takes_a_name(scene: Scene) -> None:
    """The ID of what alice said."""
    said = scene.says("alice's own")
    event_id, named = signed_anyhow({**scene.message().pdu, "event_id": said}, scene.version, scene.evil)
    scene.lies.append(event_id)
    scene.tell({**scene.message().pdu, "event_id": said}, named)
    assert scene.world.home.ok(scene.alice.get(path("rooms", scene.room, "event", said)))["content"]["body"] == "alice's own"
    scene.honest.append(said)


def unsigned_claims(scene: Scene) -> None:
    """What an event says beside what is signed is nobody's word; it is not handed on."""
    event = scene.honest_message()
    claims = {
        "redacted_because": {"content": {"reason": FORGED}, "type": "m.room.redaction", "sender": scene.bob, "event_id": "$x"},
        "prev_content": {"membership": FORGED},
        "transaction_id": FORGED,
        "m.relations": {"m.replace": {"content": {"body": FORGED}}},
        "age": -1,
        "membership": FORGED,
        "prev_sender": FORGED,
        "invite_room_state": [{"type": FORGED}],
    }
    top = {"age": 1, "redacted_because": FORGED, "user_id": FORGED, "origin": FORGED, "prev_content": {FORGED: 1}}
    scene.send([{**event.pdu, "unsigned": claims}])
    _, with_top = signed_anyhow({**scene.message("honest, with more keys").pdu, **top, "unsigned": claims}, scene.version, scene.evil)
    scene.send([with_top])


def told_again_otherwise(scene: Scene) -> None:
    """The same event again, with other words, and other signatures: the first stays."""
    event = scene.honest_message()
    scene.send([event])
    changed = {**event.pdu, "content": {"msgtype": "m.text", "body": FORGED}}
    scene.send([changed, {**event.pdu, "signatures": {scene.good.name: {"ed25519:k": "a" * 86}}}, {**event.pdu, "unsigned": {FORGED: 1}}])
    stored = scene.stored(event.event_id)
    assert stored is not None
    assert stored.content == event.content


def by_every_way_in(scene: Scene) -> None:
    """Alice's words as the liar has them, offered by all that it may answer with (GHSA-pfw4-xjgm-267c)."""
    pdu = {**scene.message().pdu, "sender": scene.alice_id}
    event_id, forged = signed_anyhow(pdu, scene.version, scene.evil)
    scene.lies.append(event_id)
    answers: dict[str, Any] = {
        "get_missing_events": {"events": [forged]},
        "event": {"pdus": [forged]},
        "event_auth": {"auth_chain": [forged]},
        "state": {"pdus": [forged], "auth_chain": [forged]},
        "state_ids": {"pdu_ids": [event_id], "auth_chain_ids": [event_id]},
        "backfill": {"pdus": [forged]},
    }
    scene.evil.answers |= {name: always(answer) for name, answer in answers.items()}
    built = signed_anyhow({**scene.message().pdu, "prev_events": [event_id]}, scene.version, scene.evil)
    cites = signed_anyhow({**scene.message().pdu, "auth_events": [event_id]}, scene.version, scene.evil)
    scene.lies += [built[0], cites[0]]
    scene.tell(forged, built[1], cites[1])
    assert scene.evil.questions("get_missing_events")
    assert scene.stored(event_id) is None


def a_key_of_another(scene: Scene) -> list[Any]:
    return [scene.message(key=STRANGE_KEY), scene.message(key=scene.good.key), scene.message(sender=scene.carol, key=scene.evil.key)]


CASES = [
    *offered(12, {"in the name of others": others, "wrong signatures": wrong_signatures, "keys of others": a_key_of_another}),
    Case("content that was changed", (11,), changed_content, arrived),
    Case("a membership that was changed", (11,), changed_membership, arrived),
    Case("the name of what alice said", (10,), takes_a_name, arrived),
    Case("claims that are not signed", (10,), unsigned_claims, arrived),
    Case("told again, and otherwise", (10, 11), told_again_otherwise, arrived),
    Case("in alice's name by every way in", (12, 13), by_every_way_in, arrived),
]
