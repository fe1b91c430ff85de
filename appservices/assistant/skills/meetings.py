"""Meetings: a poll for slots, then event, ICS file, call link and reminder. Who asked for the poll closes it."""

from typing import Final

from appservices.assistant.journal.things import Meeting
from appservices.assistant.matrix.events import as_object, as_text
from appservices.assistant.skill import Turn
from appservices.assistant.work.meetings import MEETING, POLL, choose, count_votes, post_meeting, post_poll, read_slots

_USAGE: Final = "Say what and when: meet Planning: tomorrow 10:00, friday 15:00 (UTC). Then vote, then: meet close"


class Meetings:
    name = "meetings"
    verbs = ("meet", "meeting")
    help = "meet what: tomorrow 10:00, friday 15:00 · meet close: take the slot with most votes"
    with_model = "propose slots from what you ask me in your own words"

    async def run(self, turn: Turn) -> None:
        if turn.words.strip().lower() in ("close", "end"):
            await self._close(turn)
            return
        title, _, when = turn.words.partition(":")
        slots = read_slots(when, turn.event.at)
        if not title.strip() or not slots:
            await turn.voice.say(_USAGE)
            return
        await post_poll(turn, " ".join(title.split())[:200], slots)

    async def _close(self, turn: Turn) -> None:
        meetings = [each for each in turn.kit.things.open_meetings(turn.record.room) if each.asker == turn.asker]
        seen = await turn.kit.history.seen(turn.record.room, turn.asker, POLL, [each.poll for each in meetings])
        ended = turn.voice.earlier("end")  # by this very turn
        poll_ended = None if ended is None else as_object(ended[1].get("m.relates_to")).get("event_id")
        meetings = [each for each in meetings if each.poll in seen and poll_ended in (None, each.poll)]
        if not meetings:
            if turn.voice.earlier("meeting") is None:
                await turn.voice.say("You have no open poll here.")
            return
        meeting = meetings[-1]
        poll = await turn.kit.history.fetch(meeting.room, meeting.poll)
        title = as_text(as_object(poll.content.get(MEETING)).get("title")) if poll is not None else ""
        if not title:
            turn.kit.things.forget_meeting(meeting.room, meeting.poll)
            await turn.voice.say("That poll is gone.")
            return
        at, people = _posted(turn) or await _chosen(turn, meeting)
        await post_meeting(turn, meeting, title, at, people)


async def _chosen(turn: Turn, meeting: Meeting) -> tuple[int, list[str]]:
    votes = await count_votes(turn, meeting)
    at = choose(votes)
    return at, sorted({turn.asker, *votes[at]})


def _posted(turn: Turn) -> tuple[int, list[str]] | None:
    """What was said already stays so, whoever has voted since."""
    earlier = turn.voice.earlier("meeting")
    block = as_object(None if earlier is None else earlier[1].get(MEETING))
    at, people = block.get("start"), block.get("attendees")
    return (at, [each for each in people if isinstance(each, str)]) if isinstance(at, int) and isinstance(people, list) else None
