"""Everything that is sent shows something in every client, and what a client may know better is there besides."""

from collections.abc import Callable
from typing import Any

import orjson

from tests.assistant.homeserver import ME, Room
from tests.assistant.house import ALICE, BOB, CAROL, House
from tests.assistant.scripted_model import Say

TASK, POLL, POLL_END, CALENDAR = (
    "chat.chatme.task",
    "org.matrix.msc3381.poll.start",
    "org.matrix.msc3381.poll.end",
    "org.matrix.msc4496.calendar_event",
)


def everything(house: House) -> tuple[Room, Room]:
    """A room after each thing that the assistant can do, and a space."""
    space = house.room(kind="m.space", on=False)
    room = house.room(BOB, CAROL)
    house.hs.say(room.id, ALICE, "!ai watch code links files")
    house.settle()
    house.hs.say(room.id, BOB, "see PROJ-1\ndef add(a, b):\n    return a + b\n\nprint(add(1, 2))")
    house.hs.say(room.id, BOB, "PROJ-1 again")
    house.hs.files["x"] = b"%PDF-1.7"
    house.hs.say(room.id, BOB, "plan.pdf", msgtype="m.file", url="mxc://test/x", info={"mimetype": "application/pdf"})
    for words in (f"!task paint the fence {BOB} due in 2 hours", "!task done 1", "!tasks", "!meet Plans: tomorrow 10:00, tomorrow 12:00"):
        house.hs.say(room.id, ALICE, words)
        house.settle()
    house.hs.say(room.id, ALICE, "!meet close")
    house.says(orjson.dumps({"category": "Garden", "topic": "All of it", "space": space.id}).decode())
    house.hs.say(room.id, ALICE, "!ai organise")
    house.settle()
    for event in [each for each in room.by(ME) if "chat.chatme.proposal" in each["content"]]:
        house.hs.react(room.id, ALICE, event["event_id"], "👍")
    house.says(Say(pieces=["word " * 20] * 20, seconds=0.04))
    house.hs.mention(room.id, BOB, "tell")
    house.settle()
    return room, space


def test_a_body_in_everything(build: Callable[..., House]) -> None:
    house = build(call_url="https://call.test/")
    room, space = everything(house)
    sent = [event for event in room.events if event["sender"] == ME]
    kinds = {event["type"] for event in sent}
    assert kinds >= {"m.room.message", TASK, POLL, POLL_END, CALENDAR, "m.room.topic", "chat.chatme.category", "chat.chatme.ai.settings"}
    for event in sent:
        content = event["content"]
        if event["type"] in ("m.room.member", "m.reaction", "m.room.topic"):
            continue
        assert content["body"].strip(), event["type"]
        if event["type"] == "m.room.message":
            assert content["msgtype"] in ("m.notice", "m.file")
        for part in (content, content.get("m.new_content", content)):
            assert part["body"].strip()
    assert space.state["m.space.child", room.id]["content"] == {"via": ["test"], "suggested": True, "order": "garden"}


def _shown_for(room: Room, event: dict[str, Any]) -> list[str]:
    """Messages about it, which clients show that do not know its type."""
    about = [each["content"] for each in room.by(ME) if each["content"].get("m.relates_to", {}).get("event_id") == event["event_id"]]
    return [content["body"] for content in about if content["msgtype"] in ("m.notice", "m.text")]


def test_own_types_have_a_message_beside_them(build: Callable[..., House]) -> None:
    house = build(call_url="https://call.test/")
    room, _ = everything(house)
    assert any("paint the fence" in body for body in _shown_for(room, room.by(ME, TASK)[0]))
    assert any("Vote in the poll" in body and "1." in body for body in _shown_for(room, room.by(ME, POLL)[0]))
    [meeting] = room.by(ME, CALENDAR)
    shown = [event["content"]["body"] for event in room.by(ME) if event["content"]["body"].startswith("📅")]
    assert shown == [meeting["content"]["body"]]
    assert "https://call.test/" in shown[0]
    [file] = [event["content"] for event in room.by(ME) if event["content"]["msgtype"] == "m.file"]
    assert file["info"]["mimetype"] == "text/calendar"
    assert file["body"] == "meeting.ics"
    assert house.hs.files[file["url"].rpartition("/")[2]].startswith(b"BEGIN:VCALENDAR")


def test_shapes_that_others_know(build: Callable[..., House]) -> None:
    house = build(call_url="https://call.test/")
    room, _ = everything(house)
    poll = room.by(ME, POLL)[0]["content"][POLL]
    assert poll["question"]["org.matrix.msc1767.text"]
    assert all(answer["id"] and answer["org.matrix.msc1767.text"] for answer in poll["answers"])
    calendar = room.by(ME, CALENDAR)[0]["content"]
    assert calendar["m.text"][0]["body"] == calendar["body"]
    block = calendar[CALENDAR]
    assert (block["title"], block["organizer"], block["status"], block["start"]["timezone"]) == ("Plans", ALICE, "confirmed", "Etc/UTC")
    assert block["start"]["utc"].endswith("T10:00:00Z")
    assert block["location"]["uri"].startswith("https://call.test/")
    task = room.by(ME, TASK)[0]["content"]
    assert task["m.text"] == [{"body": task["body"]}]
    assert task["m.mentions"] == {"user_ids": [BOB]}


def test_votes_by_reaction_where_a_client_knows_no_polls(house: House) -> None:
    room = house.room(BOB, CAROL)
    house.hs.say(room.id, ALICE, "!meet Plans: tomorrow 10:00, tomorrow 12:00")
    house.settle()
    shown = next(event for event in room.by(ME) if "Vote in the poll" in event["content"]["body"])
    house.hs.react(room.id, BOB, shown["event_id"], "2\ufe0f\u20e3")
    house.hs.react(room.id, CAROL, shown["event_id"], "2\u20e3")
    house.hs.react(room.id, CAROL, shown["event_id"], "9\u20e3")
    house.hs.say(room.id, ALICE, "!meet close")
    house.settle()
    [meeting] = room.by(ME, CALENDAR)
    assert meeting["content"]["chat.chatme.meeting"]["attendees"] == [ALICE, BOB, CAROL]
    assert meeting["content"][CALENDAR]["start"]["utc"].endswith("T12:00:00Z")
