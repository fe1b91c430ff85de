"""Summary of a room or thread, and catch-up since where the reader left off; every point with a link to its messages."""

import re
from typing import Final

from appservices.assistant.language.trouble import without_model
from appservices.assistant.rooms.history import Line, Walk
from appservices.assistant.safety.framing import Material, fit
from appservices.assistant.safety.links import permalink
from appservices.assistant.skill import Turn
from appservices.assistant.work.dates import show_time

TASK: Final = (
    "Summarise the material in at most eight points, the most important first. After each point give the numbers of its messages, such as [3]. "
    "Leave out what has no message to point to."
)
_MOST: Final = 400
_EVENT: Final = re.compile(r"(\$[\w:./+=-]+)")
_HOURS: Final = re.compile(r"\b(\d{1,3}) ?(h|hours?|d|days?)\b")
_POINT: Final = re.compile(r"\s*(?:[-*•–]|\d{1,2}[.)])\s")
_COUNT: Final = re.compile(r"\A\d{1,3}\Z")


class Summarise:
    name = "summary"
    verbs = ("summary", "summarise", "summarize", "catchup")
    help = "summary [50 | 8h | thread]: the essence of the last messages · catchup: of what came since you last read here"
    with_model = "say in a few points what the messages say"

    async def run(self, turn: Turn) -> None:
        walk, said = await (self._since_read(turn) if turn.verb == "catchup" and not turn.words else self._asked_for(turn))
        material = fit(walk.lines, turn.kit.settings.model.context_tokens)
        if not material.lines:
            await turn.voice.say(f"There is nothing to summarise {said}.")
        elif not turn.kit.language.is_there:
            await turn.voice.say(f"{overview(turn, material.lines, said)}\n\n{without_model(self.with_model)}")
        else:
            prompt = turn.prompt(TASK, material, f"Summarise what was said {said}.")
            url = turn.kit.settings.permalink_url
            label = "the model named no messages that say so"
            await turn.tell(prompt, material, lambda text: only_cited(text, url), lambda text: "" if url in text else label)

    async def _since_read(self, turn: Turn) -> tuple[Walk, str]:
        kit, room = turn.kit, turn.record.room
        marker = kit.markers.before_now(room, turn.asker)
        if marker is None:
            marker = await self._last_word(turn)
        walk = await kit.history.read(room, turn.asker, most=_MOST, since=marker, until=turn.event)
        return walk, "since you last read here" if walk.reached else "lately"

    async def _last_word(self, turn: Turn) -> str | None:
        """Where no receipt is known: the last thing that the reader wrote, a while before this request."""
        walk = await turn.kit.history.read(turn.record.room, turn.asker, most=_MOST, until=turn.event)
        before = turn.event.at - 5 * 60_000
        return next((line.event.id for line in reversed(walk.lines) if line.event.sender == turn.asker and line.event.at < before), None)

    async def _asked_for(self, turn: Turn) -> tuple[Walk, str]:
        history, room, words = turn.kit.history, turn.record.room, turn.words
        thread = turn.event.thread
        if (found := _EVENT.search(words)) is not None:
            return await history.read(room, turn.asker, most=_MOST, since=found[1], until=turn.event), "since that message"
        if (found := _HOURS.search(words)) is not None:
            span = int(found[1]) * (3_600_000 if found[2].startswith("h") else 86_400_000)
            return await history.read(
                room, turn.asker, most=_MOST, since_ms=turn.event.at - span, until=turn.event
            ), f"in the last {found[0]}"
        most = min(int(words), _MOST) if _COUNT.match(words) else 100
        if thread is not None:
            return await history.read(room, turn.asker, most=most, thread=thread, until=turn.event), "in this thread"
        return await history.read(room, turn.asker, most=most, until=turn.event), "lately"


def only_cited(text: str, permalink_url: str) -> str:
    """Without the points that name no message."""
    return "\n".join(line for line in text.split("\n") if permalink_url in line or not _POINT.match(line)).strip()


def overview(turn: Turn, lines: list[Line], said: str) -> str:
    """Without a model: who, how much, from where to where."""
    counts: dict[str, int] = {}
    for line in lines:
        name = turn.kit.guard.clean(line.name, Material())
        counts[name] = counts.get(name, 0) + 1
    people = ", ".join(f"{name} ({count})" for name, count in sorted(counts.items(), key=lambda item: -item[1])[:8])
    first, last = lines[0].event, lines[-1].event
    settings = turn.kit.settings
    links = [permalink(settings.permalink_url, event.room, event.id, settings.server_name) for event in (first, last)]
    span = f"{show_time(first.at)} ({links[0]}) to {show_time(last.at)} ({links[1]})"
    return f"{len(lines)} messages {said}, by {people}; {span}"
