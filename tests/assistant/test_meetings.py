"""A poll, its end, an event, a file, a reminder."""

from collections.abc import Callable

from appservices.assistant.work.meetings import write_ics
from tests.assistant.homeserver import ME
from tests.assistant.house import ALICE, BOB, CAROL, House

POLL = "org.matrix.msc3381.poll.start"
CALENDAR = "org.matrix.msc4496.calendar_event"


def test_from_poll_to_reminder(build: Callable[..., House]) -> None:
    house = build(call_url="https://call.test/")
    room = house.room(BOB, CAROL)
    house.hs.say(room.id, ALICE, "!meet Planning, part; two: tomorrow 10:00, tomorrow 15:00")
    house.settle()
    poll = room.by(ME, POLL)[0]
    slots = [answer["id"] for answer in poll["content"][POLL]["answers"]]
    assert len(slots) == 2
    assert "1." in poll["content"]["body"]
    for user, chosen in ((ALICE, slots[:1]), (BOB, slots), (CAROL, slots[1:]), (CAROL, slots)):
        reference = {"m.relates_to": {"rel_type": "m.reference", "event_id": poll["event_id"]}}
        house.hs.put(
            room.id, user, "org.matrix.msc3381.poll.response", reference | {"org.matrix.msc3381.poll.response": {"answers": chosen}}
        )
    house.hs.say(room.id, BOB, "!meet close")  # not his
    house.settle()
    assert room.by(ME, CALENDAR) == []
    house.hs.say(room.id, ALICE, "!meet close")
    house.settle()
    [meeting] = room.by(ME, CALENDAR)
    assert meeting["content"]["chat.chatme.meeting"]["start"] == int(slots[0])
    assert meeting["content"]["chat.chatme.meeting"]["attendees"] == [ALICE, BOB, CAROL]
    assert "https://call.test/" in meeting["content"]["body"]
    [ics] = house.hs.files.values()
    assert ics.startswith(b"BEGIN:VCALENDAR\r\n")
    assert b"SUMMARY:Planning\\, part\\; two\r\n" in ics
    house.stop()
    house.clock.ahead = (int(slots[0]) - house.clock.now_ms()) / 1000 - 300
    house.start()
    house.loop.until(lambda: any("⏰" in event["content"]["body"] for event in room.by(ME)))


def test_closed_once_whoever_votes_while_it_is_being_closed(house: House) -> None:
    """Killed when the room has the meeting and not the file."""
    room = house.room(BOB)
    house.hs.say(room.id, ALICE, "!meet Planning: tomorrow 10:00, tomorrow 15:00")
    house.settle()
    poll = room.by(ME, POLL)[0]
    slots = [answer["id"] for answer in poll["content"][POLL]["answers"]]
    house.hs.say(room.id, ALICE, "!meet close")
    house.hs.freeze = lambda _, path, is_after: not is_after and path.endswith("/upload")
    house.deliver()
    house.loop.until(lambda: bool(house.hs.waiting))
    house.stop()
    house.hs.freeze = lambda _method, _path, _after: False
    vote = {"m.relates_to": {"rel_type": "m.reference", "event_id": poll["event_id"]}}
    house.hs.put(room.id, BOB, "org.matrix.msc3381.poll.response", vote | {"org.matrix.msc3381.poll.response": {"answers": slots[1:]}})
    house.start()
    house.loop.until(house.built.assistant.is_idle)
    [meeting] = room.by(ME, CALENDAR)
    assert meeting["content"]["chat.chatme.meeting"]["start"] == int(slots[0])
    assert b"DTSTART:20251125T100000Z" in next(iter(house.hs.files.values()))
    assert house.built.kit.things.next_reminder() == int(slots[0]) - 600_000


def test_the_file_is_a_calendar() -> None:
    data = write_ics("x", "Äpfel " * 40, 1_800_000_000_000, 30, "test", "https://call.test/x", [ALICE], 1_700_000_000_000)
    lines = data.decode().split("\r\n")
    assert max(len(line.encode()) for line in lines) <= 75
    unfolded = data.decode().replace("\r\n ", "").split("\r\n")
    assert unfolded[0] == "BEGIN:VCALENDAR"
    assert "DTSTART:20270115T080000Z" in unfolded
    assert "DTEND:20270115T083000Z" in unfolded
    assert "SUMMARY:" + "Äpfel " * 40 in unfolded
