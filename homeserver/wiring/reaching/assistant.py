"""The assistant in this process. It stays an application service like any other: transactions come to its door, and what it wants it asks by HTTP, at a
port on loopback that is open for it alone. Loaded only where it is switched on."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from prometheus_client import CollectorRegistry

from appservices.assistant.build import Built
from appservices.assistant.matrix import web
from appservices.assistant.matrix.errors import Unreachable
from appservices.assistant.registration import keep_registration, read_tokens
from appservices.assistant.runtime import MachineWorkers
from appservices.assistant.settings import BadSettings, Settings, with_key
from appservices.errors import CannotReach
from appservices.http import PoolTransport
from appservices.transport import Answer, Transport
from config.assistant.section import Assistant
from config.secret import Secret
from config.settings import Config
from config.shape import is_section
from homeserver.clock import Chance, Clock
from homeserver.start_up import CannotStart
from homeserver.web.outgoing.https_pool import HttpsPool

INSIDE: Final = "http://assistant.invalid"  # a name that leads nowhere (RFC 2606): nothing is to go out by mistake


def own_registration(section: Assistant, chance: Chance) -> str:
    """The file, made at the first start. Raises CannotStart."""
    try:
        keep_registration(Path(section.registration), section.localpart, INSIDE, chance.token)
    except BadSettings as error:
        raise CannotStart(f"assistant.registration: {error}") from error
    return section.registration


class Tenant:
    """The assistant, from before the server is built until after it has ended."""

    def __init__(self, config: Config, loop: Any, clock: Clock, others: Transport) -> None:
        self._config = config
        self._loop = loop
        self._clock = clock
        self.transport = _Indoors(others)
        self._built: Built | None = None
        self._workers: MachineWorkers | None = None

    def move_in(self, registry: CollectorRegistry) -> None:
        """After the registration is there. Raises CannotStart."""
        pool = HttpsPool(self._loop, self._clock, permits=lambda _: True, authorities=None)
        try:
            settings = as_settings(self._config)
            self._workers = MachineWorkers(self._loop.call_soon_threadsafe, settings.threads)
            self._built = Built(settings, _OwnWeb(PoolTransport(pool, self._clock, web.MOST_BYTES)), self._clock, self._workers, registry)
        except BadSettings as error:
            raise CannotStart(str(error)) from error
        self.transport.built = self._built

    def begin(self, port: int) -> None:
        """Its own door to the server is open."""
        if self._built is not None:
            self._built.homeserver.move(f"http://127.0.0.1:{port}")
            self._built.begin()

    async def stop(self) -> None:
        if self._built is not None:
            await self._built.stop()
        if self._workers is not None:
            self._workers.stop()


def as_settings(config: Config) -> Settings:
    """What the assistant calls the same by the same name. Raises BadSettings."""
    section = config.assistant
    given = _given(section)
    given |= {"user_id": f"@{section.localpart}:{config.server.name}", "homeserver_url": ""}
    as_token, hs_token = read_tokens(Path(section.registration))
    settings: Settings = _fill(Settings, given | {"as_token": as_token, "hs_token": hs_token})
    return dataclasses.replace(settings, model=with_key(settings.model, Path()))


def _given(section: Any) -> dict[str, Any]:
    given: dict[str, Any] = section._asdict()
    return given


def _fill(kind: Any, given: Mapping[str, Any]) -> Any:
    values = {}
    for field in dataclasses.fields(kind):
        if field.name in given:
            value = given[field.name]
            if is_section(value):
                value = _fill(type(field.default), _given(value))
            values[field.name] = value.reveal() if isinstance(value, Secret) else value
    return kind(**values)


class _Indoors:
    """The way to application services, where one of them is in the house."""

    def __init__(self, others: Transport) -> None:
        self._others = others
        self.built: Built | None = None

    async def request(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, *, seconds: float) -> Answer:
        if not url.startswith(f"{INSIDE}/"):
            return await self._others.request(method, url, headers, body, seconds=seconds)
        if self.built is None:
            raise CannotReach("the assistant is not there")
        said = await self.built.door.answer(method, urlsplit(url).path, headers.get("Authorization", ""), body or b"")
        return Answer(said.status, said.body)

    def close(self) -> None:
        self._others.close()


class _OwnWeb:
    """Fills `appservices.assistant.matrix.web.Web` with the server's own connections."""

    def __init__(self, transport: PoolTransport) -> None:
        self._transport = transport

    async def request(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, *, seconds: float) -> web.Answer:
        try:
            answer = await self._transport.request(method, url, headers, body, seconds=seconds)
        except CannotReach as error:
            raise Unreachable(str(error)) from error
        if len(answer.body) >= web.MOST_BYTES:
            raise Unreachable("more than anybody should answer")
        return web.Answer(answer.status, answer.body)

    async def close(self) -> None:
        self._transport.close()
