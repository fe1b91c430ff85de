"""Tasks: made by command, by 📌 on a message, or by an approved proposal; closed by ✅."""

import re
from collections.abc import Callable
from typing import Final

from appservices.assistant.journal.things import Task
from appservices.assistant.skill import Turn
from appservices.assistant.work.dates import read_time, show_time
from appservices.assistant.work.tasks import TASK, Wanted, change_task, is_task, post_task, read_task, read_wanted

_CHANGE: Final = re.compile(r"\A(done|close|reopen|assign|due)\s+#?(\d{1,6})\b\s*(.*)\Z", re.IGNORECASE | re.DOTALL)


class Tasks:
    name = "tasks"
    verbs = ("task", "tasks", "pin-task", "close-task")
    help = "task what @who:server due friday · task done 3 · task assign 3 @who:server · task due 3 tomorrow · tasks: the list (📌 makes one, ✅ closes it)"
    with_model = "propose tasks from what you ask me in your own words"

    async def run(self, turn: Turn) -> None:
        if turn.verb == "pin-task":
            await self._from_message(turn)
        elif turn.verb == "close-task":
            await self._close_reacted(turn)
        elif turn.verb == "tasks" or turn.words in ("", "list"):
            await self._list(turn)
        elif (found := _CHANGE.match(turn.words)) is not None:
            await self._change(turn, found[1].lower(), int(found[2]), found[3])
        else:
            words = turn.words.removeprefix("create ").removeprefix("add ")
            wanted = read_task(words, turn.event.at)
            source = turn.event.replies_to or turn.record.event
            await post_task(turn, wanted, source=source, key="task")

    async def _from_message(self, turn: Turn) -> None:
        line = await turn.kit.history.one(turn.record.room, turn.asker, turn.record.target)
        if line is not None and not is_task(line.event):
            turn.draw_on([line])
            await post_task(turn, read_task(line.text[:300], turn.event.at), source=line.event.id, key="task")

    async def _close_reacted(self, turn: Turn) -> None:
        event = await turn.kit.history.fetch(turn.record.room, turn.record.target)
        if event is None:
            return
        targets = (event.id, event.target)
        task = next(iter(await _seen(turn, lambda each: each.event in targets)), None)
        if task is not None and (task.is_open or turn.voice.earlier("task/edit") is not None):
            await self._set(turn, task, await read_wanted(turn, task), is_open=False)

    async def _change(self, turn: Turn, what: str, number: int, words: str) -> None:
        task = next(iter(await _seen(turn, lambda each: each.number == number)), None)
        if task is None:
            await turn.voice.say(f"There is no task {number} here.")
            return
        wanted = await read_wanted(turn, task)
        if what == "assign":
            assignee = read_task(words, 0).assignee
            members = await turn.kit.homeserver.joined_members(turn.record.room)
            if assignee not in members:
                await turn.voice.say("Tasks can be assigned to people of this room: task assign 3 @who:server")
                return
            wanted = Wanted(wanted.title, assignee, wanted.due)
        elif what == "due":
            wanted = Wanted(wanted.title, wanted.assignee, read_time(words, turn.event.at) or 0)
        await self._set(turn, task, wanted, is_open=what == "reopen" or (task.is_open and what in ("assign", "due")))

    async def _set(self, turn: Turn, task: Task, wanted: Wanted, *, is_open: bool) -> None:
        await change_task(turn, task, wanted, is_open=is_open, key="task")
        whom = f", for {wanted.assignee}" if wanted.assignee else ""
        when = f", due {show_time(wanted.due)}" if wanted.due else ""
        mentions = (wanted.assignee,) if wanted.assignee else ()
        await turn.voice.say(f"{'☐' if is_open else '☑'} Task {task.number}: {wanted.title}{whom}{when}", mentions=mentions)

    async def _list(self, turn: Turn) -> None:
        lines = []
        for task in (await _seen(turn, lambda each: each.is_open))[:30]:
            wanted = await read_wanted(turn, task)
            whom = f", for {task.assignee}" if task.assignee else ""
            lines.append(f"☐ {task.number}. {wanted.title}{whom}" + (f", due {show_time(task.due)}" if task.due else ""))
        await turn.voice.say("\n".join(lines) or "There are no open tasks here.")


async def _seen(turn: Turn, is_meant: Callable[[Task], bool]) -> list[Task]:
    """What was made before the asker came may not be theirs to see, nor to change."""
    tasks = [task for task in turn.kit.things.tasks(turn.record.room) if is_meant(task)]
    seen = await turn.kit.history.seen(turn.record.room, turn.asker, TASK, [task.event for task in tasks])
    return [task for task in tasks if task.event in seen]
