"""What goes between servers beside events: typing, receipts, presence, profiles, devices and their keys, messages to devices, directories."""

import json

from homeserver.protocol.signing import SigningKey, sign_json
from tests.peers.person import Person, agree, until
from tests.peers.test_talking import shared

Two = tuple[Person, Person]


def passing(person: Person, room: str, kind: str) -> object:
    """The content of what a sync tells of the room beside events."""

    def finds(answer: dict[str, object]) -> object:
        rooms = json.loads(json.dumps(answer)).get("rooms", {}).get("join", {})
        return next((one["content"] for one in rooms.get(room, {}).get("ephemeral", {}).get("events", ()) if one["type"] == kind), None)

    return person.synced(finds)


def test_typing_and_receipts(host_and_guest: Two) -> None:
    host, guest = host_and_guest
    room = shared(host, guest)
    said = guest.say(room, "read this")
    until(lambda: host.event(room, said))
    guest.sync()
    host.ask("PUT", "rooms", room, "typing", host.user_id, body={"typing": True, "timeout": 20_000})
    assert passing(guest, room, "m.typing") == {"user_ids": [host.user_id]}
    host.ask("POST", "rooms", room, "receipt", "m.read", said)
    read = passing(guest, room, "m.receipt")
    assert isinstance(read, dict)
    assert host.user_id in read[said]["m.read"]


def test_presence_and_profiles(host_and_guest: Two) -> None:
    host, guest = host_and_guest
    room = shared(host, guest)
    guest.sync()
    host.ask("PUT", "presence", host.user_id, "status", body={"presence": "online", "status_msg": "about"})

    def finds(answer: dict[str, dict[str, list[dict[str, dict[str, str]]]]]) -> bool:
        told = answer.get("presence", {}).get("events", ())
        return any(str(one["sender"]) == host.user_id and one["content"].get("status_msg") == "about" for one in told)

    assert guest.synced(finds)
    host.ask("PUT", "profile", host.user_id, "displayname", body={"displayname": "A new name"})
    assert guest.ask("GET", "profile", host.user_id)["displayname"] == "A new name"
    until(lambda: guest.content(room, "m.room.member", host.user_id)["displayname"] == "A new name")


def devices_of(asker: Person, other: Person) -> object:
    return asker.ask("POST", "keys", "query", body={"device_keys": {other.user_id: []}})["device_keys"].get(other.user_id, {})


def test_devices_keys_and_messages_to_them(host_and_guest: Two) -> None:
    host, guest = host_and_guest
    shared(host, guest)
    guest.sync()
    key = SigningKey(f"ed25519:{host.device_id}", bytes(range(32)))
    keys = {f"curve25519:{host.device_id}": "A" * 43, key.key_id: key.public_base64}
    device = {"user_id": host.user_id, "device_id": host.device_id, "algorithms": ["m.olm.v1.curve25519-aes-sha2"], "keys": keys}
    once = {"signed_curve25519:AAAA": sign_json({"key": "C" * 43}, host.user_id, key)}
    host.ask("POST", "keys", "upload", body={"device_keys": sign_json(device, host.user_id, key), "one_time_keys": once})
    guest.synced(lambda answer: host.user_id in answer.get("device_lists", {}).get("changed", ()))
    found = until(lambda: devices_of(guest, host))
    assert isinstance(found, dict)
    assert found[host.device_id]["keys"] == keys
    wish = {"one_time_keys": {host.user_id: {host.device_id: "signed_curve25519"}}}
    claimed = guest.ask("POST", "keys", "claim", body=wish)["one_time_keys"]
    assert claimed[host.user_id][host.device_id]["signed_curve25519:AAAA"]["key"] == "C" * 43
    guest.tell(host, "hello")
    assert host.told(1) == ["hello"]


def test_rooms_are_found_by_alias_and_in_the_directory(host_and_guest: Two) -> None:
    host, guest = host_and_guest
    alias = "alias" + host.user_id[1:6].strip(":")
    room = host.create(preset="public_chat", room_version="11", room_alias_name=alias, visibility="public", name="Listed")
    assert guest.ask("GET", "directory", "room", f"#{alias}:{host.side.name}")["room_id"] == room
    listed = guest.ask("GET", "publicRooms", query={"server": host.side.name, "limit": "100"})["chunk"]
    assert room in [one["room_id"] for one in listed]
    guest.join(f"#{alias}:{host.side.name}")
    agree(lambda: host.state(room), lambda: guest.state(room))


def test_spaces(host_and_guest: Two) -> None:
    host, guest = host_and_guest
    inside = host.create(preset="public_chat", room_version="11", name="Inside")
    space = host.create(preset="public_chat", room_version="11", creation_content={"type": "m.space"})
    host.set_state(space, "m.space.child", {"via": [host.side.name]}, inside)
    guest.join(space, via=host)
    found = guest.ask("GET", "rooms", space, "hierarchy", version="v1")["rooms"]
    assert [(one["room_id"], one.get("name")) for one in found] == [(space, None), (inside, "Inside")]
