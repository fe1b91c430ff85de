"""When a room becomes whole: what is revived relates to what is revived with it."""

from homeserver.protocol.event import Draft, Event
from tests.federation.rooms.partial.halved import DEREK, ELSIE, Halved
from tests.federation.support.town import Town
from tests.support.rooms import path

MEMBER = "m.room.member"


def kicked(town: Town) -> tuple[Halved, Event]:
    """elsie was kicked by one who had left: what she says then is refused until the room is whole."""
    half = Halved(town, levels={DEREK: 100, ELSIE: 50}, gone=DEREK)
    joins = {(MEMBER, user): half.joins[user] for user in (DEREK, ELSIE)}
    return half, half.forge(Draft(MEMBER, DEREK, {"membership": "leave"}, ELSIE), auth=joins)


def by_elsie(half: Halved, body: str, type: str = "m.room.message", **relation: object) -> Event:
    content = {"msgtype": "m.text", "body": body, **({"m.relates_to": relation} if relation else {})}
    return half.forge(Draft(type, ELSIE, content), auth={(MEMBER, ELSIE): half.joins[ELSIE]})


def related(half: Halved, parent: Event, *kind: str) -> list[str]:
    url = "/".join(("/_matrix/client/v1/rooms", half.room_id, "relations", parent.event_id, *kind))
    return [event["event_id"] for event in half.town["b.test"].ok(half.bob.get(url))["chunk"]]


def threads_unread(half: Halved) -> dict[str, int]:
    query = {"timeout": "0", "filter": '{"room":{"timeline":{"unread_thread_notifications":true,"lazy_load_members":true}}}'}
    room = half.town["b.test"].ok(half.bob.get(path("sync"), query))["rooms"]["join"][half.room_id]
    return {root: counts["notification_count"] for root, counts in room.get("unread_thread_notifications", {}).items()}


def threads_of(half: Halved, *events: Event) -> list[str | None]:
    stored = half.town["b.test"].run(half.town["b.test"].parts.rooms.store.events([event.event_id for event in events]))
    return [stored[event.event_id].thread for event in events]


def test_relations_among_the_revived(town: Town) -> None:
    half, kick = kicked(town)
    root = by_elsie(half, "a question")
    answer = by_elsie(half, "an answer", rel_type="m.thread", event_id=root.event_id)
    edit = by_elsie(half, "* a better answer", rel_type="m.replace", event_id=answer.event_id)
    liked = by_elsie(half, "", "m.reaction", rel_type="m.annotation", event_id=answer.event_id, key="+")
    cited = by_elsie(half, "as I said", rel_type="m.reference", event_id=answer.event_id)
    revived = (root, answer, edit, liked, cited)
    half.keep(kick, *revived)
    half.send(kick, *revived)
    assert not any(half.shown(event.event_id) for event in revived)
    half.let_in()
    assert all(half.shown(event.event_id) for event in revived)
    assert related(half, root, "m.thread") == [answer.event_id]
    for kind, event in (("m.replace", edit), ("m.annotation", liked), ("m.reference", cited)):
        assert related(half, answer, kind) == [event.event_id]
    assert threads_of(half, *revived) == [None, *[root.event_id] * 4]
    assert threads_unread(half) == {root.event_id: 2}


def test_what_comes_in_one_transaction_stands_in_one_thread(town: Town) -> None:
    half = Halved(town)
    half.let_in()
    root = by_elsie(half, "a question")
    answer = by_elsie(half, "an answer", rel_type="m.thread", event_id=root.event_id)
    cited = by_elsie(half, "as I said", rel_type="m.reference", event_id=answer.event_id)
    half.send(root, answer, cited)
    assert threads_of(half, root, answer, cited) == [None, root.event_id, root.event_id]
