"""Commands about people and tokens: brought to the running server, or carried out on its data where none runs."""

import argparse
import getpass
import os
import shlex
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from config.settings import Config
from homeserver.cli import places
from homeserver.cli.failed import Failed
from homeserver.control.ask import ask
from homeserver.control.errors import NoAnswer, NobodyThere, Refused
from homeserver.start_up import CannotStart, DataDirectory

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from homeserver.main import Server

NOT_ARGUMENTS = frozenset({"command", "config", "data", "password_stdin", "settings"})


def carry_out(arguments: argparse.Namespace) -> None:
    config = places.settings(arguments)
    if not Path(config.server.data_directory).is_dir():
        raise Failed(f"there is no ChatMe in {config.server.data_directory}: `chatme serve` makes one, --data names another folder")
    values = {name: value for name, value in vars(arguments).items() if name not in NOT_ARGUMENTS}
    if "password_stdin" in arguments:
        values["password"] = _password(arguments)
    _check_text(values)
    for line in _answer(config, arguments.command, values):
        print(line)


def _check_text(values: dict[str, Any]) -> None:
    """The terminal may be of another encoding; what is not understood comes as single surrogates."""
    for name, value in values.items():
        if isinstance(value, str) and any("\ud800" <= character <= "\udfff" for character in value):
            raise Failed(f"the {name.replace('_', ' ')} is no text in UTF-8")


def offer_administrator(arguments: argparse.Namespace) -> None:
    """In the terminal, before the first start, where there are no accounts yet."""

    async def offer(server: "Server") -> list[str]:
        if await server.commands.has_accounts():
            return []
        values = _asked_administrator()
        return await server.commands.run("create-user", values) if values else []

    for line in _locally(places.settings(arguments), offer):
        print(line, file=sys.stderr)


def first_words(arguments: argparse.Namespace) -> str:
    """The command that makes the first administrator of this server."""
    program = "chatme"
    if Path(sys.argv[0]).name == program and shutil.which(program) != sys.argv[0]:
        program = min(os.path.relpath(sys.argv[0]), sys.argv[0], key=len)
    return f"`{program} create-user NAME --admin{''.join(f' {shlex.quote(word)}' for word in places.words(arguments, settings=False))}`"


def _answer(config: Config, command: str, values: dict[str, Any]) -> list[str]:
    try:
        answer = ask(config.server.data_directory, command, values)
    except NobodyThere:
        return _locally(config, lambda server: server.commands.run(command, values))
    except NoAnswer as error:
        raise Failed(str(error)) from error
    if "refused" in answer:
        raise Failed(answer["refused"])
    lines: list[str] = answer["result"]
    return lines


def _locally(config: Config, question: "Callable[[Server], Awaitable[list[str]]]") -> list[str]:
    try:
        data = DataDirectory(config.server.data_directory)
        data.hold()
    except CannotStart as error:
        raise Failed(str(error)) from error
    from homeserver.main import offline
    from storage.database import CannotOpen

    try:
        return offline(config, question)
    except (CannotStart, CannotOpen, Refused) as error:
        raise Failed(str(error)) from error
    finally:
        data.release()


def _password(arguments: argparse.Namespace) -> str:
    if arguments.password_stdin:
        try:
            return sys.stdin.readline().rstrip("\r\n")
        except UnicodeDecodeError as error:
            raise Failed("the password is no text in UTF-8") from error
    if not sys.stdin.isatty():
        raise Failed("there is no terminal to ask for the password: give it to standard input and say --password-stdin")
    return _asked_password()


def _asked_password() -> str:
    try:
        password = getpass.getpass("Password: ")
        again = getpass.getpass("The same again: ")
    except EOFError as error:
        print(file=sys.stderr)
        raise Failed("no password was given") from error
    if again != password:
        raise Failed("these were two different passwords")
    return password


def _asked_administrator() -> dict[str, Any] | None:
    print("There are no accounts yet. Make the first administrator now?", file=sys.stderr)
    print("Name (empty: not now): ", end="", file=sys.stderr, flush=True)
    name = sys.stdin.readline().strip()  # nothing at its end
    return {"name": name, "admin": True, "display_name": None, "password": _asked_password()} if name else None
