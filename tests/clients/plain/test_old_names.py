"""Names from before the specification took them up, which clients in use still say: the answers are those of the new names."""

from tests.clients.house import House
from tests.clients.person import Person, v1, v3

UNSTABLE = "/_matrix/client/unstable"
STABLE = "/_matrix/client/v1"


def same(person: Person, new: str, *old: str) -> None:
    expected = person.get(new)
    for path in old:
        found = person.get(path)
        assert without_ages(found) == without_ages(expected), path


def without_ages(value: object) -> object:
    """Events grow older between two answers."""
    if isinstance(value, dict):
        return {key: without_ages(inner) for key, inner in value.items() if key != "age"}
    return [without_ages(inner) for inner in value] if isinstance(value, list) else value


def test_relations_and_threads(house: House) -> None:
    alice = house.person("alice")
    room = alice.create_room()
    root = alice.send(room, "a question")
    alice.send(room, {"msgtype": "m.text", "body": "x", "m.relates_to": {"rel_type": "m.thread", "event_id": root}})
    for more in ((), ("m.thread",), ("m.thread", "m.room.message")):
        new = v1("rooms", room, "relations", root, *more)
        same(alice, new, new.replace(STABLE, UNSTABLE))
    threads = v1("rooms", room, "threads")
    same(alice, threads, threads.replace(STABLE, f"{UNSTABLE}/org.matrix.msc3856"))
    moment = v1("rooms", room, "timestamp_to_event", ts=0, dir="f")
    same(alice, moment, moment.replace(STABLE, f"{UNSTABLE}/org.matrix.msc3030"))


def test_spaces_and_summaries(house: House) -> None:
    alice = house.person("alice")
    space = alice.create_room(preset="public_chat", name="House", creation_content={"type": "m.space"})
    hierarchy = v1("rooms", space, "hierarchy")
    same(alice, hierarchy, hierarchy.replace(STABLE, f"{UNSTABLE}/org.matrix.msc2946"))
    summary = alice.get(v1("room_summary", space))
    base = f"{UNSTABLE}/im.nheko.summary"
    for old in (v1("summary", space).replace(STABLE, base), v1("rooms", space, "summary").replace(STABLE, base)):
        found = alice.get(old)
        assert (found["room_id"], found["name"], found["membership"]) == (space, summary["name"], summary["membership"])


def test_state_without_a_key(house: House) -> None:
    alice = house.person("alice")
    room = alice.create_room()
    for number, path in enumerate((v3("rooms", room, "state", "m.room.topic"), v3("rooms", room, "state", "m.room.topic", ""))):
        alice.put(path, {"topic": f"Topic {number}"})
        assert alice.get(path) == {"topic": f"Topic {number}"}
