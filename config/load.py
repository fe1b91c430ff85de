"""Reads the settings: the file, then the environment, then the command line; the later one wins. Whatever is wrong is named where it stands."""

import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, get_type_hints

from config.check import contradictions
from config.lines import find_line
from config.settings import Config
from config.shape import Problem, build, check, describe, is_section, more_of

PREFIX = "CHATME_"
Tree = dict[str, Any]


class ConfigError(Exception):
    """What is wrong with the settings, a line each, in words for the person who wrote them."""


class Layer(NamedTuple):
    """Settings from one source, and how to tell where in it one stands."""

    tree: Tree
    place: Callable[[tuple[str, ...]], str]


def load(file: Path | None = None, *, base: Path, environment: Mapping[str, str], settings: Sequence[str] = ()) -> Config:
    """All settings. `base`: the folder that a relative data directory counts from; `settings`: words of the form section.key=value."""
    schema = describe(Config)
    layers = [read_file(file)] if file else []
    layers += [_single(f"environment, {name}", _keys(name), value, schema) for name, value in sorted(environment.items()) if _is_ours(name)]
    layers += [_argument(word, schema) for word in settings]
    _refuse([*_misspelt(environment, schema), *_placed(layers, (problem for layer in layers for problem in check(layer.tree, schema)))])
    merged: Tree = {}
    for layer in layers:
        _merge(merged, layer.tree)
    config = build(Config, merged)
    _refuse(_placed(layers, contradictions(config)))
    data = (base / config.server.data_directory).absolute()
    server = _rooted(config.server, data, data_directory=str(data))
    rooted: Config = _rooted(config, data, server=server)
    return rooted


def read_file(file: Path) -> Layer:
    try:
        text = file.read_text("utf-8")
        tree = tomllib.loads(text)
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: is no valid TOML: {error}") from error

    def place(path: tuple[str, ...]) -> str:
        line = find_line(text, path)
        return f"{file}, line {line}" if line else str(file)

    return Layer(tree, place)


def _is_ours(name: str) -> bool:
    return name.startswith(PREFIX) and "__" in name


def _misspelt(environment: Mapping[str, str], schema: Tree) -> Iterator[str]:
    """A single underscore where two are due would leave the default in force, unnoticed."""
    meant = {PREFIX + "_".join(path).upper(): PREFIX + "__".join(path).upper() for path in _paths(schema)}
    yield from (f"environment, {name}: is no setting; did you mean {meant[name]}?" for name in sorted(environment) if name in meant)


def _paths(schema: Tree) -> Iterator[tuple[str, ...]]:
    for name, inner in schema["properties"].items():
        yield from ((name, *path) for path in _paths(inner)) if inner["type"] == "object" else [(name,)]


def _keys(name: str) -> list[str]:
    return [part.lower() for part in name.removeprefix(PREFIX).split("__")]


def _argument(word: str, schema: Tree) -> Layer:
    name, equals, value = word.partition("=")
    if not equals or "." not in name:
        raise ConfigError(f"--set {word}: must be of the form section.key=value")
    return _single(f"--set {name}", name.strip().split("."), value, schema)


def _single(label: str, keys: list[str], text: str, schema: Tree) -> Layer:
    """One setting given as text."""
    known: Tree | None = schema
    for key in keys:
        known = known.get("properties", {}).get(key) if known else None
    tree: Any = _value(text, known or {})
    for key in reversed(keys):
        tree = {key: tree}
    return Layer(tree, lambda _path: label)


def _value(text: str, schema: Tree) -> Any:
    """Text as the type wants it: words need no quotes, a list of words may be parted by commas."""
    kind = schema.get("type", "string")
    quoted = len(text) > 1 and text[0] == text[-1] and text[0] in "\"'"
    if kind == "string" and not quoted:
        return text
    if kind == "array" and not text.lstrip().startswith("["):
        return [part.strip() for part in text.split(",") if part.strip()]
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _merge(into: Tree, tree: Tree) -> None:
    for key, value in tree.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            _merge(into[key], value)
        else:
            into[key] = dict(value) if isinstance(value, dict) else value


def _placed(layers: list[Layer], problems: Iterator[Problem]) -> list[str]:
    """Each problem with the place of the layer that has the last word on it."""
    lines = []
    for problem in problems:
        holders = [layer for layer in layers if _holds(layer.tree, problem.path)] or layers[:1]
        where = f"{holders[-1].place(problem.path)}: " if holders else ""
        lines.append(f"{where}{'.'.join(problem.path)} {problem.message}")
    return list(dict.fromkeys(lines))


def _holds(tree: Any, path: tuple[str, ...]) -> bool:
    for key in path:
        if isinstance(tree, list):
            return True
        if not isinstance(tree, dict) or key not in tree:
            return False
        tree = tree[key]
    return True


def _refuse(lines: list[str]) -> None:
    if lines:
        raise ConfigError("\n".join(lines))


def _rooted(section: Any, root: Path, **known: Any) -> Any:
    """The section with its relative paths made absolute, and so those of its sections."""
    changed: dict[str, Any] = dict(known)
    for name, hint in get_type_hints(type(section), include_extras=True).items():
        value = getattr(section, name)
        if is_section(value):
            changed.setdefault(name, _rooted(value, root))
        elif more_of(hint).get("path") and value:
            rooted = tuple(str(root / one) for one in value) if isinstance(value, tuple) else str(root / value)
            changed.setdefault(name, rooted)
    return section._replace(**changed)
