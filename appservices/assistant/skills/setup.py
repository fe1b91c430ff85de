"""On and off, help, what to watch for, and who does not want to be read."""

import logging
from collections.abc import Awaitable, Callable

from appservices.assistant.matrix.contents import notice
from appservices.assistant.matrix.errors import Refused
from appservices.assistant.rooms.consent import WATCHED
from appservices.assistant.skill import Turn

_log = logging.getLogger(__name__)


class SetUp:
    name = "setup"
    verbs = ("on", "off", "help", "status", "watch", "optout", "optin")
    help = "on · off · status · watch code links files (or: watch nothing) · optout · optin · help"
    with_model = ""

    async def run(self, turn: Turn) -> None:
        action = {"on": self._on, "off": self._off, "watch": self._watch, "optout": self._opt_out, "optin": self._opt_in}.get(turn.verb)
        if action is not None:
            await action(turn)
        elif turn.verb == "status":
            await turn.voice.say(await self._status(turn))
        else:
            await turn.voice.say(help_text(turn))

    async def _on(self, turn: Turn) -> None:
        consent, room = turn.kit.consent, turn.record.room
        if not await consent.may_decide(room, turn.asker):
            return  # silent, as long as it is off
        consent.turn_on(room, turn.asker, turn.record.event)
        await turn.voice.say_plainly(
            notice(f"I am on in this room. {await consent.terms(room)} `{turn.kit.settings.command} help` tells the rest."), "on"
        )
        await consent.show(room, True)

    async def _off(self, turn: Turn) -> None:
        consent, room = turn.kit.consent, turn.record.room
        if not await consent.may_decide(room, turn.asker):
            await turn.voice.say("That is for the moderators of this room.")
            return
        words = notice("I am off in this room, and what I had written down of it is gone.")
        tell_all: tuple[Callable[[], Awaitable[object]], ...] = (
            lambda: consent.show(room, False),
            lambda: turn.voice.say_plainly(words, "off"),
        )
        for tell in tell_all:  # in words last of all: then it is so
            try:
                await tell()
            except Refused as error:
                _log.info("%s could not be told that it is off there: %s", room, error)
        consent.turn_off(room, turn.asker, turn.record.event)
        turn.kit.markers.forget(room)

    async def _watch(self, turn: Turn) -> None:
        if not await turn.kit.consent.may_decide(turn.record.room, turn.asker):
            await turn.voice.say("That is for the moderators of this room.")
            return
        watch = tuple(each for each in WATCHED if each in turn.words.lower().split())
        turn.kit.consent.watch(turn.record.room, watch)
        await turn.kit.consent.show(turn.record.room, True)
        await turn.voice.say(f"I look for {', '.join(watch)} by myself." if watch else "I look for nothing by myself.")

    async def _opt_out(self, turn: Turn) -> None:
        turn.kit.consent.opt_out(turn.asker, True)
        await turn.voice.say(f"Your messages are not read any more, in no room. `{turn.kit.settings.command} optin` takes that back.")

    async def _opt_in(self, turn: Turn) -> None:
        turn.kit.consent.opt_out(turn.asker, False)
        await turn.voice.say("Your messages may be read again where I am on.")

    async def _status(self, turn: Turn) -> str:
        used, limit = turn.kit.language.purse.used(turn.asker)
        budget = f"{used} of {limit}" if limit else str(used)
        watch = ", ".join(turn.room.watch) or "nothing"
        return f"{await turn.kit.consent.terms(turn.record.room)}\nI look for by myself: {watch}. Your tokens today: {budget}."


def help_text(turn: Turn) -> str:
    from appservices.assistant.skills import SKILLS

    prefix, has_model = turn.kit.settings.command, turn.kit.language.is_there
    lines = [
        f"- {skill.help}" + ("" if has_model or not skill.with_model else f" (with a language model I could {skill.with_model})")
        for skill in SKILLS
        if skill.help
    ]
    return (
        f"Mention me, reply to me, or begin with {prefix}:\n" + "\n".join(lines) + "\nReactions: 📌 task, ✅ done, 📝 summary of a thread, "
        "🌐 translation, 💡 replies, 🛑 stop (or say stop)."
    )
