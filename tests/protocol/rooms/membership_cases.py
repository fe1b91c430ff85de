"""The rule on m.room.member, branch by branch."""

from typing import Any

from tests.protocol.rooms.small_room import ALICE, BOB, EVE, INVITE_KEY, MO, OTHER_KEY, Case, Content, member, public_key, signed

_OLD, _SINCE_7, _SINCE_8, _SINCE_10 = range(1, 7), range(7, 13), range(8, 13), range(10, 13)
_PUBLIC = public_key(INVITE_KEY)
_VIA = "join_authorised_via_users_server"

SHAPE = (
    Case("no state key", **member(BOB, None, "join"), refused="member.shape"),
    Case("no membership", "m.room.member", BOB, {}, state_key=BOB, refused="member.shape"),
    Case("membership is a number", **member(BOB, BOB, 1), refused="member.shape"),
    Case("membership is an object", **member(BOB, BOB, {}), refused="member.shape"),
    Case("state key is no user", **member(ALICE, "eve", "invite"), refused="member.shape"),
    Case("membership is unknown", **member(ALICE, ALICE, "owner"), refused="member.unknown"),
    Case("knock, before it existed", **member(EVE, EVE, "knock"), join_rule="knock", versions=_OLD, refused="member.unknown"),
)

JOIN = (
    Case("creator joins first", **member(ALICE, ALICE, "join"), members={ALICE: "none"}, join_rule=None, levels=None, prev=("$create",)),
    Case(
        "creator joins later",
        **member(ALICE, ALICE, "join"),
        members={ALICE: "none"},
        prev=("$create", "$x"),
        refused="member.join.otherwise",
    ),
    Case("another joins first", **member(EVE, EVE, "join"), join_rule=None, prev=("$create",), refused="member.join.otherwise"),
    Case("creator named in the content", **member(EVE, EVE, "join"), create={"creator": EVE}, prev=("$create",), versions=range(1, 11)),
    Case(
        "content no longer names the creator",
        **member(EVE, EVE, "join"),
        create={"creator": EVE},
        prev=("$create",),
        versions=range(11, 13),
        refused="member.join.otherwise",
    ),
    Case(
        "additional creator is not the first to join",
        **member(EVE, EVE, "join"),
        create={"additional_creators": [EVE]},
        prev=("$create",),
        versions=range(12, 13),
        refused="member.join.otherwise",
    ),
    Case("join for another", **member(BOB, EVE, "join"), join_rule="public", refused="member.join.sender"),
    Case("banned user joins", **member(EVE, EVE, "join"), members={EVE: "ban"}, join_rule="public", refused="member.join.banned"),
    Case("public room", **member(EVE, EVE, "join"), join_rule="public"),
    Case("kicked user joins a public room", **member(EVE, EVE, "join"), members={EVE: "leave"}, join_rule="public"),
    Case("invited user joins", **member(EVE, EVE, "join"), members={EVE: "invite"}),
    Case("member changes the profile", **member(BOB, BOB, "join", displayname="Bob")),
    Case("nobody invited", **member(EVE, EVE, "join"), refused="member.join.otherwise"),
    Case("no join rules are invite rules", **member(EVE, EVE, "join"), join_rule=None, refused="member.join.otherwise"),
    Case("invited without join rules", **member(EVE, EVE, "join"), join_rule=None, members={EVE: "invite"}),
    Case("private room", **member(EVE, EVE, "join"), join_rule="private", members={EVE: "invite"}, refused="member.join.otherwise"),
    Case("unknown join rule", **member(EVE, EVE, "join"), join_rule="open", members={EVE: "invite"}, refused="member.join.otherwise"),
    Case("join rule is no string", **member(EVE, EVE, "join"), join_rule=["public"], refused="member.join.otherwise"),
    Case("knock room, invited", **member(EVE, EVE, "join"), join_rule="knock", members={EVE: "invite"}, versions=_SINCE_7),
    Case("row 17: knock as join", **member(EVE, EVE, "join"), join_rule="knock", members={EVE: "knock"}, refused="member.join.otherwise"),
    Case(
        "knock rule before knocking",
        **member(EVE, EVE, "join"),
        join_rule="knock",
        members={EVE: "invite"},
        versions=_OLD,
        refused="member.join.otherwise",
    ),
)

