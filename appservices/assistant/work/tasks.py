"""Tasks: events of type `chat.chatme.task` that any client shows as text, about the message they came from, changed by edits."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from appservices.assistant.journal.sources import Source
from appservices.assistant.journal.things import Reminder, Task
from appservices.assistant.matrix.contents import notice, referring, replacing
from appservices.assistant.matrix.events import Event, as_object, as_text
from appservices.assistant.skill import Turn
from appservices.assistant.work.dates import read_time, show_time, without_time

TASK: Final = "chat.chatme.task"
_USER: Final = re.compile(r"(?<!\S)(@[\w.=/+-]+:[\w.:\[\]-]*\w)")
_DUE: Final = re.compile(r"\b(?:due|by|until)\b:?(.*)", re.IGNORECASE | re.DOTALL)
_MOST_TITLE: Final = 300


@dataclass(frozen=True)
class Wanted:
    title: str
    assignee: str = ""
    due: int = 0


def read_task(words: str, now_ms: int) -> Wanted:
    """`title @who:server due when`."""
    user, due = _USER.search(words), _DUE.search(words)
    at = read_time(due[1], now_ms) if due is not None else None
    text = words if due is None or at is None else words[: due.start()] + without_time(_USER.sub("", due[1]))
    title = " ".join(_USER.sub("", text).split())
    return Wanted(title[:_MOST_TITLE], user[1] if user else "", at or 0)


def task_content(number: int, wanted: Wanted, *, is_open: bool, source: str = "") -> dict[str, Any]:
    whom = f", for {wanted.assignee}" if wanted.assignee else ""
    when = f", due {show_time(wanted.due)}" if wanted.due else ""
    body = f"{'☐' if is_open else '☑'} Task {number}: {wanted.title}{whom}{when}"
    task = {
        "number": number,
        "title": wanted.title,
        "assignee": wanted.assignee,
        "due": wanted.due,
        "state": "open" if is_open else "closed",
    }
    content = notice(body, mentions=(wanted.assignee,) if wanted.assignee and is_open else (), extra={TASK: task})
    content["m.text"] = [{"body": body}]
    return referring(content, source) if source else content


async def post_task(turn: Turn, wanted: Wanted, *, source: str, key: str) -> Task:
    earlier = turn.voice.earlier(key)
    known = as_object(as_object(earlier[1] if earlier else None).get(TASK)).get("number")
    with turn.kit.things.task_number(turn.record.room) as new:
        number = known if isinstance(known, int) else new
        event = await turn.voice.send(task_content(number, wanted, is_open=True, source=source), key, TASK)
        task = turn.kit.things.add_task(Task(event, turn.record.room, source, turn.asker, wanted.assignee, wanted.due, True, number))
    plan_reminder(turn, event, wanted.due)
    fallback = task_content(number, wanted, is_open=True) | {"m.relates_to": {"rel_type": "m.reference", "event_id": event}}
    await turn.voice.send(fallback, f"{key}/shown")
    return task


def plan_reminder(turn: Turn, event: str, due: int) -> None:
    if due > turn.kit.clock.now_ms():
        turn.kit.things.remind(Reminder(f"task {event}", turn.record.room, event, "task", due))
    else:
        turn.kit.things.forget_reminder(f"task {event}")


async def read_wanted(turn: Turn, task: Task) -> Wanted:
    """The text, which is in the room alone. What is said of it goes with the task, and with what that was made of."""
    event = await turn.kit.history.fetch(task.room, task.event)
    at = turn.record.asked_at if event is None else event.at
    sources = [Source(task.event, turn.kit.settings.user_id, at), Source(task.source, task.creator, at)]
    turn.kit.sources.note(turn.record.id, task.room, [*sources, *turn.kit.sources.of_answer(task.event)])
    content: Mapping[str, Any] = as_object(as_object(event.content).get(TASK)) if event is not None else {}
    return Wanted(as_text(content.get("title")) or "(removed)", task.assignee, task.due)


async def change_task(turn: Turn, task: Task, wanted: Wanted, *, is_open: bool, key: str) -> None:
    content = task_content(task.number, wanted, is_open=is_open)
    await turn.voice.send(replacing(content, task.event), f"{key}/edit", TASK)
    turn.kit.things.change_task(task.event, assignee=wanted.assignee, due=wanted.due, is_open=is_open)
    plan_reminder(turn, task.event, wanted.due if is_open else 0)


def is_task(event: Event) -> bool:
    return event.type == TASK
