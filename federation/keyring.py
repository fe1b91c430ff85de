"""The keys of other servers, and what is judged by them: requests, JSON, events.

Server-server API, "Retrieving server keys", "Validating hashes and signatures on received events"; room version 5, "Signing key validity period". Keys are
asked for when one is missing or its time has passed; those who ask for the same server meanwhile share the answer, and a server that did not help is left
alone for a while.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from federation.errors import FederationError
from federation.keys.documents import LEAKED, Document, merge, read_document
from federation.keys.fetch import KeyFetch
from federation.keys.own import OwnKeys
from federation.slots import Slots
from federation.store import KeyStore, KnownKey, StoredDocument
from homeserver.clock import Clock
from homeserver.errors import Unauthorized, Unavailable
from homeserver.figures import CacheFigures
from homeserver.protocol.errors import BadSignature, InvalidJson
from homeserver.protocol.event import Event
from homeserver.protocol.room_versions import RoomVersion
from homeserver.protocol.signing import (
    ALGORITHM,
    VerifyKey,
    encode_base64,
    key_is_valid_at,
    required_signers,
    signed_bytes,
    verify_bytes,
    verify_json,
)
from homeserver.waiting import shielded

MOST_SERVERS: Final = 20_000  # whose keys are kept in memory
MOST_SIGNATURES: Final = 10  # of one server that are looked at
FIRST_PAUSE_MS: Final = 30_000  # before a server that did not help is asked again; doubled while it does not answer at all
LONGEST_PAUSE_MS: Final = 600_000
MOST_PAUSES: Final = 10_000
MOST_FETCHES: Final = 40  # at a time; further ones wait
MOST_WAITING: Final = 300  # beyond that, nobody who is not known yet is let in

Fits = Callable[[KnownKey], bool]
Keys = dict[str, KnownKey]


class Keyring:
    _log = Logger()

    def __init__(self, own: OwnKeys, store: KeyStore, fetch: KeyFetch, clock: Clock, denied: frozenset[bytes] = LEAKED) -> None:
        self._own = own
        self._store = store
        self._fetch = fetch
        self._clock = clock
        self._denied = denied
        self._servers: OrderedDict[str, Keys] = OrderedDict()
        self._verify_keys: dict[bytes, VerifyKey] = {}
        self._fetching: dict[str, Deferred[None]] = {}
        self._pauses: OrderedDict[str, tuple[int, int]] = OrderedDict()  # until when, and how long
        self._turns = Slots(MOST_FETCHES)
        self._loads = 0

    @property
    def figures(self) -> CacheFigures:
        return CacheFigures(len(self._servers), len(self._servers), MOST_SERVERS, self._loads)

    async def request_key(self, server_name: str, key_id: str) -> VerifyKey:
        """The key with which a server may sign requests now. Raises Unauthorized."""
        now_ms = self._clock.now_ms()

        def fits(key: KnownKey) -> bool:
            return not key.retired and key.until_ms >= now_ms

        if len(self._fetching) > MOST_WAITING and not any(map(fits, (await self.keys(server_name)).values())):
            raise Unavailable("Too many servers are asking for the first time just now", retry_after_ms=10_000)
        key = await self._find(server_name, key_id, fits, now_ms)
        if key is None:
            raise Unauthorized(f"No valid key {key_id[:100]} of {server_name} could be found")
        return self._verify_key(key)

    async def verify_json(self, value: Mapping[str, Any], server_name: str) -> None:
        """Raises BadSignature unless a present key of the server signed it."""
        now_ms = self._clock.now_ms()

        def check(key: KnownKey) -> None:
            verify_json(value, server_name, key.key_id, self._verify_key(key))

        await self._any(value.get("signatures"), server_name, lambda key: not key.retired and key.until_ms >= now_ms, now_ms, check)

    async def verify_event(self, event: Event) -> None:
        """Raises BadSignature unless all servers that must have signed the event did, with keys that were theirs at its time."""
        signatures = event.pdu.get("signatures")
        message = signed_bytes(event.pdu, event.version)
        for server_name in sorted(required_signers(event)):
            await self.verify_signed(message, signatures, server_name, event.origin_server_ts, event.version)

    async def verify_signed(self, message: bytes, signatures: Any, server_name: str, at_ms: int, version: RoomVersion) -> None:
        """As `verify_event`, for one server and what `signing.signed_bytes` gave."""

        def check(key: KnownKey) -> None:
            verify_bytes(message, signatures, server_name, key.key_id, self._verify_key(key))

        await self._any(signatures, server_name, fits_event(version, at_ms, self._clock.now_ms()), at_ms, check)

    def verifies_at_once(self, message: bytes, signatures: Any, server_name: str, at_ms: int, version: RoomVersion) -> bool:
        """Whether `verify_signed` has nothing to say against it, as far as keys in memory tell; False where it must be asked."""
        known = self._servers.get(server_name)
        by_server = signatures.get(server_name) if isinstance(signatures, dict) else None
        if known is None or not isinstance(by_server, dict) or len(by_server) != 1:
            return False
        self._servers.move_to_end(server_name)
        key = known.get(next(iter(by_server)))
        if key is None or not key_is_valid_at(version, key.until_ms, at_ms, self._clock.now_ms()):
            return False
        try:
            verify_bytes(message, signatures, server_name, key.key_id, self._verify_key(key))
        except (BadSignature, InvalidJson):
            return False
        return True

    def _verify_key(self, key: KnownKey) -> VerifyKey:
        found = self._verify_keys.get(key.public_key)
        if found is None:
            if len(self._verify_keys) >= MOST_SERVERS:
                self._verify_keys.clear()
            found = self._verify_keys[key.public_key] = VerifyKey(key.public_key)
        return found

    async def _any(self, signatures: Any, server_name: str, fits: Fits, least_ms: int, check: Callable[[KnownKey], None]) -> None:
        """At least one of the server's signatures matches; one that does not match counts as none."""
        by_server = signatures.get(server_name) if isinstance(signatures, dict) else None
        key_ids = [key_id for key_id in by_server if key_id.startswith(ALGORITHM + ":")] if isinstance(by_server, dict) else []
        problem = BadSignature(f"no signature of {server_name} with a key of a known algorithm")
        for key_id in key_ids[:MOST_SIGNATURES]:
            key = await self._find(server_name, key_id, fits, least_ms)
            if key is None:
                problem = BadSignature(f"no key {key_id[:100]} of {server_name} that was valid then")
                continue
            try:
                check(key)
            except (BadSignature, InvalidJson) as error:
                problem = BadSignature(str(error))
                continue
            return
        raise problem

    async def _find(self, server_name: str, key_id: str, fits: Fits, least_ms: int) -> KnownKey | None:
        """The key if it fits, asked for anew if the one that is known does not."""
        key = (await self.keys(server_name)).get(key_id)
        if key is not None and fits(key):
            return key
        if server_name == self._own.name:
            return None
        if key is not None and key.retired:
            return None  # it will not come back
        await self._fetch_once(server_name, key_id, fits, least_ms)
        key = (await self.keys(server_name)).get(key_id)
        return key if key is not None and fits(key) else None

    async def keys(self, server_name: str) -> Keys:
        """What is known without asking anybody."""
        if server_name == self._own.name:
            return self._own.known()
        known = self._servers.get(server_name)
        if known is not None:
            self._servers.move_to_end(server_name)
            return known
        self._loads += 1
        known = {key.key_id: key for key in await self._store.keys(server_name) if key.public_key not in self._denied}
        if not known:
            return known
        known = self._servers.setdefault(server_name, known)
        self._forget_some()
        return known

    async def _fetch_once(self, server_name: str, key_id: str, fits: Fits, least_ms: int) -> None:
        """One question at a time for each server."""
        under_way = self._fetching.get(server_name)
        if under_way is None:
            if self._clock.now_ms() < self._pauses.get(server_name, (0, 0))[0]:
                return
            under_way = self._fetching[server_name] = Deferred.fromCoroutine(self._ask(server_name, key_id, fits, least_ms))
            under_way.addBoth(self._fetched, server_name)
        await shielded(under_way)

    def _fetched(self, result: Any, server_name: str) -> Any:
        self._fetching.pop(server_name, None)
        return result

    async def refresh(self, server_name: str) -> None:
        """Ask for a server's keys, for others who want to know; nothing happens when that is of no use."""
        await self._fetch_once(server_name, "", lambda _: True, self._clock.now_ms())

    async def _ask(self, server_name: str, key_id: str, fits: Fits, least_ms: int) -> None:
        """Writes down what is learnt. The server itself first; notaries when it does not answer or does not say what is wanted.

        Keys of notaries are asked of themselves alone: they would else wait for each other.
        """
        async with self._turns.of(""):
            answered = await self._ask_directly(server_name)
        helped = self._has(server_name, key_id, fits) if key_id else answered
        if not helped and server_name not in self._fetch.notaries:
            await self._ask_notaries(server_name, key_id, least_ms)
            helped = self._has(server_name, key_id, fits)
        if helped:
            self._pauses.pop(server_name, None)
        else:
            self._pause(server_name, grow=not answered)

    async def _ask_directly(self, server_name: str) -> bool:
        try:
            value, body = await self._fetch.direct(server_name)
            await self._take(read_document(value, server_name, self._clock.now_ms(), self._denied), body)
        except FederationError as error:
            self._log.info("{server} did not tell its keys: {error}", server=server_name, error=str(error))
            return False
        return True

    async def _ask_notaries(self, server_name: str, key_id: str, least_ms: int) -> None:
        if not self._fetch.notaries:
            return
        try:
            for value, body in await self._fetch.by_notaries(server_name, key_id, least_ms, self.verify_json):
                await self._take(read_document(value, server_name, self._clock.now_ms(), self._denied, past=True), body)
        except FederationError as error:
            self._log.info("no notary told the keys of {server}: {error}", server=server_name, error=str(error))

    def _has(self, server_name: str, key_id: str, fits: Fits) -> bool:
        key = self._servers.get(server_name, {}).get(key_id)
        return key is not None and fits(key)

    def _pause(self, server_name: str, *, grow: bool) -> None:
        _, before_ms = self._pauses.pop(server_name, (0, 0))
        pause_ms = min(max(before_ms * 2, FIRST_PAUSE_MS), LONGEST_PAUSE_MS) if grow else FIRST_PAUSE_MS
        self._pauses[server_name] = (self._clock.now_ms() + pause_ms, pause_ms)
        while len(self._pauses) > MOST_PAUSES:
            self._pauses.popitem(last=False)

    async def _take(self, document: Document, body: bytes) -> None:
        now_ms = self._clock.now_ms()
        server_name = document.server_name
        known = await self.keys(server_name)
        taken = merge(known.values(), document, now_ms)
        for key in document.keys:
            if key.key_id in known and known[key.key_id].public_key != key.public_key and key not in taken:
                self._log.warn(
                    "{server} shows other bytes under {key}", server=server_name, key=f"{key.key_id} ({encode_base64(key.public_key)})"
                )
        await self._store.put(StoredDocument(server_name, body, now_ms, document.valid_until_ms), taken)
        self._servers[server_name] = {**known, **{key.key_id: key for key in taken}}
        self._forget_some()

    def _forget_some(self) -> None:
        while len(self._servers) > MOST_SERVERS:
            self._servers.popitem(last=False)


def fits_event(version: RoomVersion, at_ms: int, now_ms: int) -> Fits:
    """Whether a key may vouch for an event of that time."""

    return lambda key: key_is_valid_at(version, key.until_ms, at_ms, now_ms)