RESTRICTED = (
    Case("restricted, invited", **member(EVE, EVE, "join"), join_rule="restricted", members={EVE: "invite"}, versions=_SINCE_8),
    Case("restricted, already in", **member(BOB, BOB, "join"), join_rule="restricted", versions=_SINCE_8),
    Case("restricted, authorised", **member(EVE, EVE, "join", **{_VIA: MO}), join_rule="restricted", versions=_SINCE_8),
    Case("knock_restricted, authorised", **member(EVE, EVE, "join", **{_VIA: MO}), join_rule="knock_restricted", versions=_SINCE_10),
    Case(
        "knock_restricted, invited", **member(EVE, EVE, "join"), join_rule="knock_restricted", members={EVE: "invite"}, versions=_SINCE_10
    ),
    Case(
        "row 17: restricted, nobody named",
        **member(EVE, EVE, "join"),
        join_rule="restricted",
        versions=_SINCE_8,
        refused="member.join.restricted.authoriser",
    ),
    Case(
        "row 17: restricted, named user is not in",
        **member(EVE, EVE, "join", **{_VIA: "@gone:a.example"}),
        join_rule="restricted",
        versions=_SINCE_8,
        refused="member.join.restricted.authoriser",
    ),
    Case(
        "row 17: restricted, named user may not invite",
        **member(EVE, EVE, "join", **{_VIA: BOB}),
        join_rule="restricted",
        levels={"invite": 50},
        versions=_SINCE_8,
        refused="member.join.restricted.authoriser",
    ),
    Case(
        "row 17: restricted, named user is no string",
        **member(EVE, EVE, "join", **{_VIA: [MO]}),
        join_rule="restricted",
        versions=_SINCE_8,
        refused="member.join.restricted.authoriser",
    ),
    Case(
        "row 17: authorised does not open an invite room",
        **member(EVE, EVE, "join", **{_VIA: MO}),
        versions=_SINCE_8,
        refused="member.join.otherwise",
    ),
    Case(
        "restricted before it existed",
        **member(EVE, EVE, "join", **{_VIA: MO}),
        join_rule="restricted",
        members={EVE: "invite"},
        versions=range(1, 8),
        refused="member.join.otherwise",
    ),
    Case(
        "knock_restricted before it existed",
        **member(EVE, EVE, "join", **{_VIA: MO}),
        join_rule="knock_restricted",
        members={EVE: "invite"},
        versions=range(1, 10),
        refused="member.join.otherwise",
    ),
)

INVITE = (
    Case("member invites", **member(BOB, EVE, "invite")),
    Case("invite again", **member(BOB, EVE, "invite"), members={EVE: "invite"}),
    Case("invite who knocked", **member(BOB, EVE, "invite"), members={EVE: "knock"}),
    Case("stranger invites", **member(EVE, "@x:c.example", "invite"), refused="member.invite.sender"),
    Case("invited user invites", **member(EVE, "@x:c.example", "invite"), members={EVE: "invite"}, refused="member.invite.sender"),
    Case("invite a member", **member(MO, BOB, "invite"), refused="member.invite.target"),
    Case("invite who is banned", **member(ALICE, EVE, "invite"), members={EVE: "ban"}, refused="member.invite.target"),
    Case("too little power to invite", **member(BOB, EVE, "invite"), levels={"invite": 1}, refused="member.invite.otherwise"),
    Case("just enough power to invite", **member(MO, EVE, "invite"), levels={"invite": 50}),
)


