"""Reading: in the asker's room, what the asker may see."""

from collections.abc import Mapping
from typing import Final

from appservices.assistant.rooms.history import MOST_EVENTS
from appservices.assistant.safety.framing import as_data
from appservices.assistant.skill import Turn
from appservices.assistant.tools.tool import Tool

_MOST_FOUND: Final = 12


async def _search(turn: Turn, arguments: Mapping[str, str]) -> str:
    words = [word.lower() for word in arguments["query"].split()][:8]
    walk = await turn.kit.history.read(turn.record.room, turn.asker, most=MOST_EVENTS, until=turn.event)
    found = [line for line in walk.lines if all(word in line.text.lower() for word in words)][-_MOST_FOUND:]
    turn.draw_on(found)
    return "\n".join(as_data(source=line.event.sender, name=line.name, text=line.text[:600]) for line in found) or "nothing found"


SEARCH: Final = Tool("search_room", "Search the messages of this room", {"query": "words that must all occur"}, ("query",), _search)
