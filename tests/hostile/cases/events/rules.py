"""Events that an authorisation rule refuses (row 1)."""

from collections.abc import Callable
from typing import Any

from homeserver.protocol.event import Event
from tests.hostile.support.case import Case, arrived, offered
from tests.hostile.support.scene import FORGED, Scene

CREATE, POWER = ("m.room.create", ""), ("m.room.power_levels", "")
DAVE, ERIN = "dave", "erin"


def power(scene: Scene, **fields: Any) -> Event:
    """Power levels of bob's, who may not set any."""
    return scene.forge("m.room.power_levels", {**scene.levels(), **fields}, "")


def invite_by_token(scene: Scene) -> Event:
    dave = scene.evil.user(DAVE)
    signed = {"mxid": dave, "token": FORGED, "signatures": {scene.evil.name: {"ed25519:0": "a" * 86}}}
    content = {"membership": "invite", "third_party_invite": {"display_name": "x", "signed": signed}}
    return scene.forge("m.room.member", content, dave)


def voucher(scene: Scene, who: str) -> Event:
    content = {"membership": "join", "join_authorised_via_users_server": who, "displayname": FORGED}
    return scene.forge("m.room.member", content, scene.evil.user(DAVE), sender=scene.bob)


STATE: dict[str, Callable[[Scene], Any]] = {
    "power levels": lambda s: s.forge("m.room.power_levels", s.levels(bob=100), ""),
    "power taken from alice": lambda s: s.forge("m.room.power_levels", s.levels(alice=0) if s.version.identifier == "11" else s.levels(carol=-1), ""),
    "power for all": lambda s: power(s, users_default=100),
    "power over events": lambda s: power(s, events={}, state_default=0),
    "power as text": lambda s: power(s, users={s.bob: "100"}),
    "power of nobody": lambda s: power(s, users={"bob": 100}),
    "power under another key": lambda s: s.forge("m.room.power_levels", s.levels(bob=100), "x"),
    "topic": lambda s: s.forge("m.room.topic", {"topic": FORGED}, ""),
    "name": lambda s: s.forge("m.room.name", {"name": FORGED}, ""),
    "avatar": lambda s: s.forge("m.room.avatar", {"url": f"mxc://{s.evil.name}/{FORGED}"}, ""),
    "join rules": lambda s: s.forge("m.room.join_rules", {"join_rule": "invite"}, ""),
    "history visibility": lambda s: s.forge("m.room.history_visibility", {"history_visibility": "world_readable"}, ""),
    "guest access": lambda s: s.forge("m.room.guest_access", {"guest_access": "can_join"}, ""),
    "encryption": lambda s: s.forge("m.room.encryption", {"algorithm": FORGED}, ""),
    "server ACL": lambda s: s.forge("m.room.server_acl", {"allow": [s.evil.name]}, ""),
    "tombstone": lambda s: s.forge("m.room.tombstone", {"body": FORGED, "replacement_room": f"!x:{s.evil.name}"}, ""),
    "address": lambda s: s.forge("m.room.canonical_alias", {"alias": f"#{FORGED}:{s.evil.name}"}, ""),
    "pinned events": lambda s: s.forge("m.room.pinned_events", {"pinned": ["$" + FORGED]}, ""),
    "space child": lambda s: s.forge("m.space.child", {"via": [s.evil.name], FORGED: True}, f"!x:{s.evil.name}"),
    "policy server": lambda s: s.forge("m.room.policy", {"via": s.evil.name, "public_keys": {"ed25519": FORGED}}, ""),
    "another's state": lambda s: s.forge("org.example", {FORGED: 1}, s.alice_id),
    "state of a stranger": lambda s: s.forge("org.example", {FORGED: 1}, s.evil.user(ERIN)),
    "third-party invite": lambda s: s.forge("m.room.third_party_invite", {"display_name": FORGED, "public_keys": []}, "token"),
}  # fmt: skip
MEMBERS: dict[str, Callable[[Scene], Any]] = {
    "kick": lambda s: s.member("leave", s.alice_id),
    "kick of an equal": lambda s: s.member("leave", s.carol),
    "ban": lambda s: s.member("ban", s.carol),
    "ban of a stranger": lambda s: s.member("ban", s.evil.user(DAVE)),
    "another's join": lambda s: s.member("join", s.evil.user(DAVE)),
    "another's name": lambda s: s.member("join", s.alice_id),
    "another's knock": lambda s: s.member("knock", s.evil.user(DAVE)),
    "knock where nobody need": lambda s: s.member("knock", s.evil.user(DAVE), sender=s.evil.user(DAVE)),
    "unknown membership": lambda s: s.member("owner"),
    "membership of a wrong type": lambda s: s.member(["join"]),
    "no membership": lambda s: s.forge("m.room.member", {"displayname": FORGED}, s.bob),
    "membership without a key": lambda s: s.forge("m.room.member", {"membership": "join", "displayname": FORGED}),
    "membership of no user": lambda s: s.member("invite", FORGED),
    "stranger speaks": lambda s: s.message(sender=s.evil.user(DAVE)),
    "stranger sets a topic": lambda s: s.forge("m.room.topic", {"topic": FORGED}, "", sender=s.evil.user(DAVE)),
    "stranger invites": lambda s: s.member("invite", s.evil.user(ERIN), sender=s.evil.user(DAVE)),
    "stranger leaves": lambda s: s.member("leave", s.evil.user(DAVE), sender=s.evil.user(DAVE)),
    "invite of a member": lambda s: s.member("invite", s.carol),
    "invite by a token nobody gave": invite_by_token,
    "join vouched for by alice": lambda s: voucher(s, s.alice_id),
}


