"""Texts made to be gone over for ever: whatever a member or a model writes, it is looked at once."""

import signal
from collections.abc import Iterator
from typing import Any

import pytest

from appservices.assistant.rooms.history import find_urls
from appservices.assistant.safety.framing import Material
from appservices.assistant.safety.guard import Guard
from appservices.assistant.work.code import find_code, name_language

_SECONDS = 20.0  # of the processor: a hundred times what any of these takes


@pytest.fixture(autouse=True)
def bounded() -> Iterator[None]:
    """What goes on and on is ended."""

    def end(_: int, __: Any) -> None:
        raise TimeoutError("it was gone over again and again")

    before = signal.signal(signal.SIGVTALRM, end)
    signal.setitimer(signal.ITIMER_VIRTUAL, _SECONDS)
    yield
    signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    signal.signal(signal.SIGVTALRM, before)


@pytest.mark.parametrize(
    "text",
    [
        "let:\n" + "  x\n" * 2000,  # keys and what is indented, as in YAML
        "let:\n- x\n" + "  - x\n\n" * 2000,
        "def a\n" * 8000,
        "def a(" + ")" * 60_000 + "\n" * 3,
        "import a\n" + "\n" * 60_000 + "import b\nimport c",
        "a(" * 30_000,
        "\n".join(["a(" * 90 + ") " * 10] * 200),
        "a {" + " " * 60_000 + "\nb {\nc {",
        "if a{" * 12_000 + "\n{\n{",
        "fn a " * 12_000,
        "if <p" + "<p " * 20_000 + "\n{\n{",
    ],
)
def test_code_of_no_end(text: str) -> None:
    find_code(text)
    name_language(text)


@pytest.mark.parametrize(
    "text", ["[" * 100_000, "![" * 50_000, "\n" * 100_000, "a-" * 50_000, "[a](" * 25_000, "[1," * 33_000, "[a\n" * 33_000]
)
def test_answers_of_no_end(text: str) -> None:
    Guard("https://matrix.to/#/", "test").clean(text, Material())


def test_tags_of_no_end() -> None:
    for _ in range(400):  # messages of a room
        assert find_urls("<" * 60_000) == []


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("name: x\nlist:\n  - one\n  - two\nlast: y", "yaml"),
        ("- a\n- b", ""),
        ("def a\n  b()\nend", "ruby"),
        ("a {\n  color: red;\n}", "css"),
        ("def a(x):\n    return x", "python"),
        ("  SELECT a FROM b", "sql"),
    ],
)
def test_languages_all_the_same(text: str, language: str) -> None:
    assert name_language(text) == language


def test_no_image_however_long_its_name_is() -> None:
    seen = Material([], {"https://seen.example/x"})
    clean = Guard("https://matrix.to/#/", "test").clean(
        f"![{'a' * 600}](https://seen.example/x) ![{'b' * 600}](https://other.example/x)", seen
    )
    assert "![" not in clean
    assert "other.example" not in clean
