"""This server's keys, and those of others as a notary knows them (server-server API, "Retrieving server keys")."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson

from federation.keyring import Keyring
from federation.keys.own import OwnKeys
from federation.server_policy import ServerPolicy
from federation.store import KeyStore, StoredDocument
from homeserver.clock import Clock
from homeserver.errors import BadJson, InvalidParam
from homeserver.protocol.errors import InvalidIdentifier
from homeserver.protocol.ids import ServerName
from homeserver.protocol.limits import MAX_INTEGER
from homeserver.web.endpoint import Access, Answer, Body, Rate, endpoint
from homeserver.web.request import Request

MOST_SERVERS: Final = 50  # of one question


class KeyEndpoints:
    def __init__(self, own: OwnKeys, keyring: Keyring, store: KeyStore, policy: ServerPolicy, clock: Clock) -> None:
        self._own = own
        self._keyring = keyring
        self._store = store
        self._policy = policy
        self._clock = clock

    @endpoint("GET", "/_matrix/key/v2/server", access=Access.NONE, rate=Rate.NONE, body=Body.NONE)
    async def server(self, request: Request) -> Answer:
        return self._own.document_bytes()

    @endpoint("GET", "/_matrix/key/v2/query/{server_name}", access=Access.NONE, rate=Rate.READ, body=Body.NONE)
    async def query_one(self, request: Request, server_name: ServerName) -> Answer:
        least_ms = request.integer("minimum_valid_until_ts", self._clock.now_ms())
        return {"server_keys": await self._documents(server_name, (), least_ms)}

    @endpoint("POST", "/_matrix/key/v2/query", access=Access.NONE, rate=Rate.READ, body=Body.OBJECT)
    async def query(self, request: Request) -> Answer:
        wanted = request.body.get("server_keys")
        if not isinstance(wanted, dict) or not all(isinstance(keys, dict) for keys in wanted.values()):
            raise BadJson("server_keys must hold an object of key IDs for each server")
        if len(wanted) > MOST_SERVERS:
            raise InvalidParam(f"Keys of at most {MOST_SERVERS} servers are told at a time")
        found: list[dict[str, Any]] = []
        for name, keys in wanted.items():
            try:
                server_name = ServerName.parse(name)
            except InvalidIdentifier:
                continue
            found += await self._documents(server_name, tuple(keys), _least(keys, self._clock.now_ms()))
        return {"server_keys": found}

    async def _documents(self, server_name: str, key_ids: Sequence[str], least_ms: int) -> list[dict[str, Any]]:
        """The newest document that could be had, signed by this server, too; none is better than one that nobody has."""
        if server_name == self._own.name:
            return [self._own.document()]
        if not self._policy.allows(server_name):
            return []
        stored = await self._store.document(server_name)
        now_ms = self._clock.now_ms()
        if stored is None or _is_stale(stored, now_ms, least_ms) or not await self._knows(server_name, key_ids):
            await self._keyring.refresh(server_name)
            stored = await self._store.document(server_name)
        return [] if stored is None else [self._own.sign(orjson.loads(stored.body))]

    async def _knows(self, server_name: str, key_ids: Sequence[str]) -> bool:
        known = await self._keyring.keys(server_name)
        return all(key_id in known for key_id in key_ids)


def _is_stale(document: StoredDocument, now_ms: int, least_ms: int) -> bool:
    """A document is kept for half of its life, and no longer than it is wanted to be valid; one that was just asked for will not get better."""
    half_ms = document.fetched_ms + (document.valid_until_ms - document.fetched_ms) // 2
    return now_ms >= half_ms or least_ms > document.valid_until_ms


def _least(keys: Mapping[str, Any], now_ms: int) -> int:
    asked = [each.get("minimum_valid_until_ts") for each in keys.values() if isinstance(each, dict)]
    return max([least for least in asked if isinstance(least, int) and 0 <= least <= MAX_INTEGER], default=now_ms)
