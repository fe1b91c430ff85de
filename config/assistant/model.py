"""Tables `assistant.model` and `assistant.budgets`: the language model, and what may be spent on it."""

from typing import Annotated, NamedTuple

from config.secret import Secret


class AssistantModel(NamedTuple):
    base_url: Annotated[str, {"pattern": r"^(https?://\S+)?$", "says": "an http(s) address"}] = ""  # empty: no model
    name: str = ""
    # The key: itself, in a file, or in a variable of the environment.
    api_key: Secret = Secret()
    api_key_file: Annotated[str, {"path": True}] = ""
    api_key_variable: str = ""
    # As rooms are told.
    provider: str = ""
    where: str = ""
    is_local: bool = False  # runs on machines of yours: may be used in encrypted rooms
    context_tokens: Annotated[int, {"minimum": 100}] = 6000  # most of a prompt
    answer_tokens: Annotated[int, {"minimum": 10}] = 1000  # most of an answer
    timeout_seconds: Annotated[float, {"minimum": 1}] = 60.0
    # Money in millionths of its unit, for a million tokens.
    input_price: Annotated[int, {"minimum": 0}] = 0
    output_price: Annotated[int, {"minimum": 0}] = 0
    concurrent: Annotated[int, {"minimum": 1, "maximum": 64}] = 4  # questions at once


class AssistantBudgets(NamedTuple):
    """Tokens, and money in millionths of its unit; 0: no limit."""

    user_day_tokens: Annotated[int, {"minimum": 0}] = 100_000
    user_month_tokens: Annotated[int, {"minimum": 0}] = 1_000_000
    room_day_tokens: Annotated[int, {"minimum": 0}] = 200_000
    room_month_tokens: Annotated[int, {"minimum": 0}] = 2_000_000
    server_day_tokens: Annotated[int, {"minimum": 0}] = 2_000_000
    server_month_tokens: Annotated[int, {"minimum": 0}] = 20_000_000
    user_day_money: Annotated[int, {"minimum": 0}] = 0
    user_month_money: Annotated[int, {"minimum": 0}] = 0
    room_day_money: Annotated[int, {"minimum": 0}] = 0
    room_month_money: Annotated[int, {"minimum": 0}] = 0
    server_day_money: Annotated[int, {"minimum": 0}] = 0
    server_month_money: Annotated[int, {"minimum": 0}] = 0
