"""From the words to the deed. Whatever goes wrong for a reason a person can mend is one line on standard error."""

import gc
import os
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from config.load import ConfigError
from homeserver.cli import places
from homeserver.cli.arguments import OFFER, parser
from homeserver.cli.failed import Failed

if TYPE_CHECKING:
    import argparse

FAILED = 1


def run(words: Sequence[str]) -> int:
    """The exit code."""
    arguments = parser().parse_args(words)
    os.umask(0o077)  # keys, tokens and messages are for this user alone
    try:
        _deed(arguments.command)(arguments)
    except (ConfigError, Failed) as error:
        for line in str(error).splitlines():
            print(f"chatme: {line}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print(file=sys.stderr)
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return FAILED
    except OSError as error:  # a folder that may not be looked into, a disk that is full
        print(f"chatme: {f'{error.filename}: ' if error.filename else ''}{error.strerror or error}", file=sys.stderr)
        return FAILED
    return 0


def _deed(command: str) -> Callable[["argparse.Namespace"], None]:
    if command == "serve":
        from homeserver.cli.serve import serve

        return serve
    gc.enable()  # `upkeep.heap` is for the server alone
    if command == "health":
        from homeserver.cli.health import health

        return health
    if command == "assistant":
        return _assistant
    if command == "check-config":
        return _check_config
    if command == "generate-config":
        return _generate_config
    if command == "copy-database":
        from homeserver.cli.copy import copy_database

        return copy_database
    from homeserver.cli.command import carry_out, offer_administrator

    return offer_administrator if command == OFFER else carry_out


def _assistant(arguments: "argparse.Namespace") -> None:
    from appservices.assistant.__main__ import act
    from appservices.assistant.settings import BadSettings

    try:
        act(arguments, "chatme assistant")
    except BadSettings as error:
        raise Failed(str(error)) from error


def _check_config(arguments: "argparse.Namespace") -> None:
    config = places.settings(arguments)
    print(f"The settings of {config.server.name} are in order.")


def _generate_config(_: "argparse.Namespace") -> None:
    print(places.sample(), end="")
