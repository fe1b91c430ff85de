"""Changing things: each of these is proposed first, and runs when the asker has approved exactly this call."""

from collections.abc import Mapping
from typing import Final

from appservices.assistant.matrix.errors import Refused
from appservices.assistant.skill import Turn
from appservices.assistant.tools.tool import Tool
from appservices.assistant.work.categories import CATEGORY_STATE, PLAIN, put_into_category
from appservices.assistant.work.meetings import post_poll, read_slots
from appservices.assistant.work.tasks import post_task, read_task


async def _create_task(turn: Turn, arguments: Mapping[str, str]) -> str:
    wanted = read_task(
        f"{arguments['title']} {arguments.get('assignee', '')} {('due ' + arguments['due']) if arguments.get('due') else ''}",
        turn.event.at,
    )
    task = await post_task(turn, wanted, source=turn.about or turn.record.event, key="task")
    return f"task {task.number} created"


async def _schedule(turn: Turn, arguments: Mapping[str, str]) -> str:
    slots = read_slots(arguments["slots"], turn.event.at)
    if not slots:
        return "no slot could be read"
    await post_poll(turn, arguments["title"], slots)
    return "poll posted"


async def _set_topic(turn: Turn, arguments: Mapping[str, str]) -> str:
    return await _set(turn, "m.room.topic", {"topic": arguments["topic"]})


async def _set(turn: Turn, kind: str, content: Mapping[str, str]) -> str:
    if not await turn.kit.people.may_send_state(turn.record.room, turn.asker, kind):
        return "you may not do that in this room"
    if await turn.kit.homeserver.is_encrypted(turn.record.room):
        return PLAIN
    try:
        await turn.kit.homeserver.set_state(turn.record.room, kind, "", content)
    except Refused as error:
        if error.status == 403:
            return "I may not do that in this room: give me the power, or do it yourself"
        raise
    return "done"


async def _set_category(turn: Turn, arguments: Mapping[str, str]) -> str:
    return await put_into_category(turn, arguments["category"], arguments.get("space", ""))


TASK: Final = Tool(
    "create_task",
    "Propose a task",
    {"title": "what is to be done", "assignee": "user ID", "due": "YYYY-MM-DD"},
    ("title",),
    _create_task,
    changes=True,
)
MEETING: Final = Tool(
    "schedule_meeting",
    "Propose a poll for the time of a meeting",
    {"title": "what it is about", "slots": "YYYY-MM-DD HH:MM in UTC, separated by commas"},
    ("title", "slots"),
    _schedule,
    changes=True,
)
TOPIC: Final = Tool(
    "set_topic", "Propose a topic of this room", {"topic": "the topic"}, ("topic",), _set_topic, changes=True, state="m.room.topic"
)
CATEGORY: Final = Tool(
    "set_category",
    "Propose a category of this room, and a space to put it into",
    {"category": "one or two words", "space": "ID of a space, where one is known"},
    ("category",),
    _set_category,
    changes=True,
    state=CATEGORY_STATE,
)
