"""Section `logging`: what is written to standard error, and how."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Logging:
    level: Literal["debug", "info", "warn", "error", "critical"] = "info"
    format: Literal["text", "json"] = "text"
    requests: bool = True  # a line per request
