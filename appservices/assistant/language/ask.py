"""A question to the model on somebody's behalf: consent of the breaker, then of the purse, then the call itself, then the bill."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from twisted.internet.defer import CancelledError

from appservices.assistant.figures import Figures
from appservices.assistant.journal.accounts import AuditLog
from appservices.assistant.language.breaker import Breakers
from appservices.assistant.language.budgets import OverBudget, Purse
from appservices.assistant.language.places import Places
from appservices.assistant.language.privacy import Privacy
from appservices.assistant.language.words import LanguageModel, ModelFailed, Prompt, Reply, count_prompt, count_tokens, most_of
from appservices.assistant.runtime import Clock
from appservices.assistant.settings import Model

ATTEMPTS: Final = 3
WARN_AT: Final = 0.8


class NoModel(Exception):
    """None is configured."""


class NotHere(Exception):
    """The room is encrypted, and the model is not ours."""


class Withdrawn(Exception):
    """Somebody whose words are in the question does not want them there any more."""


class Resting(Exception):
    """The breaker is open."""


class Language:
    def __init__(
        self,
        model: LanguageModel | None,
        settings: Model,
        purse: Purse,
        breakers: Breakers,
        privacy: Privacy,
        figures: Figures,
        audit: AuditLog,
        clock: Clock,
    ) -> None:
        self._model = model
        self.settings = settings
        self.purse = purse
        self._breakers = breakers
        self._privacy = privacy
        self._figures = figures
        self._audit = audit
        self._clock = clock
        self._places = Places(settings.concurrent)

    @property
    def is_there(self) -> bool:
        return self._model is not None

    async def ask(
        self,
        prompt: Prompt,
        *,
        user: str,
        room: str,
        event: str,
        skill: str,
        on_text: Callable[[str], None],
        may_be_sent: Callable[[], bool] = lambda: True,
    ) -> Reply:
        """`may_be_sent` is asked again each time before it is. Raises NoModel, NotHere, Resting, OverBudget, Withdrawn, ModelFailed; Refused and
        Unreachable where it cannot be known whether the room is encrypted."""
        if self._model is None:
            raise NoModel
        if await self._privacy.forbids(room):
            self._figures.refused(skill, "encrypted")
            raise NotHere
        await self._places.take(user)
        try:
            return await self._tries(self._model, prompt, user, room, event, skill, on_text, may_be_sent)
        except (Resting, OverBudget) as error:
            self._figures.refused(skill, "breaker" if isinstance(error, Resting) else "budget")
            raise
        finally:
            self._places.leave(user)

    def note_refusal(self, skill: str, reason: str) -> None:
        self._figures.refused(skill, reason)

    def note_tool(self, room: str, event: str, user: str, tool: str) -> None:
        self._audit.write(self._clock.now_ms(), f"tool {tool}", room, event, user)

    async def _tries(
        self,
        model: LanguageModel,
        prompt: Prompt,
        user: str,
        room: str,
        event: str,
        skill: str,
        on_text: Callable[[str], None],
        may_be_sent: Callable[[], bool],
    ) -> Reply:
        for attempt in range(ATTEMPTS):
            if not may_be_sent():
                raise Withdrawn
            if not self._breakers.let_pass(room):
                raise Resting
            try:
                reply = await self._once(model, prompt, user, room, skill, on_text)
            except ModelFailed as error:
                self._figures.failed(skill, error.kind)
                self._audit.write(self._clock.now_ms(), f"model {error.kind}", room, event, user, skill)
                if not error.may_pass or attempt == ATTEMPTS - 1 or self._breakers.is_open(room):
                    raise
                await self._clock.sleep(min(error.wait if error.wait is not None else 0.5 * 4**attempt, 20.0))
                continue
            self._audit.write(self._clock.now_ms(), "model asked", room, event, user, skill, reply.tokens_in, reply.tokens_out)
            return reply
        raise Resting

    async def _once(self, model: LanguageModel, prompt: Prompt, user: str, room: str, skill: str, on_text: Callable[[str], None]) -> Reply:
        try:
            expected, before = count_prompt(prompt), self.purse.share(user)
            taken = self.purse.reserve(user, room, most_of(prompt), prompt.most_tokens)
        except BaseException:  # whatever it is, the model was not asked, and the next one may try
            self._breakers.gave_up(room)
            raise
        began, heard = self._clock.monotonic(), ""

        def hear(text: str) -> None:
            nonlocal heard
            heard = text
            on_text(text)

        try:
            reply = await model.ask(prompt, hear)
        except ModelFailed as error:
            if error.is_of_one:
                self._breakers.gave_up(room)
            else:
                self._breakers.failed(room, error)
            self.purse.settle(taken, expected if heard else 0, count_tokens(heard) if heard else 0)
            raise
        except CancelledError:
            self._breakers.gave_up(room)
            self.purse.settle(taken, expected, count_tokens(heard))
            raise
        self._breakers.succeeded(room)
        money = self.purse.settle(taken, reply.tokens_in, reply.tokens_out)
        self._figures.asked(skill, reply.tokens_in, reply.tokens_out, money, self._clock.monotonic() - began)
        is_warned = before < WARN_AT <= self.purse.share(user)
        return replace(reply, warning=f"({WARN_AT:.0%} of your budget for the language model is used.)") if is_warned else reply
