"""What the chat itself notices of its assistant: `python -m tests.bench.assistant` prints how long sending a message takes while the model is asked all
the time, and is fine, hangs, fails or floods; and without an assistant. The model is a process of its own, the assistant is inside the server.
"""

import argparse
import json
import multiprocessing
import tempfile
import threading
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import quantiles
from typing import Any
from urllib.parse import quote, urlsplit

from tests.assistant.running.model import Fails, Json, Model
from tests.assistant.running.places import NAME, Place, open_inside

ME = f"@assistant:{NAME}"
ASKERS = 8
ASK_SECONDS = 0.25  # of each of them


def fine(_: Json) -> Iterator[str]:
    for word in ("the ", "quick ", "brown ", "fox ") * 10:
        time.sleep(0.02)
        yield word


def hanging(_: Json) -> Iterator[str]:
    time.sleep(3600)
    yield ""


def failing(asked: Json) -> Iterator[str]:
    if asked:
        raise Fails(500)
    yield ""


def flooding(_: Json) -> Iterator[str]:
    while True:
        yield "x "


SCRIPTS = {"fine": fine, "hanging": hanging, "failing": failing, "flooding": flooding}
CASES = ("off", "not asked", *SCRIPTS)


def play(name: str, pipe: Connection) -> None:
    model = Model(SCRIPTS.get(name, fine))
    pipe.send(model.url)
    pipe.recv()


class Client:
    """One connection, one person."""

    def __init__(self, address: str, name: str) -> None:
        self._connection = HTTPConnection(urlsplit(address).netloc)
        self._token = ""
        self._sent = 0
        body = {"username": name, "password": "a long enough password", "auth": {"type": "m.login.dummy"}}
        self._token = self.ask("POST", "/_matrix/client/v3/register", body)["access_token"]

    def ask(self, method: str, path: str, body: Any) -> Any:
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {self._token}"} if self._token else {})
        self._connection.request(method, path, json.dumps(body), headers)
        answer = self._connection.getresponse()
        found = json.loads(answer.read())
        assert answer.status == 200, found
        return found

    def create(self, **more: Any) -> str:
        return str(self.ask("POST", "/_matrix/client/v3/createRoom", {"preset": "public_chat", **more})["room_id"])

    def say(self, room: str, text: str, **more: Any) -> None:
        self._sent += 1
        body = {"msgtype": "m.text", "body": text} | more
        self.ask("PUT", f"/_matrix/client/v3/rooms/{quote(room)}/send/m.room.message/{self._sent}", body)


def asks(address: str, number: int, stopped: threading.Event, *, quiet: bool) -> None:
    """A room of one's own with the assistant, and a question again and again."""
    client = Client(address, f"asker{number}")
    room = client.create(invite=[ME])
    time.sleep(0.5)
    client.say(room, "!ai on")
    while not stopped.wait(ASK_SECONDS):
        client.say(room, f"{ME} what is new?", **({} if quiet else {"m.mentions": {"user_ids": [ME]}}))


def measure(place: Place, count: int, *, asked: bool, quiet: bool) -> list[float]:
    """Milliseconds of each send, in a room with the assistant."""
    stopped = threading.Event()
    askers = [threading.Thread(target=asks, args=(place.address, number, stopped), kwargs={"quiet": quiet}) for number in range(ASKERS)]
    client = Client(place.address, "sender")
    room = client.create(invite=[ME] if asked else [])
    if asked:
        time.sleep(0.5)
        client.say(room, "!ai on")
    for asker in askers if asked else ():
        asker.start()
    time.sleep(3.0)
    took = []
    for number in range(count):
        began = time.perf_counter()
        client.say(room, f"message {number}")
        took.append((time.perf_counter() - began) * 1000)
        time.sleep(0.005)
    stopped.set()
    for asker in askers if asked else ():
        asker.join()
    return took


def run(case: str, count: int) -> str:
    ours, theirs = multiprocessing.Pipe()
    model = multiprocessing.Process(target=play, args=(case, theirs), daemon=True)
    model.start()
    url = ours.recv()
    told = [f"assistant.enabled={'false' if case == 'off' else 'true'}", f"assistant.model.base_url={url}", "assistant.model.name=x"]
    told += [
        "assistant.model.timeout_seconds=20",
        *(f"assistant.budgets.{who}_{when}_tokens=0" for who in ("user", "room", "server") for when in ("day", "month")),
    ]
    with tempfile.TemporaryDirectory() as folder, open_inside(Path(folder), _Told(), *told) as place:
        took = sorted(measure(place, count, asked=case != "off", quiet=case == "not asked"))
    model.terminate()
    marks = quantiles(took, n=100)
    return f"| {case} | {marks[49]:.2f} | {marks[94]:.2f} | {marks[98]:.2f} | {took[-1]:.2f} |"


class _Told(Model):
    """The model is elsewhere: the settings name it."""

    def __init__(self) -> None:
        self.requests = []

    @property
    def settings(self) -> list[str]:
        return []


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1000, help="messages in each case")
    parser.add_argument("cases", nargs="*", default=list(CASES), help=", ".join(CASES))
    given = parser.parse_args()
    print(
        f"{ASKERS} people ask every {ASK_SECONDS} s; {given.count} messages; milliseconds\n\n| model | p50 | p95 | p99 | longest |\n|---|---:|---:|---:|---:|"
    )
    for case in given.cases:
        print(run(case, given.count), flush=True)


if __name__ == "__main__":
    main()
