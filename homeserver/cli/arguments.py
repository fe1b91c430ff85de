"""The words of the command line."""

import argparse
from typing import TypeAlias

from appservices.assistant.arguments import add_words
from homeserver.version import VERSION

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"

OFFER = "offer-administrator"  # what `serve` does in a terminal before its first start; not shown
ABOUT = "ChatMe, a Matrix homeserver."
MOST = 1_000_000  # days, uses or reports: a time that calendars know
EXAMPLES = """\
examples:
  chatme serve                                   a server at http://localhost:8008, its data in ./chatme-data
  chatme serve --set server.name=example.org     the same under its own name (chosen once, at the first start)
  chatme create-user alice --admin               an account, while the server runs or while it does not
  chatme issue-token --uses 5                    lets five people register by themselves

Settings stand in chatme-data/chatme.toml; `chatme generate-config` shows all of them. Each can be given as --set section.key=value or in
the environment as CHATME_SECTION__KEY=value.
"""


class _Shape(argparse.RawDescriptionHelpFormatter):
    """The words of the commands in one column, what they do in the next."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=30)
        self._action_max_length = 22  # argparse forgets the indent of subcommands when it measures them


def parser() -> argparse.ArgumentParser:
    whole = argparse.ArgumentParser(prog="chatme", description=ABOUT, epilog=EXAMPLES, formatter_class=_Shape)
    whole.add_argument("--version", action="version", version=f"ChatMe {VERSION}")
    commands = whole.add_subparsers(title="commands", metavar="COMMAND", dest="command", required=True)
    _running(commands)
    _people(commands)
    _tokens(commands)
    _media(commands)
    _reports(commands)
    _assistant(commands)
    copy = _command(commands, "copy-database", "put what the database holds into another, new one, while the server does not run")
    copy.add_argument("--to", metavar="URL", required=True, help="as database.url names it: postgresql://user@host/name, sqlite:///name")
    _command(commands, "rotate-signing-key", "sign with a new key from now on, and tell others that the old one has been retired")
    return whole


def _running(commands: Commands) -> None:
    _command(commands, "serve", "run the server until it is told to stop")
    _command(commands, "health", "ask the running server whether it answers")
    _command(commands, "check-config", "read the settings, say what is wrong with them, and start nothing")
    _places(commands.add_parser(OFFER))
    commands.add_parser(
        "generate-config", help="print the sample file: every setting with its default", description="Print the sample file."
    )


def _assistant(commands: Commands) -> None:
    about = "the assistant as a process of its own, beside any homeserver: `run` it, or `register` it"
    add_words(commands.add_parser("assistant", help=about, description=f"{about[0].upper()}{about[1:]}."))


def _people(commands: Commands) -> None:
    create = _command(commands, "create-user", "make an account")
    create.add_argument("name", metavar="NAME", help="the part of the user ID before the colon: alice")
    create.add_argument("--admin", action="store_true", help="may administer the server")
    create.add_argument("--display-name", metavar="TEXT", help="what others see; NAME otherwise")
    _password(create)
    reset = _command(commands, "reset-password", "give an account a new password")
    reset.add_argument("name", metavar="NAME")
    reset.add_argument("--keep-devices", action="store_true", help="leave the account's devices logged in")
    _password(reset)
    admin = _command(commands, "set-admin", "let an account administer the server, or no more")
    admin.add_argument("name", metavar="NAME")
    admin.add_argument("--no", action="store_true", help="no more")
    for name, about in (
        ("lock-user", "let nobody use an account, or let it be used again"),
        ("suspend-user", "let an account read, yet say nothing"),
    ):
        command = _command(commands, name, about)
        command.add_argument("name", metavar="NAME")
        command.add_argument("--no", action="store_true", help="no more")
    deactivate = _command(commands, "deactivate-user", "close an account for good")
    deactivate.add_argument("name", metavar="NAME")
    deactivate.add_argument("--erase", action="store_true", help="hide its messages from those who come later, too")
    _command(commands, "list-users", "show the accounts")
    notice = _command(commands, "send-notice", "tell people something, in a room of their own with the server")
    notice.add_argument("text", metavar="TEXT")
    receivers = notice.add_mutually_exclusive_group(required=True)
    receivers.add_argument("--to", metavar="NAME", help="one account")
    receivers.add_argument("--all", action="store_true", help="every account of a person")


def _tokens(commands: Commands) -> None:
    issue = _command(commands, "issue-token", "make a registration token, with which people register by themselves")
    issue.add_argument("--uses", type=_count, metavar="N", help="how many accounts it is good for; without end otherwise")
    issue.add_argument("--days", type=_count, metavar="N", help="for how long; without end otherwise")
    issue.add_argument("--token", metavar="TEXT", help="the token itself; made up otherwise")
    _command(commands, "list-tokens", "show the registration tokens")
    revoke = _command(commands, "revoke-token", "take a registration token back")
    revoke.add_argument("token", metavar="TOKEN")


def _media(commands: Commands) -> None:
    listing = _command(commands, "list-media", "show what an account has uploaded")
    listing.add_argument("name", metavar="NAME")
    for name, about in (
        ("quarantine-media", "serve a file to nobody any more, or serve it again"),
        ("delete-media", "remove a file for good"),
    ):
        command = _command(commands, name, about)
        which = command.add_mutually_exclusive_group(required=True)
        which.add_argument("address", metavar="MXC", nargs="?", help="mxc://example.org/AbCd")
        which.add_argument("--of", metavar="NAME", help="everything that this account has uploaded")
        if name == "quarantine-media":
            command.add_argument("--no", action="store_true", help="serve it again")


def _reports(commands: Commands) -> None:
    listing = _command(commands, "list-reports", "show what people have reported, the latest first")
    listing.add_argument("--all", action="store_true", help="those that are closed, too")
    close = _command(commands, "close-report", "take a report that has been dealt with off the list")
    close.add_argument("number", metavar="NUMBER", type=_count, help="as list-reports shows it")


def _command(commands: Commands, name: str, about: str) -> argparse.ArgumentParser:
    command = commands.add_parser(name, help=about, description=f"{about[0].upper()}{about[1:]}.")
    _places(command)
    return command


def _places(command: argparse.ArgumentParser) -> None:
    places = command.add_argument_group("which server")
    places.add_argument("--data", metavar="DIR", help="folder of keys, data and chatme.toml (./chatme-data, or that of --config)")
    places.add_argument("--config", metavar="FILE", help="settings (chatme.toml in the data folder)")
    places.add_argument("--set", metavar="SECTION.KEY=VALUE", action="append", default=[], dest="settings", help="one setting; repeatable")


def _password(command: argparse.ArgumentParser) -> None:
    command.add_argument("--password-stdin", action="store_true", help="read the password from standard input (asked for otherwise)")


def _count(text: str) -> int:
    if not text.isdecimal() or len(text) > len(str(MOST)) or not 1 <= int(text) <= MOST:
        raise argparse.ArgumentTypeError(f"must be a whole number from 1 to {MOST}, not “{text}”")
    return int(text)
