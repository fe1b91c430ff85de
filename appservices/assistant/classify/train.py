"""`python -m appservices.assistant.classify.train`: counts `messages.txt` into `counts.json` and says how well that does on text held out.

Every fifth message of each kind is held out; what is stored is counted from the rest, so the figure is that of the model in use.
"""

import sys
from pathlib import Path

import orjson

from appservices.assistant.classify.classifier import LABELS, Counts, features

_HERE = Path(__file__).parent
Example = tuple[str, str]


def read_examples() -> list[Example]:
    """A line each: label, tab, text with \\n for its line breaks."""
    lines = (_HERE / "messages.txt").read_text("utf-8").splitlines()
    return [(label, text.replace("\\n", "\n")) for label, _, text in (line.partition("\t") for line in lines if line)]


def divide(examples: list[Example]) -> tuple[list[Example], list[Example]]:
    """To learn from, and held out."""
    learned: list[Example] = []
    held: list[Example] = []
    for label in LABELS:
        for number, example in enumerate(each for each in examples if each[0] == label):
            (held if number % 5 == 4 else learned).append(example)
    return learned, held


def count(examples: list[Example]) -> Counts:
    messages: dict[str, int] = {}
    seen: dict[str, dict[str, int]] = {}
    for label, text in examples:
        messages[label] = messages.get(label, 0) + 1
        for feature in set(features(text)):
            counts = seen.setdefault(feature, {})
            counts[label] = counts.get(label, 0) + 1
    return Counts(messages, seen)


def accuracy(counts: Counts, held: list[Example]) -> float:
    return sum(counts.judge(text).label == label for label, text in held) / len(held)


def main() -> int:
    learned, held = divide(read_examples())
    counts = count(learned)
    data = orjson.dumps({"messages": counts.messages, "seen": counts.seen}, option=orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2)
    (_HERE / "counts.json").write_bytes(data + b"\n")
    sys.stdout.write(f"learned from {len(learned)}, right on {accuracy(counts, held):.1%} of {len(held)} held out\n")
    for label in LABELS:
        part = [example for example in held if example[0] == label]
        sys.stdout.write(f"  {label}: {accuracy(counts, part):.0%} of {len(part)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
