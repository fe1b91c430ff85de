"""Money and places are shared out so that nobody takes them from others."""

from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import cast

import pytest
from twisted.internet.defer import Deferred

from appservices.assistant.journal.accounts import SpendingJournal
from appservices.assistant.language.breaker import FAILURES, FIRST_SECONDS, Breakers
from appservices.assistant.language.budgets import OverBudget, Purse, Reservation
from appservices.assistant.language.places import Places
from appservices.assistant.language.words import ModelFailed, Prompt, count_prompt, most_of
from appservices.assistant.runtime import Clock
from appservices.assistant.settings import Budgets, Model
from tests.assistant.house import BOB, House
from tests.assistant.turns.test_pace import Ticking


class InMemory:
    """Accounts."""

    def __init__(self) -> None:
        self.all: dict[tuple[str, str, str], tuple[int, int]] = {}

    def spent(self, scope: str, subject: str, period: str) -> tuple[int, int]:
        return self.all.get((scope, subject, period), (0, 0))

    def spend(self, accounts: list[tuple[str, str, str]], tokens: int, money: int) -> None:
        for account in accounts:
            known = self.all.get(account, (0, 0))
            self.all[account] = (known[0] + tokens, known[1] + money)


@pytest.mark.parametrize(
    "limits", [{"server_day_tokens": 10_000}, {"user_day_tokens": 4000}, {"room_month_tokens": 5000}, {"server_day_money": 10_000}]
)
@pytest.mark.parametrize("seed", range(5))
def test_never_more_than_one_call_too_many(limits: dict[str, int], seed: int) -> None:
    """Whatever begins and ends in whatever order, with a thousand calls on their way at once."""
    chance, journal = Random(seed), InMemory()
    price = Model(input_price=1_000_000, output_price=1_000_000)
    purse = Purse(
        Budgets(**(dict.fromkeys(Budgets.__dataclass_fields__, 0) | limits)), price, cast(SpendingJournal, journal), cast(Clock, Ticking())
    )
    running: list[tuple[Reservation, int, int]] = []
    dearest = refused = 0
    for _ in range(3000):
        if running and chance.random() < 0.45:
            taken, tokens_in, tokens_out = running.pop(chance.randrange(len(running)))
            purse.settle(taken, chance.randrange(tokens_in + 1), chance.randrange(tokens_out + 1))
            continue
        tokens_in, tokens_out = chance.randrange(1, 800), chance.randrange(1, 300)
        try:
            taken = purse.reserve(f"@u{chance.randrange(3)}:x", f"!r{chance.randrange(3)}", tokens_in, tokens_out)
        except OverBudget:
            refused += 1
            continue
        dearest = max(dearest, tokens_in + tokens_out)
        running.append((taken, tokens_in, tokens_out))
    for taken, tokens_in, tokens_out in running:
        purse.settle(taken, tokens_in, tokens_out)  # all of it, at worst
    scope, (name, limit) = next(iter(limits)).partition("_")[0], next(iter(limits.items()))
    spent = [account[1 if name.endswith("money") else 0] for (kind, _, _), account in journal.all.items() if kind == scope]
    assert refused
    assert max(spent) <= limit + dearest


@pytest.mark.parametrize("text", ["plain words here", "日本語の文章です", "🧑‍🚀🧑‍🚀🧑‍🚀", "\x00\x01" * 50, "ÄÖÜß" * 20])
def test_what_is_taken_beforehand_is_the_most_it_can_be(text: str) -> None:
    prompt = Prompt([{"role": "user", "content": text}])
    assert most_of(prompt) >= max(len(text.encode()), count_prompt(prompt))


def test_places_go_round_by_person() -> None:
    places, order = Places(2), list[str]()

    async def call(user: str, name: str) -> None:
        await places.take(user)
        order.append(name)

    for number in range(4):
        Deferred.fromCoroutine(call("@greedy:x", f"greedy{number}"))
    Deferred.fromCoroutine(call("@anna:x", "anna"))
    assert order == ["greedy0", "anna"]  # of two places one person gets one
    Deferred.fromCoroutine(call("@ben:x", "ben"))
    places.leave("@anna:x")
    places.leave("@greedy:x")
    assert order[2:] == ["ben", "greedy1"]
    places.leave("@greedy:x")
    assert order[4:] == ["greedy2"]


def test_who_gives_up_waiting_keeps_no_place() -> None:
    places, order = Places(1), list[str]()

    async def call(user: str) -> None:
        await places.take(user)
        order.append(user)

    Deferred.fromCoroutine(call("@a:x"))
    gone = Deferred.fromCoroutine(call("@b:x"))
    gone.addErrback(lambda _: None)
    Deferred.fromCoroutine(call("@c:x"))
    gone.cancel()
    places.leave("@a:x")
    assert order == ["@a:x", "@c:x"]


def test_one_in_many_rooms_leaves_places_for_others(build: Callable[..., House], tmp_path: Path) -> None:
    from tests.assistant.scripted_model import Say

    house = build(model={"concurrent": 2})
    rooms = [house.room(BOB) for _ in range(3)]
    other = house.room("@carol:test")
    house.model.answer = lambda request: Say(hangs="carol" not in str(request), text="Fine.")
    for room in rooms:
        house.hs.mention(room.id, BOB, "hello")
    house.deliver()
    house.loop.until(lambda: bool(house.model.prompts))
    house.hs.mention(other.id, "@carol:test", "hello")
    house.deliver()
    house.loop.until(lambda: house.texts(other) == ["Fine."], 5.0)


def test_a_word_of_warning_before_the_end(build: Callable[..., House]) -> None:
    house = build(budgets=Budgets(user_day_tokens=550))
    room = house.room(BOB)
    for _ in range(6):
        house.hs.mention(room.id, BOB, "hello")
        house.clock.ahead += 5
        house.settle()
    texts = house.texts(room)
    assert [text for text in texts if text.startswith("(80%")] == ["(80% of your budget for the language model is used.)"]
    assert "used up" in texts[-1]


def test_a_model_that_fails_in_one_room_is_left_alone_there() -> None:
    clock = Ticking()
    breakers = Breakers(cast(Clock, clock))
    for _ in range(FAILURES):
        assert breakers.let_pass("!a")
        breakers.failed("!a", ModelFailed("down"))
    assert not breakers.let_pass("!a")
    assert breakers.let_pass("!b")
    clock.clock.advance(FIRST_SECONDS)
    assert breakers.let_pass("!a")  # one tries
    assert not breakers.let_pass("!a")
    breakers.gave_up("!a")
    assert breakers.let_pass("!a")
    breakers.succeeded("!a")
    assert breakers.let_pass("!a")
    assert not breakers.is_open("!a")


@pytest.mark.parametrize(("rooms", "kind"), [("aba", "down"), ("abc", "broken"), ("aaa", "busy"), ("aaa", "closed")])
def test_an_outage_that_others_see_is_one_of_all(rooms: str, kind: str) -> None:
    clock = Ticking()
    breakers = Breakers(cast(Clock, clock))
    for room in rooms:
        assert breakers.let_pass(room)
        breakers.failed(room, ModelFailed(kind))
    assert not breakers.let_pass("z")
    clock.clock.advance(FIRST_SECONDS)
    assert breakers.let_pass("z")
    assert not breakers.let_pass("y")
    breakers.succeeded("z")
    assert breakers.let_pass("y")
