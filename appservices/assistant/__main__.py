"""`chatme-assistant settings.toml`: the assistant as a process of its own, beside any homeserver.

`chatme-assistant --registration settings.toml` writes the registration that the homeserver is given.
"""

import argparse
import logging
import sys
from pathlib import Path
from typing import Any

import yaml
from twisted.internet.defer import Deferred

from appservices.assistant.settings import BadSettings, Settings, load_settings


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="chatme-assistant", description="The assistant, as an application service of any Matrix homeserver."
    )
    parser.add_argument("settings", type=Path, help="a TOML file")
    parser.add_argument("--registration", action="store_true", help="write the registration for the homeserver, and end")
    arguments = parser.parse_args()
    try:
        settings = load_settings(arguments.settings)
    except BadSettings as error:
        sys.stderr.write(f"{error}\n")
        return 2
    if arguments.registration:
        sys.stdout.write(registration(settings))
        return 0
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    return _serve(settings)


def registration(settings: Settings) -> str:
    localpart = settings.user_id[1:].partition(":")[0]
    content = {
        "id": "chatme-assistant",
        "url": f"http://{settings.listen_host}:{settings.listen_port}",
        "as_token": settings.as_token,
        "hs_token": settings.hs_token,
        "sender_localpart": localpart,
        "rate_limited": False,
        "receive_ephemeral": True,
        "de.sorunome.msc2409.push_ephemeral": True,
        "namespaces": {"users": [{"exclusive": True, "regex": f"@{localpart}:.*"}], "aliases": [], "rooms": []},
    }
    return str(yaml.safe_dump(content, sort_keys=False))


def _serve(settings: Settings) -> int:
    from twisted.internet import reactor  # noqa: TID251

    from appservices.assistant.build import Built
    from appservices.assistant.runtime import MachineClock, MachineWorkers

    clock = MachineClock(reactor)
    workers = MachineWorkers(reactor, settings.model.concurrent + 2)
    built = Built(settings, reactor, clock, workers)
    built.listen()
    machine: Any = reactor

    async def start() -> None:
        while True:
            try:
                await built.start()
            except Exception as error:  # the homeserver may not be up yet
                logging.getLogger(__name__).warning("the homeserver cannot be used yet: %s", error)
                await clock.sleep(5.0)
            else:
                return

    Deferred.fromCoroutine(start())
    machine.addSystemEventTrigger("before", "shutdown", lambda: Deferred.fromCoroutine(built.stop()))
    machine.addSystemEventTrigger("after", "shutdown", workers.stop)
    machine.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
