"""`chatme-assistant run` is the assistant as a process of its own, beside any homeserver; `chatme-assistant register` writes the registration that the
homeserver is given."""

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from appservices.assistant.arguments import add_words
from appservices.assistant.settings import BadSettings, Settings, load_settings

_ABOUT = "The assistant, as an application service of any Matrix homeserver."
_WRITTEN = """\
{file} is written. Give it to the homeserver (ChatMe: appservices.registrations, Synapse: app_service_config_files), start that anew,
then start the assistant: {program} run --config {config}
"""


def main(words: Sequence[str] | None = None, program: str = "chatme-assistant") -> int:
    arguments = add_words(argparse.ArgumentParser(prog=program, description=_ABOUT)).parse_args(words)
    try:
        act(arguments, program)
    except BadSettings as error:
        sys.stderr.write(f"{program}: {error}\n")
        return 2
    return 0


def act(arguments: argparse.Namespace, program: str) -> None:
    """Raises BadSettings."""
    if arguments.action == "register":
        _register(arguments.config, program)
    else:
        _run(load_settings(arguments.config))


def _register(config: Path, program: str) -> None:
    from appservices.assistant.registration import keep_registration
    from appservices.assistant.runtime import new_token

    settings = load_settings(config, needs_tokens=False)
    file = Path(settings.registration)
    keep_registration(file, settings.localpart, settings.url, new_token)
    sys.stdout.write(_WRITTEN.format(file=file, program=program, config=config))


def _run(settings: Settings) -> None:
    """Raises BadSettings."""
    from twisted.internet import reactor  # noqa: TID251
    from twisted.internet.defer import Deferred
    from twisted.internet.error import CannotListenError

    from appservices.assistant.build import Built
    from appservices.assistant.matrix.agent import AgentWeb
    from appservices.assistant.matrix.site import listen
    from appservices.assistant.runtime import MachineClock, MachineWorkers

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    machine: Any = reactor
    workers = MachineWorkers(machine.callFromThread, settings.threads)
    built = Built(settings, AgentWeb(machine), MachineClock(machine), workers)
    try:
        port = listen(built.door, machine, settings.listen_host, settings.listen_port)
    except CannotListenError as error:
        why = getattr(error.socketError, "strerror", None) or error.socketError
        raise BadSettings(f"assistant.listen_port: {settings.listen_host}:{settings.listen_port} cannot be had: {why}") from error
    built.begin()

    async def stop() -> None:
        await built.stop()
        await port.stopListening()

    machine.addSystemEventTrigger("before", "shutdown", lambda: Deferred.fromCoroutine(stop()))
    machine.addSystemEventTrigger("after", "shutdown", workers.stop)
    sys.stdout.write(f"{settings.user_id} listens at {settings.url}\n")
    sys.stdout.flush()
    machine.run()


if __name__ == "__main__":
    sys.exit(main())
