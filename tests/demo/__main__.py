"""`python -m tests.demo`: plays the story in the terminal, then leaves the server running for any client until Ctrl-C. `--once` ends it after the story."""

import argparse
import asyncio
import signal
import sys
import tempfile
from pathlib import Path

from tests.assistant.running.model import Model
from tests.assistant.running.people import Table
from tests.demo.screen import heading
from tests.demo.script import script
from tests.demo.story import PASSWORD, Story
from tests.running.process import CHATME, Running

NAME = "demo.localhost"


def main() -> None:
    parser = argparse.ArgumentParser(prog="make demo", description="A server, its assistant and a room, on this machine alone.")
    parser.add_argument("--once", action="store_true", help="end after the story")
    parser.add_argument("--port", type=int, default=8008, help="of the server (8008; 0: any free one)")
    given = parser.parse_args()
    model = Model(script)
    with tempfile.TemporaryDirectory(prefix="chatme-demo-") as name:
        folder = Path(name)
        with Running(words(folder, given.port, model), folder) as server:
            room = asyncio.run(play(server.address))
            if not given.once:
                stay(server.address, room)
    model.close()


def words(folder: Path, port: int, model: Model) -> list[str]:
    settings = [
        f"server.name={NAME}",
        f"listeners.client.port={port}",
        "logging.requests=false",
        "registration.enabled=true",
        "registration.requires_token=false",
        "rate_limits.enabled=false",
        "assistant.enabled=true",
        "assistant.model.provider=this demonstration",
        f"assistant.model.base_url={model.url}",
        "assistant.model.name=scripted",
    ]
    return [CHATME, "serve", "--data", str(folder / "data"), *(word for setting in settings for word in ("--set", setting))]


async def play(address: str) -> str:
    async with Table(address) as table:
        story = Story(table, f"@assistant:{NAME}")
        await story.tell()
        return story.room


def stay(address: str, room: str) -> None:
    heading("your turn")
    sys.stdout.write(
        f"Choose “Sign in” in any Matrix client, with the homeserver {address}, name nora, password “{PASSWORD}”\n"
        f"(anna and ben have the same). The room is “The boat”; say `!ai help` there. Ctrl-C ends it all, and nothing is kept.\n"
    )
    sys.stdout.flush()
    try:
        signal.pause()
    except KeyboardInterrupt:
        sys.stdout.write("\n")


if __name__ == "__main__":
    main()
