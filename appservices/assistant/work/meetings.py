"""Meetings: a poll for the time, then a calendar event (MSC4496, as it is drafted), an ICS file and a reminder.

Clients that know no polls see a message, and vote by reactions to it; clients that know no calendars see a message with all that matters."""

import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from appservices.assistant.journal.things import Meeting, Reminder
from appservices.assistant.matrix.contents import Content, calling_nobody, notice, referring
from appservices.assistant.matrix.events import as_object, as_text
from appservices.assistant.skill import Turn
from appservices.assistant.work.dates import read_time, show_time

POLL: Final = "org.matrix.msc3381.poll.start"  # as clients of today know it
POLL_END: Final = "org.matrix.msc3381.poll.end"
ANSWERS: Final = ("org.matrix.msc3381.poll.response", "m.poll.response")
MEETING: Final = "chat.chatme.meeting"  # what the assistant needs of it
CALENDAR: Final = "org.matrix.msc4496.calendar_event"
VOTES: Final = "chat.chatme.votes"
NUMBERS: Final = ("1\u20e3", "2\u20e3", "3\u20e3", "4\u20e3", "5\u20e3", "6\u20e3", "7\u20e3", "8\u20e3", "9\u20e3", "🔟")
MINUTES: Final = 30
_MOST_SLOTS: Final = 10
REMIND_MS: Final = 10 * 60_000


def read_slots(text: str, now_ms: int) -> list[int]:
    found = [read_time(part, now_ms) for part in re.split(r"[,;\n]| or ", text)]
    return sorted({at for at in found if at is not None and at > now_ms})[:_MOST_SLOTS]


async def post_poll(turn: Turn, title: str, slots: list[int]) -> str:
    title = calling_nobody(title)
    answers = [{"id": str(at), "org.matrix.msc1767.text": show_time(at)} for at in slots]
    lines = "\n".join(f"{number}. {show_time(at)}" for number, at in enumerate(slots, 1))
    body = f"When shall we meet: {title}?\n{lines}"
    poll = {
        "question": {
            "org.matrix.msc1767.text": f"When shall we meet: {title}?",
            "body": f"When shall we meet: {title}?",
            "msgtype": "m.text",
        },
        "kind": "org.matrix.msc3381.poll.disclosed",
        "max_selections": len(slots),
        "answers": answers,
    }
    content = {POLL: poll, "org.matrix.msc1767.text": body, "body": body, "msgtype": "m.text", "m.mentions": {}, MEETING: {"title": title}}
    event = await turn.voice.send(content, "poll", POLL)
    turn.kit.things.add_meeting(Meeting(event, turn.record.room, turn.asker, orjson.dumps(slots).decode(), MINUTES))
    how = f"Vote in the poll, or react to this with {NUMBERS[0]} {NUMBERS[1]} … `{turn.kit.settings.command} meet close` takes the slot of most."
    shown = notice(f"{body}\n{how}", extra={VOTES: {"poll": event}})
    await turn.voice.send(referring(shown, event), "poll/shown")
    return event


async def count_votes(turn: Turn, meeting: Meeting) -> dict[int, list[str]]:
    """Slot to voters; of each person the last answer counts, and the last come first."""
    slots: list[int] = orjson.loads(meeting.slots)
    last: dict[str, tuple[int, list[str]]] = {}
    by_reaction: list[tuple[str, str]] = []
    for event in await turn.kit.homeserver.related(meeting.room, meeting.poll, "m.reference"):
        content = as_object(event.get("content"))
        if VOTES in content and event.get("sender") == turn.kit.settings.user_id:
            by_reaction = await _reactions(turn, meeting.room, as_text(event.get("event_id")), slots)
        answer = next((as_object(content[name]) for name in ANSWERS if name in content), None)
        at, sender = event.get("origin_server_ts", 0), as_text(event.get("sender"))
        if event.get("type") in ANSWERS and answer is not None and at > last.get(sender, (-1, []))[0]:
            chosen = answer.get("answers", answer.get("m.selections"))
            last[sender] = (at, [each for each in chosen if isinstance(each, str)] if isinstance(chosen, list) else [])
    for sender, slot in by_reaction:
        last.setdefault(sender, (0, []))[1].append(slot)
    return {at: sorted(sender for sender, (_, chosen) in last.items() if str(at) in chosen) for at in slots}


