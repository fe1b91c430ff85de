"""Changing what was right: in the value, then in its bytes."""

from random import Random
from typing import Any

from tests.fuzz import values

SNIPPETS = (
    b"\x00", b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xef\xbb\xbf", b"\\u0000", b"\\ud800", b"\\ud83d\\ude00", b",", b",,", b"}", b"]",
    b'"', b"\\", b"{", b"[", b"null", b"1e999", b'"a":1,"a":2,', b"//", b"\r\n", b" ", b"\x0b", b"[" * 200, b'{"a":' * 200, b"9" * 50,
)  # fmt: skip


def mutate(made: Any, chance: Random) -> Any:
    """One change somewhere in the value (which is changed in place where it can be)."""
    if isinstance(made, dict) and made and chance.random() < 0.9:
        key = chance.choice(list(made))
        kind = chance.random()
        if kind < 0.15:
            del made[key]
        elif kind < 0.25:
            made[values.string(chance)] = made[key]
        elif kind < 0.35:
            made[values.string(chance)] = values.value(chance)
        elif kind < 0.65:
            made[key] = _instead(made[key], chance)
        else:
            made[key] = mutate(made[key], chance)
        return made
    if isinstance(made, list) and made and chance.random() < 0.8:
        index = chance.randrange(len(made))
        kind = chance.random()
        if kind < 0.2:
            made.extend([made[index]] * chance.choice((1, 2, 50)))
        elif kind < 0.5:
            made[index] = _instead(made[index], chance)
        else:
            made[index] = mutate(made[index], chance)
        return made
    return _instead(made, chance)


def _instead(made: Any, chance: Random) -> Any:
    kind = chance.random()
    if kind < 0.05:
        return values.nested(chance)
    if kind < 0.15:
        return [made]
    if kind < 0.2:
        return {"a": made}
    if type(made) is int and kind < 0.5:
        return chance.choice((float(made), made + 0.5, str(made), -made, made * 10**15))
    if isinstance(made, str) and kind < 0.5:
        return chance.choice(
            (made + "\x00", made * 2, made.upper(), made[:-1], "\ud800" + made, made + values.string(chance), values.string(chance))
        )
    return values.value(chance, 2)


def mutate_bytes(data: bytes, chance: Random) -> bytes:
    """A few bytes cut, put in, or put elsewhere."""
    for _ in range(chance.randint(1, 4)):
        at, until = sorted((chance.randint(0, len(data)), chance.randint(0, len(data))))
        kind = chance.random()
        if kind < 0.4:
            data = data[:at] + chance.choice(SNIPPETS) + data[at:]
        elif kind < 0.6:
            data = data[:at] + bytes((chance.randrange(256),)) + data[at + 1 :]
        elif kind < 0.75:
            data = data[:at] + data[min(until, at + 8) :]
        elif kind < 0.85:
            data = data[:until] + data[at:]
        else:
            data = data[:at]
    return data
