"""Ways into rooms, and out of them, over both servers (server-server API, "Joining rooms", "Inviting to a room", "Leaving rooms", "Knocking upon a room")."""

import pytest

from tests.peers.person import Person, Refused, agree, until

VERSIONS = ("6", "7", "8", "9", "10", "11", "12")
Two = tuple[Person, Person]


@pytest.mark.parametrize("version", VERSIONS)
def test_who_joins_a_public_room_talks_with_those_in_it(host_and_guest: Two, version: str) -> None:
    host, guest = host_and_guest
    room = host.create(preset="public_chat", room_version=version)
    host.say(room, "before")
    guest.join(room, via=host)
    guest.say(room, "from the guest")
    until(lambda: "from the guest" in host.texts(room))
    host.say(room, "from the host")
    until(lambda: "from the host" in guest.texts(room))
    assert agree(lambda: host.texts(room), lambda: guest.texts(room)) == ["before", "from the guest", "from the host"]
    agree(lambda: host.state(room), lambda: guest.state(room))


@pytest.mark.parametrize("version", VERSIONS)
def test_an_invitation_is_taken_up(host_and_guest: Two, version: str) -> None:
    host, guest = host_and_guest
    room = host.create(preset="private_chat", room_version=version, name="Invited")
    host.act("invite", room, guest)
    shown = guest.synced(lambda answer: answer.get("rooms", {}).get("invite", {}).get(room))["invite_state"]["events"]
    assert ("m.room.name", "Invited") in [(one["type"], one["content"].get("name")) for one in shown]
    guest.join(room)
    until(lambda: host.membership(room, guest) == "join")
    guest.say(room, "here")
    until(lambda: "here" in host.texts(room))


def test_an_invitation_is_refused(host_and_guest: Two) -> None:
    host, guest = host_and_guest
    room = host.create(preset="private_chat")
    host.act("invite", room, guest)
    guest.synced(lambda answer: answer.get("rooms", {}).get("invite", {}).get(room))
    guest.act("leave", room)
    until(lambda: host.membership(room, guest) == "leave")


def test_an_invitation_is_taken_back(host_and_guest: Two) -> None:
    host, guest = host_and_guest
    room = host.create(preset="private_chat")
    host.act("invite", room, guest)
    guest.synced(lambda answer: answer.get("rooms", {}).get("invite", {}).get(room))
    host.act("kick", room, guest)
    guest.synced(lambda answer: answer.get("rooms", {}).get("leave", {}).get(room))


def test_who_left_comes_back(host_and_guest: Two) -> None:
    host, guest = host_and_guest
    room = host.create(preset="public_chat")
    guest.join(room, via=host)
    guest.act("leave", room)
    until(lambda: host.membership(room, guest) == "leave")
    host.say(room, "while away")
    guest.join(room, via=host)
    host.say(room, "after")
    until(lambda: guest.texts(room)[-2:] == ["while away", "after"])
    agree(lambda: host.state(room), lambda: guest.state(room))


@pytest.mark.parametrize("version", VERSIONS[2:])
def test_a_restricted_room_lets_in_those_of_another(host_and_guest: Two, version: str) -> None:
    host, guest = host_and_guest
    club = host.create(preset="public_chat", room_version=version)
    allow = [{"type": "m.room_membership", "room_id": club}]
    rule = {"type": "m.room.join_rules", "state_key": "", "content": {"join_rule": "restricted", "allow": allow}}
    room = host.create(preset="private_chat", room_version=version, initial_state=[rule])
    with pytest.raises(Refused) as refused:
        guest.join(room, via=host)
    assert refused.value.status == 403
    guest.join(club, via=host)
    until(lambda: host.membership(club, guest) == "join")
    guest.join(room, via=host)
    until(lambda: host.membership(room, guest) == "join")
    agree(lambda: host.state(room), lambda: guest.state(room))


@pytest.mark.parametrize("version", VERSIONS[1:])
def test_who_knocks_is_let_in(host_and_guest: Two, version: str) -> None:
    host, guest = host_and_guest
    rule = {"type": "m.room.join_rules", "state_key": "", "content": {"join_rule": "knock"}}
    room = host.create(preset="private_chat", room_version=version, initial_state=[rule])
    knock(guest, room, host)
    host.act("invite", room, guest)
    guest.synced(lambda answer: answer.get("rooms", {}).get("invite", {}).get(room))
    guest.join(room)
    until(lambda: host.membership(room, guest) == "join")
    agree(lambda: host.state(room), lambda: guest.state(room))


def knock(guest: Person, room: str, host: Person) -> None:
    """Both know of it afterwards."""
    guest.ask("POST", "knock", room, query={"via": host.side.name, "server_name": host.side.name}, body={"reason": "let me in"})
    until(lambda: host.membership(room, guest) == "knock")
    guest.synced(lambda answer: answer.get("rooms", {}).get("knock", {}).get(room))


def test_a_knock_is_taken_back(people: Two) -> None:
    """By us: Synapse tells nobody that it takes one back, and neither tells nor hears that one is turned down."""
    guest, host = people
    rule = {"type": "m.room.join_rules", "state_key": "", "content": {"join_rule": "knock"}}
    room = host.create(preset="private_chat", room_version="11", initial_state=[rule])
    knock(guest, room, host)
    guest.act("leave", room)
    until(lambda: host.membership(room, guest) == "leave")


@pytest.mark.parametrize("version", VERSIONS[4:])
def test_where_members_of_another_room_may_come_and_others_knock(host_and_guest: Two, version: str) -> None:
    host, guest = host_and_guest
    club = host.create(preset="public_chat", room_version=version)
    allow = [{"type": "m.room_membership", "room_id": club}]
    rule = {"type": "m.room.join_rules", "state_key": "", "content": {"join_rule": "knock_restricted", "allow": allow}}
    room = host.create(preset="private_chat", room_version=version, initial_state=[rule])
    knock(guest, room, host)
    guest.join(club, via=host)
    until(lambda: host.membership(club, guest) == "join")
    guest.join(room, via=host)
    until(lambda: host.membership(room, guest) == "join")
    agree(lambda: host.state(room), lambda: guest.state(room))
