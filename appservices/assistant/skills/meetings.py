"""Meetings: a poll for slots, then event, ICS file, call link and reminder. Who asked for the poll closes it."""

from typing import Final

from appservices.assistant.matrix.events import as_object, as_text
from appservices.assistant.skill import Turn
from appservices.assistant.work.meetings import MEETING, choose, count_votes, post_meeting, post_poll, read_slots

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
        votes = await count_votes(turn, meeting)
        at = choose(votes)
        await post_meeting(turn, meeting, title, at, sorted({turn.asker, *votes[at]}))
