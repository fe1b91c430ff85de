"""matrix-nio's client as the stories use it: many people at one table, answers that must be of the kind asked for."""

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Any, Protocol, TypeVar

from nio import (
    AsyncClient,
    AsyncClientConfig,
    KeysClaimResponse,
    KeysQueryResponse,
    KeysUploadResponse,
    LoginResponse,
    RegisterResponse,
    SyncResponse,
    ToDeviceResponse,
)
from nio.rooms import MatrixRoom
from nio.store import SqliteMemoryStore

from tests.clients.house import PASSWORD

T = TypeVar("T")
PATIENCE_SECONDS = 60
LONG_POLL_MS = 10_000
PICTURE = "mxc://clients.test/picture"


class Place(Protocol):
    """A server to sit down at."""

    @property
    def address(self) -> str: ...

    def new_name(self, stem: str) -> str: ...


class Table:
    """`async with Table(house) as table:` closes every client at the end."""

    def __init__(self, house: Place, *, encrypting: bool = False) -> None:
        self._house = house
        self._encrypting = encrypting
        self._clients: list[Any] = []

    async def __aenter__(self) -> "Table":
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for client in self._clients:
            await client.close()

    def client(self, user: str = "") -> Any:
        store = {"store": SqliteMemoryStore} if self._encrypting else {}
        config = AsyncClientConfig(encryption_enabled=self._encrypting, request_timeout=60, **store)
        client = AsyncClient(self._house.address, user, config=config)
        self._clients.append(client)
        return client

    async def register(self, stem: str) -> Any:
        client = self.client()
        fits(RegisterResponse, await client.register(self._house.new_name(stem), PASSWORD, device_name=f"{stem}'s first"))
        return client

    async def log_in(self, user_id: str) -> Any:
        client = self.client(user_id)
        fits(LoginResponse, await client.login(PASSWORD, device_name="another"))
        return client


def fits(kind: type[T], response: Any) -> T:
    """The library checks each answer against its own schemas, and says so by the kind of the response."""
    assert isinstance(response, kind), response
    return response


async def sync_until(client: Any, arrived: Callable[[SyncResponse], bool], **options: Any) -> SyncResponse:
    """Read on, waiting for the server, until what is expected has come."""
    deadline = asyncio.get_running_loop().time() + PATIENCE_SECONDS
    while True:
        response = fits(SyncResponse, await client.sync(timeout=LONG_POLL_MS, **options))
        await tend_keys(client)
        if arrived(response):
            return response
        assert asyncio.get_running_loop().time() < deadline, f"nothing of the kind came; at last {response}"


async def tend_keys(client: Any) -> None:
    """What the library does after each sync of its own loop; nothing for a client that does not encrypt."""
    if not client.olm:
        return
    for sent in await client.send_to_device_messages():
        fits(ToDeviceResponse, sent)
    if client.should_upload_keys:
        fits(KeysUploadResponse, await client.keys_upload())
    if client.should_query_keys:
        fits(KeysQueryResponse, await client.keys_query())
    if client.should_claim_keys:
        fits(KeysClaimResponse, await client.keys_claim(client.get_users_for_key_claiming()))


def arrivals(room_id: str, response: SyncResponse) -> list[Any]:
    joined = response.rooms.join.get(room_id)
    return list(joined.timeline.events) if joined else []


async def receive(client: Any, room_id: str, event_id: str, **options: Any) -> Any:
    """The event, once a sync has brought it."""
    found = await sync_until(client, lambda response: event_id in [event.event_id for event in arrivals(room_id, response)], **options)
    return next(event for event in arrivals(room_id, found) if event.event_id == event_id)


def room_of(client: Any, room_id: str) -> MatrixRoom:
    room: MatrixRoom = client.rooms[room_id]
    return room
