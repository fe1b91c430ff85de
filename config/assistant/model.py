"""Tables `assistant.model` and `assistant.budgets`: the language model, and what may be spent on it."""

from dataclasses import dataclass, field

from config.secret import Secret


@dataclass(frozen=True, slots=True)
class AssistantModel:
    base_url: str = field(default="", metadata={"pattern": r"^(https?://\S+)?$", "says": "an http(s) address"})  # empty: no model
    name: str = ""
    # The key: itself, in a file, or in a variable of the environment.
    api_key: Secret = Secret()
    api_key_file: str = field(default="", metadata={"path": True})
    api_key_variable: str = ""
    # As rooms are told.
    provider: str = ""
    where: str = ""
    is_local: bool = False  # runs on machines of yours: may be used in encrypted rooms
    context_tokens: int = field(default=6000, metadata={"minimum": 100})  # most of a prompt
    answer_tokens: int = field(default=1000, metadata={"minimum": 10})  # most of an answer
    timeout_seconds: float = field(default=60.0, metadata={"minimum": 1})
    # Money in millionths of its unit, for a million tokens.
    input_price: int = field(default=0, metadata={"minimum": 0})
    output_price: int = field(default=0, metadata={"minimum": 0})
    concurrent: int = field(default=4, metadata={"minimum": 1, "maximum": 64})  # questions at once


@dataclass(frozen=True, slots=True)
class AssistantBudgets:
    """Tokens, and money in millionths of its unit; 0: no limit."""

    user_day_tokens: int = field(default=100_000, metadata={"minimum": 0})
    user_month_tokens: int = field(default=1_000_000, metadata={"minimum": 0})
    room_day_tokens: int = field(default=200_000, metadata={"minimum": 0})
    room_month_tokens: int = field(default=2_000_000, metadata={"minimum": 0})
    server_day_tokens: int = field(default=2_000_000, metadata={"minimum": 0})
    server_month_tokens: int = field(default=20_000_000, metadata={"minimum": 0})
    user_day_money: int = field(default=0, metadata={"minimum": 0})
    user_month_money: int = field(default=0, metadata={"minimum": 0})
    room_day_money: int = field(default=0, metadata={"minimum": 0})
    room_month_money: int = field(default=0, metadata={"minimum": 0})
    server_day_money: int = field(default=0, metadata={"minimum": 0})
    server_month_money: int = field(default=0, metadata={"minimum": 0})
