"""What the model of the demonstration says. It is no model: it looks for what the room of `story.py` said, and points to it."""

import json
import time
from collections.abc import Iterator
from typing import Any, Final

_POINTS: Final = (
    ("new sails", "The boat needs new sails before May"),
    ("two sail makers", "Ben asks two sail makers and tells what they want"),
    ("meet", "They want to meet this week and decide"),
)
_WORD_SECONDS: Final = 0.03


def script(asked: dict[str, Any]) -> Iterator[str]:
    task = json.dumps(asked["messages"][0])
    numbers = dict(_material(asked))
    points = [(said, next((number for text, number in numbers.items() if words in text), None)) for words, said in _POINTS]
    if "Summarise" in task:
        yield from _slowly("\n".join(f"- {said} [{number}]." for said, number in points if number))
    else:
        number = points[0][1]
        yield from _slowly(f"New sails, before the regatta in May [{number}]." if number else "I have not seen anything about that here.")


def _material(asked: dict[str, Any]) -> Iterator[tuple[str, int]]:
    for message in asked["messages"][1:]:
        for line in str(message.get("content") or "").splitlines():
            if line.startswith("{"):
                found = json.loads(line)
                if "number" in found:
                    yield found["text"], found["number"]


def _slowly(text: str) -> Iterator[str]:
    for word in text.split(" "):
        time.sleep(_WORD_SECONDS)
        yield f"{word} "
