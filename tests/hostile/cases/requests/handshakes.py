"""Ways into a room of ours, misused (rows 17 and 18)."""

from collections.abc import Callable, Mapping
from typing import Any

from federation.client import v1, v2
from homeserver.protocol.signing import SigningKey, sign_json
from tests.hostile.support.case import Case
from tests.hostile.support.peer import Asked, Peer
from tests.hostile.support.scene import FORGED, Scene, signed_anyhow

VOUCHER = "join_authorised_via_users_server"
TOKEN_KEY, OTHER_KEY = SigningKey.generate(b"\3" * 32, "0"), SigningKey.generate(b"\4" * 32, "0")
ENDS = {"send_join": "join", "send_leave": "leave", "send_knock": "knock"}


def ask(scene: Scene, method: str, uri: str, body: Any = None) -> tuple[int, Any]:
    return scene.world.run(scene.evil.ask(method, uri, body))


def refused(answer: tuple[int, Any]) -> None:
    assert answer[0] in (400, 403, 404), answer
    assert answer[1]["errcode"].startswith("M_"), answer
    assert "state" not in answer[1]
    assert "auth_chain" not in answer[1]


def dora_comes_and_goes(scene: Scene) -> None:
    """The control: an honest join, and an honest leave."""
    dora = scene.good.user("dora")
    scene.enter(scene.good, dora, scene.room)
    leave = scene.member_event(scene.good, dora, scene.room, "leave")
    assert scene.hand_in(scene.good, "send_leave", scene.room, leave) == (200, {})
    scene.stand()


def for_users_of_others(scene: Scene) -> None:
    for question in ("make_join", "make_leave", "make_knock"):
        for user_id in (scene.alice_id, scene.carol, "@nobody:nowhere.test"):
            refused(ask(scene, "GET", v1(question, scene.room, user_id) + "?ver=11&ver=12"))


def where_nobody_is(scene: Scene) -> None:
    """Rooms of which this server knows nothing, and names that are none."""
    for room in ("!none:home.test", "!" + "x" * 43, "#alias:home.test", "x", "!" + "x" * 300):
        refused(ask(scene, "GET", v1("make_join", room, scene.bob) + "?ver=11&ver=12"))
        refused(ask(scene, "PUT", v2("send_join", room, "$" + "x" * 43), scene.message().pdu))


def in_versions_unknown(scene: Scene) -> None:
    for query in ("?ver=1", "", "?ver=", "?ver=99&ver=x"):
        status, answer = ask(scene, "GET", v1("make_join", scene.room, scene.evil.user("dave")) + query)
        assert (status, answer["errcode"]) == (400, "M_INCOMPATIBLE_ROOM_VERSION")


def handing_in(change: Callable[[Scene, str], Mapping[str, Any]], *, in_path: str = "") -> Callable[[Scene], None]:
    """dave's own event with something else in it, at the end of each handshake."""

    def lie(scene: Scene) -> None:
        dave = scene.evil.user("dave")
        made = scene.member_event(scene.evil, dave, scene.room).pdu
        for end, membership in ENDS.items():
            pdu = {**made, "content": {"membership": membership, "displayname": FORGED}}
            event_id, lie = signed_anyhow({**pdu, **change(scene, membership)}, scene.version, scene.evil)
            scene.lies.append(event_id)
            refused(scene.hand_in(scene.evil, end, scene.room, lie, in_path or event_id))

    return lie


HANDED: dict[str, Callable[[Scene, str], Mapping[str, Any]]] = {
    "a ban": lambda s, _: {"content": {"membership": "ban"}},
    "a kick": lambda s, _: {"content": {"membership": "leave"}, "state_key": s.carol},
    "an invite": lambda s, _: {"content": {"membership": "invite"}, "state_key": s.evil.user("erin")},
    "no membership": lambda s, _: {"content": {FORGED: 1}},
    "a topic": lambda s, _: {"type": "m.room.topic", "state_key": "", "content": {"topic": FORGED}},
    "a message": lambda s, _: {"type": "m.room.message", "content": {"body": FORGED}},
    "another's": lambda s, _: {"state_key": s.evil.user("erin")},
    "alice's": lambda s, _: {"sender": s.alice_id, "state_key": s.alice_id},
    "carol's": lambda s, _: {"sender": s.carol, "state_key": s.carol},
    "one of another room": lambda s, _: {"room_id": s.open_room()},
    "one without authority": lambda s, _: {"auth_events": []},
    "one without predecessors": lambda s, _: {"prev_events": []},
    "one of another depth": lambda s, _: {"depth": -1},
}