def _third_party(name: str, signed_part: object, refused: str | None, pending: Content | None = None, **room: Any) -> Case:
    """An invite of Eve by Mo, or who is named, that cites what an identity server signed."""
    content = {"membership": "invite", "third_party_invite": {"display_name": "e", "signed": signed_part}}
    fields: dict[str, Any] = {"sender": MO, "state_key": EVE, "pending": {"public_key": _PUBLIC} if pending is None else pending, **room}
    rule = None if refused is None else f"member.invite.third_party.{refused}"
    return Case(name, "m.room.member", content=content, refused=rule, **fields)


_OTHER = public_key(OTHER_KEY)
THIRD_PARTY = (
    _third_party("third party, public_key", signed(), None),
    _third_party("third party, public_keys", signed(), None, {"public_keys": [{"public_key": _OTHER}, {"public_key": _PUBLIC}]}),
    _third_party("third party, second of two keys", signed(), None, {"public_key": _OTHER, "public_keys": [{"public_key": _PUBLIC}]}),
    _third_party("third party, the sender has left", signed(), None, members={MO: "leave"}),
    _third_party("third party, target in the room", signed(), None, members={EVE: "join"}),
    _third_party("row 17: third party, banned", signed(), "banned", members={EVE: "ban"}),
    _third_party("third party, nothing signed", None, "signed"),
    _third_party("third party, signed is a list", ["x"], "signed"),
    _third_party("third party, no mxid", signed(mxid=None), "mxid_token"),
    _third_party("third party, no token", signed(token=None), "mxid_token"),
    _third_party("third party, token is a number", signed(token=1), "mxid_token"),
    _third_party("row 17: third party, for somebody else", signed(mxid=BOB), "mxid"),
    _third_party("row 17: third party, another's state key", signed(), "mxid", state_key="@x:c.example"),
    _third_party("row 17: third party, unknown token", signed(token="u"), "token"),
    _third_party("row 17: third party, another sender", signed(), "sender", sender=ALICE),
    _third_party("row 17: third party, wrong key", signed(OTHER_KEY), "otherwise"),
    _third_party("row 17: third party, changed after signing", signed(extra="x"), "otherwise"),
    _third_party("third party, unsigned", signed(signatures=None), "otherwise"),
    _third_party("third party, signatures are a list", signed(signatures=["x"]), "otherwise"),
    _third_party("third party, signature is a number", signed(signatures={"id.example": {"ed25519:0": 5}}), "otherwise"),
    _third_party("third party, signature is no base64", signed(signatures={"id.example": {"ed25519:0": "%"}}), "otherwise"),
    _third_party("third party, no key in the room", signed(), "otherwise", {}),
    _third_party("third party, key is no base64", signed(), "otherwise", {"public_key": "%"}),
    _third_party("third party, key is too short", signed(), "otherwise", {"public_key": "AAAA"}),
    _third_party("third party, keys are wrong in kind", signed(), "otherwise", {"public_key": 5, "public_keys": [1, {"public_key": 2}]}),
    Case("third party is null", **member(MO, EVE, "invite", third_party_invite=None), refused="member.invite.third_party.signed"),
)

LEAVE = (
    Case("member leaves", **member(BOB, BOB, "leave")),
    Case("invited user declines", **member(EVE, EVE, "leave"), members={EVE: "invite"}),
    Case("knocking user withdraws", **member(EVE, EVE, "leave"), members={EVE: "knock"}, versions=_SINCE_7),
    Case(
        "withdraw a knock, before it existed",
        **member(EVE, EVE, "leave"),
        members={EVE: "knock"},
        versions=_OLD,
        refused="member.leave.self",
    ),
    Case("stranger leaves", **member(EVE, EVE, "leave"), refused="member.leave.self"),
    Case("leave twice", **member(EVE, EVE, "leave"), members={EVE: "leave"}, refused="member.leave.self"),
    Case("banned user leaves", **member(EVE, EVE, "leave"), members={EVE: "ban"}, refused="member.leave.self"),
    Case("stranger kicks", **member(EVE, BOB, "leave"), levels={"users": {EVE: 50}}, refused="member.leave.sender"),
    Case("kick", **member(MO, BOB, "leave")),
    Case("kick who is invited", **member(MO, EVE, "leave"), members={EVE: "invite"}),
    Case("kick a stranger", **member(MO, EVE, "leave")),
    Case("too little power to kick", **member(MO, BOB, "leave"), levels={"kick": 51}, refused="member.leave.otherwise"),
    Case("kick an equal", **member(MO, BOB, "leave"), levels={"users": {MO: 50, BOB: 50}}, refused="member.leave.otherwise"),
    Case("kick the creator", **member(MO, ALICE, "leave"), refused="member.leave.otherwise"),
    Case("unban", **member(MO, EVE, "leave"), members={EVE: "ban"}),
    Case("too little power to unban", **member(MO, EVE, "leave"), members={EVE: "ban"}, levels={"ban": 51}, refused="member.leave.unban"),
    Case("unban needs kick too", **member(MO, EVE, "leave"), members={EVE: "ban"}, levels={"kick": 51}, refused="member.leave.otherwise"),
)

