"""What is said and changed on one server is so on the other: messages and what refers to them, state, power, bans, history."""

import pytest

from tests.peers.person import Person, Refused, agree, until

Two = tuple[Person, Person]


def shared(host: Person, guest: Person, version: str = "11", **body: object) -> str:
    """A public room of the host's, with the guest in it."""
    room = host.create(preset="public_chat", room_version=version, **body)
    guest.join(room, via=host)
    until(lambda: host.membership(room, guest) == "join")
    return room


def relates(kind: str, to: str, **more: str) -> dict[str, object]:
    return {"m.relates_to": {"rel_type": kind, "event_id": to, **more}}


def test_edits_reactions_and_threads(host_and_guest: Two) -> None:
    host, guest = host_and_guest
    room = shared(host, guest)
    said = host.say(room, "helo")
    until(lambda: guest.event(room, said))
    edit = host.say(room, "* hello", **relates("m.replace", said), **{"m.new_content": {"msgtype": "m.text", "body": "hello"}})
    guest.send(room, "m.reaction", relates("m.annotation", said, key="👍"))
    reply = guest.say(room, "in a thread", **relates("m.thread", said))
    until(lambda: host.event(room, reply))
    for person in (host, guest):
        summary = until(lambda one=person: one.event(room, said)["unsigned"].get("m.relations"))  # type: ignore[misc]
        assert summary["m.replace"]["event_id"] == edit
        assert summary["m.thread"]["latest_event"]["event_id"] == reply
        reactions = person.ask("GET", "rooms", room, "relations", said, "m.annotation", version="v1")["chunk"]
        assert [one["sender"] for one in reactions] == [guest.user_id]


@pytest.mark.parametrize("version", ["10", "11"])
def test_redactions(host_and_guest: Two, version: str) -> None:
    host, guest = host_and_guest
    room = shared(host, guest, version)
    own, other = guest.say(room, "own"), guest.say(room, "of another")
    until(lambda: host.event(room, other))
    guest.redact(room, own)
    host.redact(room, other)
    for person in (host, guest):
        until(lambda one=person: [one.event(room, said)["content"] for said in (own, other)] == [{}, {}])  # type: ignore[misc]


def test_state_and_power(host_and_guest: Two) -> None:
    host, guest = host_and_guest
    room = shared(host, guest)
    host.set_state(room, "m.room.topic", {"topic": "by the host"})
    until(lambda: guest.content(room, "m.room.topic") == {"topic": "by the host"})
    with pytest.raises(Refused):
        guest.set_state(room, "m.room.topic", {"topic": "by the guest"})
    levels = host.content(room, "m.room.power_levels")
    host.set_state(room, "m.room.power_levels", {**levels, "users": {**levels["users"], guest.user_id: 100}})
    until(lambda: guest.user_id in guest.content(room, "m.room.power_levels")["users"])
    guest.set_state(room, "m.room.topic", {"topic": "by the guest"})
    until(lambda: host.content(room, "m.room.topic") == {"topic": "by the guest"})
    agree(lambda: host.state(room), lambda: guest.state(room))


def test_kicks_and_bans(host_and_guest: Two) -> None:
    host, guest = host_and_guest
    room = shared(host, guest)
    host.act("kick", room, guest)
    until(lambda: guest.membership(room) == "leave")
    guest.join(room, via=host)
    until(lambda: host.membership(room, guest) == "join")
    guest.sync()
    host.act("ban", room, guest)
    guest.synced(lambda answer: answer["rooms"].get("leave", {}).get(room) if "rooms" in answer else None)
    with pytest.raises(Refused):
        guest.join(room, via=host)
    host.act("unban", room, guest)
    guest.join(room, via=host)
    guest.say(room, "back")
    until(lambda: "back" in host.texts(room))
    agree(lambda: host.state(room), lambda: guest.state(room))


@pytest.mark.parametrize("visibility", ["world_readable", "shared", "invited", "joined"])
def test_history_is_paged_across(host_and_guest: Two, visibility: str) -> None:
    host, guest = host_and_guest
    rule = {"type": "m.room.history_visibility", "state_key": "", "content": {"history_visibility": visibility}}
    room = host.create(preset="public_chat", room_version="11", initial_state=[rule])
    before = [f"message {number}" for number in range(45)]
    for text in before:
        host.say(room, text)
    guest.join(room, via=host)
    host.say(room, "after")
    until(lambda: guest.texts(room, by=20)[-1:] == ["after"])
    assert until(lambda: guest.texts(room, by=20)) == [*(before if visibility in ("world_readable", "shared") else ()), "after"]


def test_a_room_is_replaced(host_and_guest: Two) -> None:
    host, guest = host_and_guest
    room = shared(host, guest, "10")
    new = str(host.ask("POST", "rooms", room, "upgrade", body={"new_version": "12"})["replacement_room"])
    assert until(lambda: guest.content(room, "m.room.tombstone"))["replacement_room"] == new
    guest.join(new, via=host)
    guest.say(new, "in the new room")
    until(lambda: "in the new room" in host.texts(new))
    assert guest.content(new, "m.room.create")["predecessor"]["room_id"] == room
    assert guest.content(new, "m.room.create")["room_version"] == "12"
