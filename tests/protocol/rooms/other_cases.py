"""The rules on everything else that looks at the state."""

from tests.protocol.rooms.small_room import ALICE, BOB, EVE, MO, Case, member

_OLD_REDACTIONS, _OLD_ALIASES = range(1, 3), range(1, 6)
_CLOSED = {"m.federate": False}

FEDERATE = (
    Case("closed room, own server", "m.room.message", MO, {}, create=_CLOSED),
    Case("closed room, other server", "m.room.message", BOB, {}, "federate", create=_CLOSED),
    Case("closed room, invite to another server", **member(ALICE, EVE, "invite"), create=_CLOSED, refused="federate"),
    Case("closed room, join from another server", **member(EVE, EVE, "join"), create=_CLOSED, join_rule="public", refused="federate"),
    Case("m.federate is no boolean", "m.room.message", BOB, {}, "federate", create={"m.federate": "yes"}),
    Case("open room", "m.room.message", BOB, {}, create={"m.federate": True}),
)

THIRD_PARTY_INVITE = (
    Case("pending invite", "m.room.third_party_invite", BOB, {}, None, "t"),
    Case("pending invite does not take 50", "m.room.third_party_invite", BOB, {}, None, "t", levels={"state_default": 100}),
    Case("pending invite, too little power", "m.room.third_party_invite", BOB, {}, "third_party_invite", "t", levels={"invite": 1}),
    Case("pending invite, stranger", "m.room.third_party_invite", EVE, {}, "joined", "t"),
)

ALIASES = (
    Case("aliases of one's server", "m.room.aliases", EVE, {}, None, "c.example", versions=_OLD_ALIASES),
    Case("aliases of another server", "m.room.aliases", MO, {}, "aliases.domain", "c.example", versions=_OLD_ALIASES),
    Case("aliases without state key", "m.room.aliases", MO, {}, "aliases.state_key", versions=_OLD_ALIASES),
    Case("aliases, empty state key", "m.room.aliases", MO, {}, "aliases.state_key", "", versions=_OLD_ALIASES),
    Case("aliases are ordinary now, stranger", "m.room.aliases", EVE, {}, "joined", "c.example", versions=range(6, 13)),
    Case("aliases are ordinary now, no power", "m.room.aliases", BOB, {}, "required_level", "b.example", versions=range(6, 13)),
)

REDACTION = (
    Case("row 19: redact with power", "m.room.redaction", MO, {}, redacts="$x:b.example"),
    Case("row 19: redact own server's", "m.room.redaction", BOB, {}, redacts="$x:b.example", event_id="$r:b.example"),
    Case(
        "row 19: redact another server's",
        "m.room.redaction",
        BOB,
        {},
        "redaction.otherwise",
        redacts="$x:a.example",
        event_id="$r:b.example",
        versions=_OLD_REDACTIONS,
    ),
    Case("row 19: redact nothing", "m.room.redaction", BOB, {}, "redaction.otherwise", event_id="$r:b.example", versions=_OLD_REDACTIONS),
    Case("row 19: redact without a server", "m.room.redaction", BOB, {}, "redaction.otherwise", redacts="$x", versions=_OLD_REDACTIONS),
    Case("row 19: redactions are judged later", "m.room.redaction", BOB, {}, redacts="$x", versions=range(3, 13)),
    Case("row 19: redaction takes its level", "m.room.redaction", BOB, {}, "required_level", levels={"events": {"m.room.redaction": 1}}),
)

CASES = (*FEDERATE, *THIRD_PARTY_INVITE, *ALIASES, *REDACTION)
