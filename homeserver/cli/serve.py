"""`chatme serve`: first start, first administrator, then the server until it is told to stop."""

import argparse
import gc
import subprocess
import sys
from typing import TYPE_CHECKING

from config.settings import Config
from homeserver.cli import places
from homeserver.cli.command import first_words
from homeserver.cli.failed import Failed
from homeserver.start_up import CannotStart, DataDirectory
from homeserver.version import VERSION

if TYPE_CHECKING:
    from homeserver.main import Server


def serve(arguments: argparse.Namespace) -> None:
    config = places.settings(arguments)
    try:
        data = DataDirectory(config.server.data_directory)
        if places.write_first_file(arguments, config):
            print(f"A new server, {config.server.name}: its settings, keys and data are in {data.path}.", file=sys.stderr)
        if sys.stdin.isatty() and sys.stderr.isatty():
            _offer_administrator(arguments)
        data.hold()
        _run(arguments, config)
    except CannotStart as error:
        raise Failed(str(error)) from error


def _offer_administrator(arguments: argparse.Namespace) -> None:
    """In a process of its own, since a reactor runs once."""
    words = [sys.executable, "-m", "homeserver", "offer-administrator", *places.words(arguments)]
    subprocess.run(words, check=False)  # noqa: S603 - our own command with the words of this one


def _run(arguments: argparse.Namespace, config: Config) -> None:
    gc.disable()  # `upkeep.heap` begins when the server stands
    from homeserver.main import run
    from storage.database import CannotOpen

    async def ready(server: "Server") -> None:
        print(f"ChatMe {VERSION} serves {config.server.name} at {' and '.join(server.addresses)}", flush=True)
        if not await server.commands.has_accounts():
            print(f"There are no accounts yet: {first_words(arguments)} makes the first administrator.", file=sys.stderr, flush=True)

    try:
        run(config, ready)
    except CannotOpen as error:
        raise Failed(str(error)) from error
