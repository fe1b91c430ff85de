"""Generated values and events of every room version, for the property tests of single events."""

import json
from typing import Any

from hypothesis import strategies as st

from homeserver.protocol.event import Draft, Event
from homeserver.protocol.event_build import Reference, build
from homeserver.protocol.limits import MAX_INTEGER, MIN_INTEGER
from homeserver.protocol.room_versions import ROOM_VERSIONS, RoomVersion
from homeserver.protocol.signing import SigningKey, encode_base64, encode_base64_url

SERVER = "hs1.example.org"
KEY = SigningKey("ed25519:a_test", bytes(range(32)))
ALICE = f"@alice:{SERVER}"
NOW = 1_750_000_000_000

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
strict_numbers = st.integers(MIN_INTEGER, MAX_INTEGER)
tolerated_numbers = st.integers(-(10**40), 10**40) | st.floats(allow_nan=False, allow_infinity=False)


def json_values(numbers: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.recursive(
        st.none() | st.booleans() | text | numbers,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4),
        max_leaves=12,
    )


strict_values = json_values(strict_numbers)
tolerated_values = json_values(strict_numbers | tolerated_numbers)

# Every key that some version's redaction keeps in some type, and some that none keeps.
_CONTENT_KEYS = [
    "aliases",
    "allow",
    "ban",
    "body",
    "creator",
    "events",
    "history_visibility",
    "invite",
    "join_authorised_via_users_server",
    "join_rule",
    "membership",
    "msgtype",
    "notifications",
    "redacts",
    "signed",
    "third_party_invite",
    "users",
]
_TYPES = [
    "m.room.aliases",
    "m.room.create",
    "m.room.history_visibility",
    "m.room.join_rules",
    "m.room.member",
    "m.room.message",
    "m.room.power_levels",
    "m.room.redaction",
    "org.example.größe",
]
_TOP_LEVEL_EXTRAS = ["origin", "membership", "prev_state", "replaces_state", "x.custom"]

versions = st.sampled_from(list(ROOM_VERSIONS.values()))


def contents(numbers: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    invite = st.fixed_dictionaries({}, optional={"signed": st.just({"token": "x"}), "display_name": text})
    plain = st.dictionaries(st.sampled_from(_CONTENT_KEYS) | text, json_values(numbers), max_size=6)
    with_invite = st.builds(lambda content, value: {**content, "third_party_invite": value}, plain, invite)
    return plain | with_invite


@st.composite
def drafts(draw: st.DrawFn, version: RoomVersion) -> Draft:
    kind = draw(st.sampled_from(_TYPES))
    numbers = strict_numbers if version.strict_canonical_json else strict_numbers | tolerated_numbers
    content = draw(contents(numbers))
    redacts = event_ids(version, 7)[0] if kind == "m.room.redaction" and draw(st.booleans()) else None
    state_key = draw(st.none() | text.filter(lambda key: "\0" not in key))
    return Draft(kind, ALICE, content, state_key="" if kind == "m.room.create" else state_key, redacts=redacts)


def event_ids(version: RoomVersion, *seeds: int) -> list[str]:
    hashes = [bytes([seed]) * 32 for seed in seeds]
    if version.event_id == "server_chosen":
        return [f"$event{seed}:{SERVER}" for seed in seeds]
    return ["$" + (encode_base64(h) if version.event_id == "reference_hash" else encode_base64_url(h)) for h in hashes]


def references(version: RoomVersion, *seeds: int) -> list[Reference]:
    digest = encode_base64(bytes(32)) if version.references_with_hashes else None
    return [Reference(event_id, digest) for event_id in event_ids(version, *seeds)]


def built(draft: Draft, version: RoomVersion, *, depth: int = 5) -> Event:
    """The draft as an event of a room of that version; a create event has no earlier ones."""
    create = draft.type == "m.room.create"
    no_domain = "!" + event_ids(version, 1)[0][1:]
    room_id = no_domain if version.room_id_is_create_hash else f"!room:{SERVER}"
    return build(
        draft,
        version=version,
        room_id=None if create and version.room_id_is_create_hash else room_id,
        prev_events=[] if create else references(version, 1, 2),
        auth_events=[] if create else references(version, 3, 4, 5),
        depth=depth,
        now_ms=NOW,
        server_name=SERVER,
        key=KEY,
        event_id=f"$new:{SERVER}" if version.event_id == "server_chosen" else None,
    )


@st.composite
def events(draw: st.DrawFn) -> Event:
    version = draw(versions)
    return built(draw(drafts(version)), version)


@st.composite
def foreign_pdus(draw: st.DrawFn) -> tuple[dict[str, Any], RoomVersion]:
    """A PDU as another server may make it: with members that this server never writes."""
    event = draw(events())
    extras = draw(st.dictionaries(st.sampled_from(_TOP_LEVEL_EXTRAS), strict_values, max_size=3))
    return {**event.pdu, **extras}, event.version


def reencoded(value: Any) -> Any:
    """As it comes off the wire: no object is shared with the original."""
    return json.loads(json.dumps(value))
