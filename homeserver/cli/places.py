"""Where the settings of this call are: the file, made at the first start, the environment and the command line."""

import argparse
import os
from pathlib import Path

from config.load import ConfigError, load
from config.settings import Config

DATA = "chatme-data"
FILE = "chatme.toml"
FIRST_FILE = """\
# The settings of this ChatMe that differ from the defaults. `chatme generate-config` shows all there are.

[server]
# The part after the colon in user IDs. It cannot be changed once there are accounts.
name = "{name}"
"""


def settings(arguments: argparse.Namespace) -> Config:
    """Raises ConfigError."""
    file = _file(arguments)
    base = Path(arguments.data) if arguments.data else file.parent
    there = file if arguments.config or file.exists() else None
    return load(there, base=base, environment=os.environ, settings=arguments.settings)


def words(arguments: argparse.Namespace, *, settings: bool = True) -> list[str]:
    """The words that lead another call to the same server."""
    found = [f"--{name}={value}" for name in ("data", "config") if (value := getattr(arguments, name))]
    return found + [f"--set={setting}" for setting in arguments.settings if settings]


def write_first_file(arguments: argparse.Namespace, config: Config) -> bool:
    """At the first start, with the name this server was given. False: there is a file."""
    file = _file(arguments)
    if arguments.config or file.exists():
        return False
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)  # passwords may be written into it
        with os.fdopen(descriptor, "w", encoding="utf-8") as out:
            out.write(FIRST_FILE.format(name=config.server.name))
    except OSError as error:
        raise ConfigError(f"{file}: cannot be written: {error.strerror}") from error
    return True


def sample() -> str:
    from importlib.resources import files

    return files("config").joinpath("sample.toml").read_text("utf-8")


def _file(arguments: argparse.Namespace) -> Path:
    return Path(arguments.config) if arguments.config else Path(arguments.data or DATA) / FILE
