"""Values that programs stumble over. Some exist only in the text of JSON: they stand as marks in the value and are put in when it is spelled."""

import json
from random import Random
from typing import Any

MARK = "@@raw{}@@"
RAW = (
    "1e400", "-1e400", "-0", "1.0", "0.1", "1E2", "NaN", "Infinity", "-Infinity", "01", "0x10", "+1", ".5", "tru", "nul", "'x'", "undefined",
    "9007199254740991", "9007199254740992", "-9007199254740992", "18446744073709551616", "1" * 400, "-" + "9" * 5000,
    '"\\ud800"', '"\\udfff\\ud800"', '"\\u0000"', '"\\x41"', '"\x01"', '"', "{}" * 2, '{"a":1,"a":2}', '{"":{"":{"":0}}}', "[" * 90 + "]" * 90,
    "[" * 5000 + "]" * 5000, '{"a":' * 300 + "1" + "}" * 300, "/**/1", "\ufeff1",
)  # fmt: skip
STRINGS = (
    "", " ", "\x00", "a\x00b", "\x1f", "\x7f", "\u0085", "\u2028", "\u202e", "\ufeff", "\uffff", "\U0010ffff", "\U0001f600", "é", "e\u0301", "İ",
    "ß", "ſt", "ﷺ", "\u0130i\u0307", "Ω≈ç√", "田中", "null", "true", "0", "-1", "1e3", "NaN", "[]", "{}", "*", "?", "%", "%s", "%00", "_", "\\",
    "'", '"', "''; DROP TABLE events; --", "$1", "${x}", "{0}", "<script>alert(1)</script>", "javascript:alert(1)", "../../etc/passwd", ".", "..", "/", "//",
    "@", "!", "#", "$", ":", "@:", "@a:", "@:b", "@a:b:c", "@a:test", "@A:test", "@é:test", "!a:test", "#a:test", "#\x00:test", "$a", "mxc://a/b", "mxc://",
    "m.room.create", "m.room.member", "m.login.dummy", "1" * 30, "a" * 255, "a" * 256, "@" + "a" * 300 + ":test", "é" * 128, "ﷺ" * 2000, "x" * 70_000,
)  # fmt: skip
NUMBERS = (
    0,
    1,
    -1,
    2,
    3,
    50,
    100,
    255,
    256,
    1000,
    65_535,
    65_536,
    2**31 - 1,
    2**31,
    -(2**31) - 1,
    2**53 - 1,
    2**53,
    -(2**53),
    2**63,
    2**64,
    10**30,
    0.5,
)


def string(chance: Random) -> str:
    kind = chance.random()
    if kind < 0.7:
        return chance.choice(STRINGS)
    if kind < 0.8:
        return chance.choice(STRINGS) + chance.choice(STRINGS)
    if kind < 0.85:
        return "".join(chr(chance.choice((0xD800, 0xDC00, 0xDFFF, 0x41, 0x1F600))) for _ in range(chance.randint(1, 3)))
    return "".join(chr(chance.randint(0, 0x2FF)) for _ in range(chance.randint(1, 12)))


def scalar(chance: Random) -> Any:
    kind = chance.random()
    if kind < 0.35:
        return string(chance)
    if kind < 0.55:
        return chance.choice(NUMBERS)
    if kind < 0.93:
        return chance.choice((None, True, False, [], {}, [None], [[]], {"": None}))
    return MARK.format(chance.randrange(len(RAW)))


def value(chance: Random, depth: int = 3) -> Any:
    """Anything at all."""
    kind = chance.random()
    if depth == 0 or kind < 0.6:
        return scalar(chance)
    if kind < 0.8:
        return [value(chance, depth - 1) for _ in range(chance.randint(0, 4))]
    return {string(chance): value(chance, depth - 1) for _ in range(chance.randint(0, 4))}


def nested(chance: Random) -> Any:
    """Deep, within or beyond what is taken."""
    made: Any = scalar(chance)
    for _ in range(chance.choice((20, 60, 95, 99, 100, 101, 150))):
        made = [made] if chance.random() < 0.5 else {"a": made}
    return made


def spell(made: Any) -> bytes:
    """The JSON text, with its marks replaced."""
    text = json.dumps(made)
    if "@@raw" in text:
        for index, raw in enumerate(RAW):
            text = text.replace(f'"{MARK.format(index)}"', raw)
    return text.encode("utf-8", "surrogatepass")