def otherwise_signed(scene: Scene) -> None:
    dave = scene.evil.user("dave")
    join = scene.member_event(scene.evil, dave, scene.room)
    for end, membership in ENDS.items():
        other = "$" + "x" * 43
        refused(scene.hand_in(scene.evil, end, scene.room, join.pdu, other))
        refused(
            scene.hand_in(
                scene.evil, end, scene.room, {**join.pdu, "content": {"membership": membership, "displayname": FORGED}}, join.event_id
            )
        )
        refused(scene.hand_in(scene.evil, end, scene.room, {**join.pdu, "signatures": {}}, join.event_id))
        refused(scene.hand_in(scene.evil, end, scene.room, {**join.pdu, "event_id": join.event_id}, join.event_id))
        bodies: tuple[dict[str, Any], ...] = ({}, {"content": []}, {"pdu": join.pdu})
        for body in bodies:
            refused(scene.hand_in(scene.evil, end, scene.room, body, join.event_id))


def the_banned(scene: Scene) -> None:
    join, leave = scene.member("join"), scene.member("leave")
    scene.bans(scene.bob)
    scene.stand()
    scene.lies += [join.event_id, leave.event_id]
    for question in ("make_join", "make_knock"):
        refused(ask(scene, "GET", v1(question, scene.room, scene.bob) + "?ver=11&ver=12"))
    refused(scene.hand_in(scene.evil, "send_join", scene.room, join))
    refused(scene.hand_in(scene.evil, "send_leave", scene.room, leave))
    refused(scene.hand_in(scene.evil, "send_join", scene.room, scene.member("join")))


def where_one_has_to_be_invited(scene: Scene) -> None:
    dave = scene.evil.user("dave")
    join = scene.member_event(scene.evil, dave, scene.room, displayname=FORGED)
    scene.sets("m.room.join_rules", {"join_rule": "invite"})
    scene.stand()
    scene.lies.append(join.event_id)
    refused(ask(scene, "GET", v1("make_join", scene.room, dave) + "?ver=11&ver=12"))
    refused(ask(scene, "GET", v1("make_knock", scene.room, dave) + "?ver=11&ver=12"))
    refused(scene.hand_in(scene.evil, "send_join", scene.room, join))
    late = scene.member("join", dave, sender=dave)
    refused(scene.hand_in(scene.evil, "send_join", scene.room, late))
    refused(scene.hand_in(scene.evil, "send_knock", scene.room, scene.member("knock", dave, sender=dave)))
    scene.tell(late)


def a_knock_that_joins(scene: Scene) -> None:
    """Knocking is allowed: a join, or an invite, is not what a knock is."""
    scene.sets("m.room.join_rules", {"join_rule": "knock"})
    scene.stand()
    dave = scene.evil.user("dave")
    knock = scene.member_event(scene.evil, dave, scene.room, "knock")
    for membership in ("join", "invite", "leave"):
        content = {"membership": membership, "displayname": FORGED}
        event_id, pdu = signed_anyhow({**knock.pdu, "content": content}, scene.version, scene.evil)
        scene.lies.append(event_id)
        refused(scene.hand_in(scene.evil, "send_knock", scene.room, pdu, event_id))
        refused(scene.hand_in(scene.evil, "send_join", scene.room, pdu, event_id))


def dora_knocks(scene: Scene) -> None:
    dora = scene.good.user("dora")
    knock = scene.member_event(scene.good, dora, scene.room, "knock")
    status, answer = scene.hand_in(scene.good, "send_knock", scene.room, knock)
    assert status == 200
    assert {event["type"] for event in answer["knock_room_state"]} >= {"m.room.create", "m.room.join_rules"}
    scene.stand()


# restricted rooms


def restricted(scene: Scene) -> str:
    """Who is in another room of alice's may come in; its ID."""
    club = scene.open_room(name="club")
    scene.sets("m.room.join_rules", {"join_rule": "restricted", "allow": [{"type": "m.room_membership", "room_id": club}]})
    scene.stand()
    return club


VOUCHERS: dict[str, Callable[[Scene], Any]] = {
    "nobody": lambda s: None,
    "alice": lambda s: s.alice_id,
    "the liar's own": lambda s: s.bob,
    "carol": lambda s: s.carol,
    "a stranger here": lambda s: "@stranger:home.test",
    "the joiner": lambda s: s.evil.user("dave"),
    "no user": lambda s: 7,
}


def vouched(who: Callable[[Scene], Any]) -> Callable[[Scene], None]:
    """dave, who is not in the club, by the door and by the window."""

    def lie(scene: Scene) -> None:
        restricted(scene)
        dave, voucher = scene.evil.user("dave"), who(scene)
        refused(ask(scene, "GET", v1("make_join", scene.room, dave) + "?ver=11&ver=12"))
        state = scene.state()
        addresses = [("m.room.power_levels", ""), ("m.room.join_rules", ""), ("m.room.member", voucher)]
        if not scene.version.room_id_is_create_hash:
            addresses.append(("m.room.create", ""))
        content = {"membership": "join", "displayname": FORGED, **({} if voucher is None else {VOUCHER: voucher})}
        join = scene.forge("m.room.member", content, dave, sender=dave, auth=[state[a] for a in addresses if a in state])
        scene.lies.append(join.event_id)
        copied = {"home.test": {"ed25519:a": "a" * 86}, scene.good.name: {scene.good.key.key_id: "a" * 86}, **join.pdu["signatures"]}
        for pdu in (join.pdu, {**join.pdu, "signatures": copied}):
            refused(scene.hand_in(scene.evil, "send_join", scene.room, pdu, join.event_id))
            scene.tell(pdu)

    return lie


