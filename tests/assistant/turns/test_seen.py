"""What there is to see of it: figures by skill, a log of IDs and counts; and what is to be seen nowhere."""

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import appservices.assistant
from appservices.assistant.settings import Budgets, Settings
from tests.assistant.house import ALICE, BOB, House
from tests.assistant.scripted_model import Say


def figures(house: House) -> dict[str, float]:
    lines = [line for line in house.loop.run(house.get("/metrics")).decode().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def test_tokens_cost_latency_and_refusals_by_skill(build: Callable[..., House]) -> None:
    house = build(
        model={"input_price": 1_000_000, "output_price": 2_000_000},
        budgets=Budgets(user_month_tokens=300),  # a day may end while this runs
        turns_a_minute=5,
        consent_power=50,
    )
    room = house.room(BOB)
    house.hs.say(room.id, ALICE, "a rose is a rose")
    for words in ("ask what?", "summary", "translate", "suggest", "help"):
        house.hs.say(room.id, BOB, f"!ai {words}")
        house.settle()
    house.hs.say(room.id, BOB, "!ai topic Roses")  # the sixth in a minute
    house.settle()
    house.clock.ahead += 61
    house.hs.say(room.id, BOB, "!ai topic Roses")  # without the power
    house.settle()
    house.hs.say(room.id, BOB, "!ai summary")  # over the budget
    house.settle()
    found = figures(house)
    for skill in ("answer", "summary"):
        assert found[f'chatme_assistant_tokens_total{{direction="in",skill="{skill}"}}'] == 100
        assert found[f'chatme_assistant_tokens_total{{direction="out",skill="{skill}"}}'] == 20
        assert found[f'chatme_assistant_cost_total{{skill="{skill}"}}'] == 0.00014
        assert found[f'chatme_assistant_model_seconds_count{{skill="{skill}"}}'] == 1
    assert found['chatme_assistant_refusals_total{reason="rate",skill="organise"}'] == 1
    assert found['chatme_assistant_refusals_total{reason="power",skill="organise"}'] == 1
    assert found['chatme_assistant_refusals_total{reason="budget",skill="summary"}'] == 1


def test_failures_of_the_model_by_skill(house: House) -> None:
    room = house.room(BOB)
    house.says(Say(status=400))
    house.hs.mention(room.id, BOB, "hello")
    house.settle()
    assert figures(house)['chatme_assistant_model_failures_total{kind="refused",skill="answer"}'] == 1


def test_the_audit_log_holds_ids_and_counts(house: House) -> None:
    room = house.room(BOB)
    house.model.answer = lambda request: (
        Say("Fine, tulip.")
        if "tool" in {each["role"] for each in request["messages"]}
        else Say("", tools=[("search_room", {"query": "tulip"})])
    )
    house.hs.mention(room.id, BOB, "where is the tulip?")
    house.hs.say(room.id, BOB, "!task buy a tulip")
    house.settle()
    rows = house.built.assistant._file.rows("SELECT what, room_id, event_id, user_id, skill, tokens_in, tokens_out FROM audit")
    words = {row[0] for row in rows}
    assert words == {"turned on", "turn done", "model asked", "tool search_room"}
    for what, room_id, event, user, skill, tokens_in, tokens_out in rows:
        assert re.fullmatch(r"!r\d+:test", room_id)
        assert re.fullmatch(r"\$e\d+", event)
        assert user in (ALICE, BOB)
        assert re.fullmatch(r"[a-z-]*", skill)
        assert (tokens_in > 0 and tokens_out > 0) == (what == "model asked")


def test_secrets_are_in_no_representation() -> None:
    settings = Settings("http://localhost", "@a:test", as_token="as-secret", hs_token="hs-secret")
    assert "secret" not in repr(settings)


def _imports(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            yield node.module


def test_nothing_but_the_homeserver_and_the_model_is_called() -> None:
    """There is no fetching of links, so there is nothing to lead astray: connections are made in two files."""
    root = Path(appservices.assistant.__file__).parent
    outward = re.compile(r"(?:openai|treq|httpx|requests|aiohttp|urllib\.request|http\.client|socket|smtplib|twisted\.web\.client)(?:\.|$)")
    found = {str(file.relative_to(root)) for file in root.rglob("*.py") if any(outward.match(name) for name in _imports(file))}
    assert found <= {"model.py", "matrix/agent.py", "language/line.py"}