BAN = (
    Case("ban", **member(MO, BOB, "ban")),
    Case("ban a stranger", **member(MO, EVE, "ban")),
    Case("stranger bans", **member(EVE, BOB, "ban"), levels={"users": {EVE: 60}}, refused="member.ban.sender"),
    Case("too little power to ban", **member(BOB, EVE, "ban"), refused="member.ban.otherwise"),
    Case("ban an equal", **member(MO, BOB, "ban"), levels={"users": {MO: 50, BOB: 50}}, refused="member.ban.otherwise"),
    Case(
        "ban the creator",
        **member(MO, ALICE, "ban"),
        levels={"users": {MO: 2**53 - 1}},
        versions=range(12, 13),
        refused="member.ban.otherwise",
    ),
    Case("ban the highest, as creator", **member(ALICE, MO, "ban"), levels={"users": {MO: 2**53 - 1}}, versions=range(12, 13)),
    Case(
        "ban an additional creator",
        **member(ALICE, MO, "ban"),
        levels={"users": {}},
        create={"additional_creators": [MO]},
        versions=range(12, 13),
        refused="member.ban.otherwise",
    ),
    Case("ban without levels, as creator", **member(ALICE, BOB, "ban"), levels=None),
    Case("ban without levels", **member(MO, BOB, "ban"), levels=None, refused="member.ban.otherwise"),
)

KNOCK = (
    Case("knock", **member(EVE, EVE, "knock"), join_rule="knock", versions=_SINCE_7),
    Case("knock again", **member(EVE, EVE, "knock"), join_rule="knock", members={EVE: "knock"}, versions=_SINCE_7),
    Case("knock, knock_restricted", **member(EVE, EVE, "knock"), join_rule="knock_restricted", versions=_SINCE_10),
    Case("knock, invite room", **member(EVE, EVE, "knock"), versions=_SINCE_7, refused="member.knock.join_rule"),
    Case("knock, public room", **member(EVE, EVE, "knock"), join_rule="public", versions=_SINCE_7, refused="member.knock.join_rule"),
    Case(
        "knock on knock_restricted, before it existed",
        **member(EVE, EVE, "knock"),
        join_rule="knock_restricted",
        versions=range(7, 10),
        refused="member.knock.join_rule",
    ),
    Case("knock for another", **member(BOB, EVE, "knock"), join_rule="knock", versions=_SINCE_7, refused="member.knock.sender"),
    Case(
        "knock, banned",
        **member(EVE, EVE, "knock"),
        join_rule="knock",
        members={EVE: "ban"},
        versions=_SINCE_7,
        refused="member.knock.otherwise",
    ),
    Case(
        "knock, invited",
        **member(EVE, EVE, "knock"),
        join_rule="knock",
        members={EVE: "invite"},
        versions=_SINCE_7,
        refused="member.knock.otherwise",
    ),
    Case("knock, joined", **member(BOB, BOB, "knock"), join_rule="knock", versions=_SINCE_7, refused="member.knock.otherwise"),
)

CASES = (*SHAPE, *JOIN, *RESTRICTED, *INVITE, *THIRD_PARTY, *LEAVE, *BAN, *KNOCK)