def banned_comes_back(scene: Scene) -> None:
    scene.bans(scene.bob)
    scene.stand()
    scene.tell(scene.member("join"), scene.member("leave"), scene.member("invite"), scene.member("knock"))


def invites_need_power(scene: Scene) -> None:
    scene.sets("m.room.power_levels", {**scene.levels(), "invite": 50})
    scene.stand()
    scene.tell(scene.member("invite", scene.evil.user(DAVE)))


def speaking_needs_power(scene: Scene) -> None:
    """What `events_default` says is not what is taken where it is missing (GHSA-grvv-h2f9-7v9c)."""
    scene.sets("m.room.power_levels", {**scene.levels(carol=50), "events_default": 50})
    scene.stand()
    scene.tell(scene.message(), scene.forge("m.reaction", {"m.relates_to": {"rel_type": "m.annotation", "key": FORGED}}))


def one_type_needs_power(scene: Scene) -> None:
    scene.sets("m.room.power_levels", {**scene.levels(), "events": {"org.example.rare": 60}})
    scene.stand()
    scene.tell(scene.forge("org.example.rare", {FORGED: True}))


def a_moderator_goes_too_far(scene: Scene) -> None:
    """Bob has power, and not so much."""
    scene.sets("m.room.power_levels", scene.levels(bob=50, carol=50))
    scene.stand()
    forge = scene.forge
    scene.tell(
        forge("m.room.power_levels", scene.levels(bob=100), ""),
        forge("m.room.power_levels", scene.levels(carol=0), ""),
        forge("m.room.power_levels", {**scene.levels(), "ban": 100}, ""),
        forge("m.room.power_levels", {**scene.levels(), "events": {"m.room.message": 51}}, ""),
        forge("m.room.power_levels", {**scene.levels(), "notifications": {"room": 51}}, ""),
        scene.member("ban", scene.carol),
        scene.member("leave", scene.alice_id),
    )


CASES = [
    *offered(1, STATE),
    *offered(1, MEMBERS),
    Case("the banned come back", (1, 6), banned_comes_back, arrived),
    Case("inviting needs power", (1,), invites_need_power, arrived),
    Case("speaking needs power", (1,), speaking_needs_power, arrived),
    Case("one type needs power", (1,), one_type_needs_power, arrived),
    Case("a moderator goes too far", (1,), a_moderator_goes_too_far, arrived),
]
