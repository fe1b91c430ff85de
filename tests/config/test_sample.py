"""The sample file holds every setting, with its default."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

import config
from config.load import load
from config.settings import Config
from config.shape import describe

SAMPLE = Path(config.__file__).parent / "sample.toml"


def names(schema: dict[str, Any], path: str = "") -> set[str]:
    if schema["type"] != "object":
        return {path}
    return {found for name, inner in schema["properties"].items() for found in names(inner, f"{path}.{name}" if path else name)}


def given(tree: Any, path: str = "") -> set[str]:
    if not isinstance(tree, dict):
        return {path}
    return {found for name, inner in tree.items() for found in given(inner, f"{path}.{name}" if path else name)}


def test_every_setting_stands_in_the_sample_and_no_other() -> None:
    assert given(tomllib.loads(SAMPLE.read_text())) == names(describe(Config))


def test_the_sample_holds_the_defaults(tmp_path: Path) -> None:
    assert load(SAMPLE, base=tmp_path, environment={}) == load(None, base=tmp_path, environment={})


def test_every_setting_can_be_given_on_the_command_line_and_by_the_environment(tmp_path: Path) -> None:
    words = {path: _word(_get(tomllib.loads(SAMPLE.read_text()), path)) for path in names(describe(Config))}
    defaults = load(None, base=tmp_path, environment={})
    assert load(None, base=tmp_path, environment={}, settings=[f"{path}={word}" for path, word in words.items()]) == defaults
    environment = {f"CHATME_{path.upper().replace('.', '__')}": word for path, word in words.items()}
    assert load(None, base=tmp_path, environment=environment) == defaults


def test_the_commented_blocks_of_the_sample_are_right(tmp_path: Path) -> None:
    """What stands behind `# [[` works when its comment signs are taken away."""
    lines = SAMPLE.read_text().splitlines()
    blocks: list[str] = []
    for number, line in enumerate(lines):
        if line.startswith("# [["):
            end = next(at for at in range(number, len(lines)) if not lines[at].startswith("#"))
            blocks += [text.removeprefix("# ") for text in lines[number:end]]
    file = tmp_path / "blocks.toml"
    file.write_text("\n".join(blocks))
    loaded = load(file, base=tmp_path, environment={})
    assert len(loaded.registration.terms) == len(loaded.support.contacts) == 1


def test_settings_are_frozen() -> None:
    for section in Config():
        with pytest.raises(AttributeError):
            setattr(section, section._fields[0], None)


def _get(tree: Any, path: str) -> Any:
    for key in path.split("."):
        tree = tree[key]
    return tree


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value).replace("'", '"') if isinstance(value, list) else str(value)
