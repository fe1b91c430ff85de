"""Tokens and money, per person, room and server, day and month. What a call may cost at most is taken before it and settled after it; so those that
run at the same time count too, a crash forgets nothing, and no limit is passed by more than one call."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from appservices.assistant.journal.accounts import SpendingJournal
from appservices.assistant.runtime import Clock
from appservices.assistant.settings import Budgets, Model

Account = tuple[str, str, str]


class OverBudget(Exception):
    """Whose, and until when."""

    def __init__(self, scope: str, period: str) -> None:
        super().__init__(f"{scope} {period}")
        self.scope = scope
        self.period = period


@dataclass
class Reservation:
    accounts: list[Account]
    tokens: int
    money: int


class Purse:
    def __init__(self, budgets: Budgets, model: Model, journal: SpendingJournal, clock: Clock) -> None:
        self._budgets = budgets
        self._model = model
        self._journal = journal
        self._clock = clock

    def reserve(self, user: str, room: str, tokens_in: int, tokens_out: int) -> Reservation:
        """Raises OverBudget."""
        accounts = list(self._accounts(user, room))
        for scope, subject, period in accounts:
            tokens, money = self._journal.spent(scope, subject, period)
            kind = "day" if len(period) == 10 else "month"
            for spent, limit in ((tokens, self._limit(scope, kind, "tokens")), (money, self._limit(scope, kind, "money"))):
                if limit and spent >= limit:
                    raise OverBudget(scope, kind)
        taken = Reservation(accounts, tokens_in + tokens_out, self.price(tokens_in, tokens_out))
        self._journal.spend(accounts, taken.tokens, taken.money)
        return taken

    def settle(self, taken: Reservation, tokens_in: int, tokens_out: int) -> int:
        """What it cost indeed."""
        money = self.price(tokens_in, tokens_out)
        self._journal.spend(taken.accounts, tokens_in + tokens_out - taken.tokens, money - taken.money)
        return money

    def price(self, tokens_in: int, tokens_out: int) -> int:
        return (tokens_in * self._model.input_price + tokens_out * self._model.output_price + 999_999) // 1_000_000

    def used(self, user: str) -> tuple[int, int]:
        """Of today: tokens of this person, and how many there may be."""
        day = next(self._periods())
        return self._journal.spent("user", user, day)[0], self._budgets.user_day_tokens

    def share(self, user: str) -> float:
        """How much of their budget is used, of that which ends first; 0 where there is none."""
        shares = [0.0]
        for period in self._periods():
            kind = "day" if len(period) == 10 else "month"
            for spent, what in zip(self._journal.spent("user", user, period), ("tokens", "money"), strict=True):
                if limit := self._limit("user", kind, what):
                    shares.append(spent / limit)
        return max(shares)

    def _accounts(self, user: str, room: str) -> Iterator[Account]:
        for scope, subject in (("user", user), ("room", room), ("server", "")):
            for period in self._periods():
                yield scope, subject, period

    def _periods(self) -> Iterator[str]:
        day = datetime.fromtimestamp(self._clock.now_ms() / 1000, UTC).strftime("%Y-%m-%d")
        yield day
        yield day[:7]

    def _limit(self, scope: str, kind: str, what: str) -> int:
        limit: int = getattr(self._budgets, f"{scope}_{kind}_{what}")
        return limit
