"""Uploaded filters, named by their content: equal filters share an ID and are compiled once for all users (client-server API, "Filtering")."""

import hashlib
from base64 import urlsafe_b64encode
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import orjson

from homeserver.account_data.store import FilterStore
from homeserver.errors import BadJson, InvalidParam, NotFound, TooLarge
from homeserver.protocol import canonical_json
from homeserver.protocol.errors import InvalidFilter, InvalidJson
from homeserver.protocol.filters import Filter, RoomEventFilter

MAX_FILTER_BYTES = 65_536
MAX_FILTERS = 1_000  # of one user
CACHED_FILTERS = 2_000
CACHED_BYTES = 8_000_000
CACHED_ROOM_FILTERS = 500  # of those that come with each request, as far as they are short
SHORT_FILTER = 1_000
ID_BYTES = 12  # of the hash; 96 bits, no two filters of one user meet by chance


class Filters:
    """Stores, finds and compiles; the compiled ones in use stay in memory."""

    def __init__(self, store: FilterStore) -> None:
        self._store = store
        self._compiled: OrderedDict[tuple[str, str] | str, tuple[Filter, int]] = OrderedDict()
        self._bytes = 0
        self._of_rooms: OrderedDict[str, RoomEventFilter] = OrderedDict()

    async def create(self, user_id: str, definition: Mapping[str, Any]) -> str:
        """The filter's ID, the same for the same filter; raises BadJson and TooLarge."""
        body = _encode(definition)
        filter_id = urlsafe_b64encode(hashlib.sha256(body).digest()[:ID_BYTES]).decode()
        if (user_id, filter_id) in self._compiled:
            return filter_id
        try:
            compiled = Filter.compile(definition)
        except InvalidFilter as error:
            raise BadJson(str(error)) from error
        if await self._store.get(user_id, filter_id) is None:
            if await self._store.count(user_id) >= MAX_FILTERS:
                raise TooLarge(f"An account has at most {MAX_FILTERS} filters")
            await self._store.put(user_id, filter_id, body)
        self._hold((user_id, filter_id), compiled, len(body))
        return filter_id

    async def definition(self, user_id: str, filter_id: str) -> bytes:
        """The filter as it was uploaded, as JSON; raises NotFound."""
        body = await self._store.get(user_id, filter_id)
        if body is None:
            raise NotFound("There is no such filter")
        return body

    async def get(self, user_id: str, filter_id: str) -> Filter:
        """The compiled filter; raises NotFound. In memory after the first time."""
        key = (user_id, filter_id)
        held = self._compiled.get(key)
        if held is not None:
            self._compiled.move_to_end(key)
            return held[0]
        body = await self.definition(user_id, filter_id)
        compiled = Filter.compile(orjson.loads(body))
        self._hold(key, compiled, len(body))
        return compiled

    def inline(self, text: str) -> Filter:
        """The compiled filter of a query parameter that holds JSON; raises InvalidParam."""
        held = self._compiled.get(text)
        if held is not None:
            self._compiled.move_to_end(text)
            return held[0]
        data = text.encode()
        if len(data) > MAX_FILTER_BYTES:
            raise TooLarge("The filter is too large")
        try:
            compiled = Filter.compile(canonical_json.parse(data))
        except (InvalidJson, InvalidFilter) as error:
            raise InvalidParam(f"The filter cannot be used: {error}") from error
        self._hold(text, compiled, len(data))
        return compiled

    def inline_room(self, text: str) -> RoomEventFilter:
        """As `inline`, for endpoints that take a RoomEventFilter."""
        held = self._of_rooms.get(text)
        if held is not None:
            return held
        data = text.encode()
        if len(data) > MAX_FILTER_BYTES:
            raise TooLarge("The filter is too large")
        try:
            compiled = RoomEventFilter.compile(canonical_json.parse(data))
        except (InvalidJson, InvalidFilter) as error:
            raise InvalidParam(f"The filter cannot be used: {error}") from error
        if len(data) <= SHORT_FILTER:
            self._of_rooms[text] = compiled
            while len(self._of_rooms) > CACHED_ROOM_FILTERS:
                self._of_rooms.popitem(last=False)
        return compiled

    def _hold(self, key: tuple[str, str] | str, compiled: Filter, size: int) -> None:
        if key in self._compiled:
            return
        self._compiled[key] = (compiled, size)
        self._bytes += size
        while len(self._compiled) > CACHED_FILTERS or self._bytes > CACHED_BYTES:
            _, (_, lost) = self._compiled.popitem(last=False)
            self._bytes -= lost


def _encode(definition: Mapping[str, Any]) -> bytes:
    body = orjson.dumps(definition, option=orjson.OPT_SORT_KEYS)
    if len(body) > MAX_FILTER_BYTES:
        raise TooLarge("The filter is too large")
    return body
