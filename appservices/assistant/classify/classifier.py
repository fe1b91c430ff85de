"""What kind of message it is: naive Bayes over words and shapes, counted by `train.py` from `messages.txt`; loaded with the first question."""

import itertools
import math
import re
from dataclasses import dataclass
from importlib.resources import files
from typing import Final

import orjson

LABELS: Final = ("text", "code", "file", "task", "event", "question")
_FILES: Final = ("m.file", "m.image", "m.audio", "m.video")
_WORD: Final = re.compile(r"[^\W\d_]+|\d+")
_SHAPES: Final[tuple[tuple[str, re.Pattern[str]], ...]] = tuple(
    (f"<{name}>", re.compile(pattern, re.IGNORECASE | re.MULTILINE))
    for name, pattern in (
        ("question mark", r"\?(?:\s|$)"),
        ("clock", r"\b\d{1,2}(?::\d\d|\s?[ap]m\b)|\bo'clock\b"),
        ("date", r"\b\d{4}-\d\d-\d\d\b|\b\d{1,2}[./]\d{1,2}\b"),
        ("day", r"\b(?:mon|tues|wednes|thurs|fri|satur|sun)day\b|\btomorrow\b|\btonight\b"),
        ("braces", r"[{};]\s*$|\(\)|=>|->|==|!=|:=|\+=|</"),
        ("shell", r"\$\w+|\$\(|\s\|\s|\s--?[a-zA-Z]\b|&&|;\s+(?:do|done|then)\b"),
        ("call", r"\w+\([^)\n]*\)"),
        ("assignment", r"^\s*[\w.]+\s*=\s*\S"),
        ("indent", r"^(?: {2,}|\t)\S"),
        ("file name", r"\b[\w-]+\.(?:pdf|docx?|xlsx?|pptx?|png|jpe?g|gif|zip|tar|gz|csv|txt|md|mp[34]|svg|odt|log)\b"),
        ("person", r"(?<!\S)@\w+"),
        ("exclamation", r"!"),
        ("long", r"\A.{160}"),
    )
)


@dataclass(frozen=True)
class Found:
    label: str
    sureness: float


def features(text: str) -> list[str]:
    words = [word.lower() for word in _WORD.findall(text[:2000])]
    first = [f"first:{words[0]}"] if words else []
    pairs = [f"{one} {two}" for one, two in itertools.pairwise(words)]
    shapes = [name for name, pattern in _SHAPES if pattern.search(text[:2000])]
    return [*words, *first, *pairs, *(shapes or ["<plain>"])]


class Counts:
    """How often each feature came with each label."""

    def __init__(self, messages: dict[str, int], seen: dict[str, dict[str, int]]) -> None:
        self.messages = messages
        self.seen = seen
        self._sums = {label: sum(counts.get(label, 0) for counts in seen.values()) for label in LABELS}

    def judge(self, text: str) -> Found:
        total = sum(self.messages.values())
        scores = {label: math.log((self.messages.get(label, 0) + 1) / (total + len(LABELS))) for label in LABELS}
        for feature in set(features(text)):
            counts = self.seen.get(feature)
            if counts is None:
                continue
            for label in LABELS:
                scores[label] += math.log((counts.get(label, 0) + 1) / (self._sums[label] + len(self.seen)))
        best = max(scores, key=lambda label: scores[label])
        weight = sum(math.exp(max(score - scores[best], -50.0)) for score in scores.values())
        return Found(best, 1 / weight)


class Classifier:
    def __init__(self) -> None:
        self._counts: Counts | None = None

    def classify(self, text: str, msgtype: str = "m.text") -> Found:
        if msgtype in _FILES:
            return Found("file", 1.0)
        if self._counts is None:
            stored = orjson.loads(files(__package__).joinpath("counts.json").read_bytes())
            self._counts = Counts(stored["messages"], stored["seen"])
        return self._counts.judge(text)
