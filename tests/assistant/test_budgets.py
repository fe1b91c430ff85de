"""Tokens and money, and what there is to see of them."""

from collections.abc import Callable

import pytest

from appservices.assistant.settings import Budgets
from tests.assistant.house import ALICE, BOB, CAROL, House
from tests.assistant.scripted_model import Say


@pytest.mark.parametrize("scope", ["user", "room", "server"])
@pytest.mark.parametrize("period", ["day", "month"])
@pytest.mark.parametrize("what", ["tokens", "money"])
def test_a_budget_ends(build: Callable[..., House], scope: str, period: str, what: str) -> None:
    house = build(budgets=Budgets(**{f"{scope}_{period}_{what}": 250}), model={"input_price": 1_000_000, "output_price": 1_000_000})
    room = house.room(BOB)
    for _ in range(4):
        house.hs.mention(room.id, BOB, "hello")
        house.clock.ahead += 5
        house.settle()
    assert len(house.model.prompts) == 3  # 120 each: the third passes the limit
    assert "budget" in house.texts(room)[-1]
    house.clock.ahead += 86_400 * (1 if period == "day" else 32)
    house.hs.mention(room.id, BOB, "hello")
    house.settle()
    assert len(house.model.prompts) == 4


def test_calls_at_once_cannot_pass_it_by_more_than_one(build: Callable[..., House]) -> None:
    house = build(budgets=Budgets(server_day_tokens=1500))
    rooms = [house.room(BOB, CAROL) for _ in range(3)]
    house.says(Say("Fine.", pieces=["Fine."], seconds=0.3))
    for room in rooms:
        for user in (ALICE, BOB, CAROL):
            house.hs.mention(room.id, user, "hello")
    house.settle()
    assert 1 <= len(house.model.prompts) <= 2


def test_metrics_and_audit_without_text(house: House) -> None:
    room = house.room(BOB)
    house.hs.mention(room.id, BOB, "the word is tulip")
    house.settle()
    metrics = house.loop.run(house.get("/metrics")).decode()
    assert 'chatme_assistant_tokens_total{direction="in",skill="answer"} 100.0' in metrics
    assert 'chatme_assistant_turns_total{outcome="done",skill="answer"} 1.0' in metrics
    for path in (house.settings.database, house.settings.database + "-wal"):
        with open(path, "rb") as file:  # noqa: PTH123
            data = file.read()
        assert b"tulip" not in data
        assert b"Fine." not in data
