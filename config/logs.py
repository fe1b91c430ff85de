"""Section `logging`: what is written to standard error, and how."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Logging:
    level: Literal["debug", "info", "warning", "error"] = "info"
    requests: bool = True  # a line per request