def a_member_of_the_club(scene: Scene) -> None:
    """The control: dora is in the club, and the join bears the signature of this server."""
    club = scene.state()["m.room.join_rules", ""].content["allow"][0]["room_id"]
    dora = scene.good.user("dora")
    scene.enter(scene.good, dora, club)
    join = scene.member_event(scene.good, dora, scene.room, **{VOUCHER: scene.alice_id})
    status, answer = scene.hand_in(scene.good, "send_join", scene.room, join)
    assert status == 200, answer
    assert "home.test" in answer["event"]["signatures"]
    scene.stand()


# invites to addresses


def pending_invite(scene: Scene) -> None:
    key = {"public_key": TOKEN_KEY.public_base64}
    scene.sets("m.room.third_party_invite", {"display_name": "d", "public_keys": [key], **key}, "token")
    scene.stand()
    for peer in (scene.evil, scene.good):
        peer.answers["invite"] = signs_invites(peer, scene)


def signs_invites(peer: Peer, scene: Scene) -> Callable[[Asked], Any]:
    def sign(asked: Asked) -> Any:
        event = asked.json["event"]
        signatures = signed_anyhow(event, scene.version, peer)[1]["signatures"]
        return {"event": {**event, "signatures": {**event["signatures"], **signatures}}}

    return sign


def exchanged(scene: Scene, user_id: str, proof: Mapping[str, Any], peer: Peer) -> tuple[int, Any]:
    content = {"membership": "invite", "third_party_invite": {"display_name": "d", "signed": proof}}
    event = {"type": "m.room.member", "room_id": scene.room, "sender": scene.alice_id, "state_key": user_id, "content": content}
    return scene.world.run(peer.ask("PUT", v1("exchange_third_party_invite", scene.room), event))


def proof_of(user_id: str, token: str = "token", key: SigningKey = TOKEN_KEY) -> dict[str, Any]:
    return sign_json({"mxid": user_id, "token": token}, "identity.test", key)


def forged_proofs(scene: Scene) -> None:
    pending_invite(scene)
    dave = scene.evil.user("dave")
    good = proof_of(dave)
    for proof in (
        proof_of(dave, key=OTHER_KEY),
        proof_of(dave, token="other"),
        {**proof_of(scene.evil.user("erin")), "mxid": dave},
        proof_of(scene.evil.user("erin")),
        {**good, "signatures": {}},
        {**good, "signatures": {"identity.test": {"ed25519:0": "a" * 86}}},
        {"mxid": dave, "token": "token"},
        {},
    ):
        refused(exchanged(scene, dave, proof, scene.evil))
    invite = {
        "membership": "invite",
        "displayname": FORGED,
        "third_party_invite": {"display_name": "d", "signed": proof_of(dave, key=OTHER_KEY)},
    }
    scene.tell(scene.forge("m.room.member", invite, dave))
    assert ("m.room.member", dave) not in scene.state()


def a_true_proof(scene: Scene) -> None:
    dora = scene.good.user("dora")
    assert exchanged(scene, dora, proof_of(dora), scene.good) == (200, {})
    assert scene.state()["m.room.member", dora].content["membership"] == "invite"
    scene.stand()


CASES = [
    Case("handshakes for users of others", (16, 18), for_users_of_others, dora_comes_and_goes),
    Case("handshakes where nobody is", (18,), where_nobody_is, dora_comes_and_goes),
    Case("handshakes in versions unknown", (18,), in_versions_unknown, dora_comes_and_goes),
    *(
        Case(f"at the end of a handshake {name}", (18,), handing_in(change), dora_comes_and_goes, shared=True)
        for name, change in HANDED.items()
    ),
    Case("at the end of a handshake what was not signed so", (11, 12, 18), otherwise_signed, dora_comes_and_goes),
    Case("the banned knock and come", (6, 18), the_banned, dora_comes_and_goes),
    Case("a join where one has to be invited", (17,), where_one_has_to_be_invited, lambda scene: scene.send([scene.honest_message()])),
    Case("a join by way of a knock", (17, 18), a_knock_that_joins, dora_knocks),
    *(Case(f"into a restricted room, vouched for by {name}", (17,), vouched(who), a_member_of_the_club) for name, who in VOUCHERS.items()),
    Case("an invite by a forged proof", (17,), forged_proofs, a_true_proof),
]
