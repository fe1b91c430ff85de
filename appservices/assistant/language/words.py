"""What goes to a model and what comes back: the port that `model.py` fills."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import orjson
from twisted.internet.defer import Deferred


@dataclass(frozen=True)
class ToolCall:
    id: str
    name: str
    arguments: str  # JSON, as the model wrote it


@dataclass(frozen=True)
class Prompt:
    messages: list[dict[str, Any]]
    tools: list[Mapping[str, Any]] = field(default_factory=list)
    most_tokens: int = 1000


@dataclass(frozen=True)
class Reply:
    text: str
    calls: tuple[ToolCall, ...] = ()
    tokens_in: int = 0
    tokens_out: int = 0
    warning: str = ""  # of a budget that nears its end


class ModelFailed(Exception):
    """`kind`: busy, down, closed (to us: key, account, name), refused (this question), broken. After `wait` seconds it may be better."""

    def __init__(self, kind: str, wait: float | None = None) -> None:
        super().__init__(kind)
        self.kind = kind
        self.wait = wait

    @property
    def may_pass(self) -> bool:
        return self.kind in ("busy", "down")

    @property
    def is_of_all(self) -> bool:
        """Whatever were asked, the answer would be the same."""
        return self.kind in ("busy", "closed")

    @property
    def is_of_one(self) -> bool:
        """It says nothing about what others ask."""
        return self.kind == "refused"


class LanguageModel(Protocol):
    def ask(self, prompt: Prompt, on_text: Callable[[str], None]) -> Deferred[Reply]:
        """`on_text` is told all of the text so far. Fails with ModelFailed; cancelling it ends the call."""


def count_tokens(text: str) -> int:
    """An estimate from above for European languages."""
    return len(text.encode()) // 3 + 1


def read_json(text: str) -> dict[str, Any]:
    """The object in an answer, nothing where there is none."""
    start, end = text.find("{"), text.rfind("}")
    try:
        found = orjson.loads(text[start : end + 1]) if 0 <= start < end else {}
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def count_prompt(prompt: Prompt) -> int:
    return sum(count_tokens(str(message.get("content") or "")) + 8 for message in prompt.messages) + sum(
        count_tokens(str(tool)) for tool in prompt.tools
    )


def most_of(prompt: Prompt) -> int:
    """No prompt is more tokens than that, in whatever script: a byte each, and what is around it."""
    texts = [str(message.get("content") or "") for message in prompt.messages] + [str(tool) for tool in prompt.tools]
    return sum(len(text.encode()) + 16 for text in texts)
