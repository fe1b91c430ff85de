"""This server's own keys as others see them: the present one, and the former ones with the time of their retirement.

Server-server API, "Publishing Keys". The key file is the truth: its first line signs, what follows has been replaced; a rotation writes the file first,
so that a crash afterwards is made up for at the next start.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

from federation.store import KeyStore, KnownKey, RetiredKey
from homeserver.clock import Clock
from homeserver.protocol import canonical_json
from homeserver.protocol.limits import MAX_INTEGER
from homeserver.protocol.signing import SigningKey, encode_base64, sign_json
from homeserver.rooms.append import Identity

VALID_MS: Final = 24 * 3_600_000
FRESH_MS: Final = VALID_MS // 2  # a document is served for so long before it is made anew


class OwnKeys:
    """`start` before use. `replace` makes a new key, writes the key file, and returns all keys that stand in it."""

    def __init__(
        self, identity: Identity, former: Sequence[SigningKey], replace: Callable[[], Sequence[SigningKey]], store: KeyStore, clock: Clock
    ) -> None:
        self._identity = identity
        self._former = tuple(former)
        self._replace = replace
        self._store = store
        self._clock = clock
        self._retired: dict[str, RetiredKey] = {}
        self._document: tuple[dict[str, Any], bytes, int] | None = None

    async def start(self) -> None:
        """Take in what was retired, also by hand or by a rotation that a crash cut short."""
        self._retired = {key.key_id: key for key in await self._store.retired_keys() if key.key_id != self._identity.key.key_id}
        await self._retire(self._former)

    async def rotate(self) -> str:
        """Sign with a new key from now on; its ID."""
        keys = self._replace()
        self._identity.key = keys[0]
        self._document = None
        await self._retire(keys[1:])
        return keys[0].key_id

    async def _retire(self, keys: Sequence[SigningKey]) -> None:
        for key in keys:
            if key.key_id not in self._retired and key.key_id != self._identity.key.key_id:
                retired = RetiredKey(key.key_id, key.public_key, self._clock.now_ms())
                self._retired[key.key_id] = retired
                await self._store.retire_key(retired)
        self._document = None

    @property
    def name(self) -> str:
        return self._identity.server_name

    def sign(self, value: dict[str, Any]) -> dict[str, Any]:
        """With this server's signature added."""
        return sign_json(value, self.name, self._identity.key)

    def known(self) -> dict[str, KnownKey]:
        """As the keyring knows those of others."""
        key = self._identity.key
        found = {
            old.key_id: KnownKey(self.name, old.key_id, old.public_key, old.expired_ms, retired=True) for old in self._retired.values()
        }
        found[key.key_id] = KnownKey(self.name, key.key_id, key.public_key, MAX_INTEGER, retired=False)
        return found

    def document(self) -> dict[str, Any]:
        return self._current()[0]

    def document_bytes(self) -> bytes:
        return self._current()[1]

    def _current(self) -> tuple[dict[str, Any], bytes, int]:
        now_ms = self._clock.now_ms()
        if self._document is None or not 0 <= now_ms - self._document[2] < FRESH_MS:
            key = self._identity.key
            value = self.sign(
                {
                    "server_name": self.name,
                    "valid_until_ts": now_ms + VALID_MS,
                    "verify_keys": {key.key_id: {"key": key.public_base64}},
                    "old_verify_keys": {
                        old.key_id: {"key": encode_base64(old.public_key), "expired_ts": old.expired_ms} for old in self._retired.values()
                    },
                }
            )
            self._document = (value, canonical_json.encode(value), now_ms)
        return self._document
