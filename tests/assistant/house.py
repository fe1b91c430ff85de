"""Homeserver, model and assistant, each behind its own port."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
from treq.client import HTTPClient
from twisted.internet.defer import Deferred
from twisted.web.client import Agent, HTTPConnectionPool

from appservices.assistant.build import Built
from appservices.assistant.matrix.agent import AgentWeb, Body
from appservices.assistant.matrix.site import listen as open_door
from appservices.assistant.runtime import MachineWorkers
from appservices.assistant.settings import Budgets, Model, Settings
from tests.assistant.homeserver import ME, FakeHomeserver, Json, Room, listen
from tests.assistant.loop import PATIENCE_SECONDS, Loop, MovedClock
from tests.assistant.scripted_model import Say, ScriptedModel

ALICE, BOB, CAROL = "@alice:test", "@bob:test", "@carol:test"


class House:
    def __init__(self, loop: Loop, folder: Path, **settings: Any) -> None:
        self.loop = loop
        self.reactor = loop.reactor
        self.clock = MovedClock(self.reactor)
        self.hs = FakeHomeserver()
        self.hs.now_ms = self.clock.now_ms
        self.model = ScriptedModel(self.reactor)
        self._ports = [listen(self.reactor, self.hs), listen(self.reactor, self.model)]
        hs_port, model_port = (port.getHost().port for port in self._ports)
        has_model = settings.pop("has_model", True)
        model = Model(
            base_url=f"http://127.0.0.1:{model_port}/v1" if has_model else "",
            name="scripted",
            provider="the tests",
            where="here",
            api_key="sk-key",
        )
        self.settings = Settings(
            homeserver_url=f"http://127.0.0.1:{hs_port}",
            user_id=ME,
            as_token="as-token",
            hs_token="hs-token",
            listen_port=0,
            database=str(folder / "assistant.db"),
            model=replace(model, **settings.pop("model", {})),
            budgets=settings.pop("budgets", Budgets()),
            **{"turns_a_minute": 1000, **settings},
        )
        self.workers = MachineWorkers(self.reactor.callFromThread, 8)
        self._pool = HTTPConnectionPool(self.reactor, persistent=False)
        self._http = HTTPClient(Agent(self.reactor, pool=self._pool))
        self._txn = 0
        self.unsent: tuple[str, list[Json]] | None = None
        self.start()

    def start(self) -> None:
        self.built = Built(self.settings, AgentWeb(self.reactor), self.clock, self.workers)
        self._door = open_door(self.built.door, self.reactor, "127.0.0.1", 0)
        self.port = self._door.getHost().port
        self.loop.run(self.built.start())

    def stop(self) -> None:
        self.loop.run(_ended(self._door.stopListening()))
        self.loop.run(self.built.stop())

    def close(self) -> None:
        for pending in self.model.pending:
            if pending.channel is not None:
                pending.channel.loseConnection()
        self.stop()
        for port in self._ports:
            self.loop.run(_ended(port.stopListening()))
        self.loop.turn(0.05)
        self.workers.stop()

    async def push(self, token: str = "hs-token", txn: str | None = None, events: list[Json] | None = None, **more: Any) -> int:
        """One transaction; what is in the outbox, unless said otherwise."""
        if events is None:
            events, self.hs.outbox = self.hs.outbox, []
        if txn is None:
            self._txn += 1
            txn = f"t{self._txn}"
        headers: dict[bytes | str, bytes | str] = {"Authorization": f"Bearer {token}"}
        response = await self._http.request(
            "PUT",
            f"http://127.0.0.1:{self.port}/_matrix/app/v1/transactions/{txn}",
            headers=headers,
            data=Body(orjson.dumps({"events": events} | more)),
            reactor=self.reactor,
        )
        await response.content()
        return int(response.code)

    async def get(self, path: str) -> bytes:
        response = await self._http.request("GET", f"http://127.0.0.1:{self.port}{path}", reactor=self.reactor)
        return await response.content()

    def settle(self, seconds: float = PATIENCE_SECONDS) -> None:
        """Everything that people said is brought, and everything that follows has been done."""
        while self.hs.outbox:
            assert self.loop.run(self.push()) == 200
            self.loop.until(self.built.assistant.is_idle, seconds)

    def deliver(self) -> None:
        """Brought, and not waited for."""
        assert self.loop.run(self.push()) == 200

    def room(self, *people: str, on: bool = True, **more: Any) -> Room:
        """Of Alice, who has the power; the assistant is in it."""
        room = self.hs.create(ALICE, *people, **more)
        self.hs.invite_assistant(room.id, ALICE)
        self.settle()
        if on:
            self.hs.say(room.id, ALICE, "!ai on")
            self.settle()
        return room

    def texts(self, room: Room) -> list[str]:
        """What the assistant's messages say now: edits applied, greetings left out."""
        found: dict[str, str] = {}
        for event in room.by(ME):
            content = event["content"]
            if "chat.chatme.turn" not in content or content["chat.chatme.turn"]["key"] in ("on", "off"):
                continue
            if content.get("m.relates_to", {}).get("rel_type") == "m.replace":
                found[content["m.relates_to"]["event_id"]] = content["m.new_content"]["body"]
            else:
                found[event["event_id"]] = content["body"]
        return list(found.values())

    def says(self, *answers: Say | str) -> None:
        """One after the other; the last one again and again."""
        queue = [Say(each) if isinstance(each, str) else each for each in answers]
        self.model.answer = lambda _: queue.pop(0) if len(queue) > 1 else queue[0]


async def _ended(waiting: Any) -> None:
    if isinstance(waiting, Deferred):
        await waiting