async def _reactions(turn: Turn, room: str, shown: str, slots: list[int]) -> list[tuple[str, str]]:
    """Voter and slot."""
    votes = []
    for event in await turn.kit.homeserver.related(room, shown, "m.annotation"):
        key = as_text(as_object(as_object(event.get("content")).get("m.relates_to")).get("key")).replace("\ufe0f", "")
        if key in NUMBERS[: len(slots)]:
            votes.append((as_text(event.get("sender")), str(slots[NUMBERS.index(key)])))
    return votes


def choose(votes: Mapping[int, list[str]]) -> int:
    """What most can make; of equals the first."""
    return max(sorted(votes), key=lambda at: len(votes[at]))


async def post_meeting(turn: Turn, meeting: Meeting, title: str, at: int, people: list[str]) -> None:
    settings = turn.kit.settings
    name = hashlib.sha256(meeting.poll.encode()).hexdigest()[:20]
    call = f"{settings.call_url.rstrip('/')}/{name}" if settings.call_url else ""
    body = f"📅 {title}: {show_time(at)}, {meeting.minutes} minutes" + (f", {call}" if call else "")
    event = {"title": title, "start": at, "end": at + meeting.minutes * 60_000, "call": call, "attendees": people}
    blocks = {MEETING: event, CALENDAR: calendar_block(name, event, turn.asker), "m.text": [{"body": body, "mimetype": "text/plain"}]}
    content = referring(notice(body, mentions=tuple(people), extra=blocks), meeting.poll)
    end = {
        "m.relates_to": {"rel_type": "m.reference", "event_id": meeting.poll},
        POLL_END: {},
        "org.matrix.msc1767.text": "The poll is closed.",
        "body": "The poll is closed.",
    }
    await turn.voice.send(end, "end", POLL_END)
    posted = await turn.voice.send(content, "meeting", CALENDAR)
    await turn.voice.send(content, "meeting/shown")
    file = write_ics(name, title, at, meeting.minutes, settings.server_name, call, people, turn.record.asked_at)
    await turn.voice.attach(file, "meeting.ics", "text/calendar", "ics")
    turn.kit.things.remind(Reminder(f"meeting {posted}", meeting.room, posted, "meeting", max(at - REMIND_MS, turn.kit.clock.now_ms())))
    turn.kit.things.close_meeting(meeting.poll)


def calendar_block(uid: str, event: Mapping[str, Any], organizer: str) -> Content:
    call = str(event["call"])
    return {
        "uid": uid,
        "title": event["title"],
        "start": _moment(event["start"]),
        "end": _moment(event["end"]),
        "all_day": False,
        "status": "confirmed",
        "transparency": "opaque",
        "organizer": organizer,
        "location": {"type": "virtual", "name": "Call", "uri": call} if call else None,
    }


def _moment(at: int) -> Content:
    moment = datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return {"utc": f"{moment}Z", "localtime": moment, "timezone": "Etc/UTC"}


def write_ics(uid: str, title: str, at: int, minutes: int, server: str, call: str, people: list[str], stamp: int) -> bytes:
    """An event of RFC 5545."""
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//ChatMe//Assistant//EN",
        "METHOD:PUBLISH",
        "BEGIN:VEVENT",
        f"UID:{uid}@{server}",
        f"DTSTAMP:{_utc(stamp)}",
        f"DTSTART:{_utc(at)}",
        f"DTEND:{_utc(at + minutes * 60_000)}",
        f"SUMMARY:{_text(title)}",
        *([f"URL:{call}", f"LOCATION:{_text(call)}"] if call else []),
        *(f"ATTENDEE;CN={_quoted(user)}:matrix:u/{user.removeprefix('@')}" for user in people),
        "BEGIN:VALARM",
        "ACTION:DISPLAY",
        "TRIGGER:-PT10M",
        f"DESCRIPTION:{_text(title)}",
        "END:VALARM",
        "END:VEVENT",
        "END:VCALENDAR",
    ]
    return b"".join(folded + b"\r\n" for line in lines for folded in _fold(line))


def _fold(line: str) -> list[bytes]:
    """Lines have at most 75 bytes, and no character is cut."""
    parts, current = [], b""
    for character in line:
        data = character.encode()
        if len(current) + len(data) > 75:
            parts.append(current)
            current = b" "
        current += data
    return [*parts, current]


def _text(text: str) -> str:
    return text.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,").replace("\r", "").replace("\n", "\\n")


def _quoted(text: str) -> str:
    return '"' + re.sub(r'["\x00-\x1f]', "", text) + '"'


def _utc(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).strftime("%Y%m%dT%H%M%SZ")
