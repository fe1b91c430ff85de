"""What federation's ground asks of the database: keys of other servers, this server's own former keys, and who does not answer."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol


class KnownKey(NamedTuple):
    """A public key of a server. A retired one vouches for events up to `until_ms`; another for everything up to then, unless asked for again."""

    server_name: str
    key_id: str
    public_key: bytes
    until_ms: int
    retired: bool


class StoredDocument(NamedTuple):
    """A server's published keys, as it signed them."""

    server_name: str
    body: bytes
    fetched_ms: int
    valid_until_ms: int


class RetiredKey(NamedTuple):
    """A former key of this server."""

    key_id: str
    public_key: bytes
    expired_ms: int


class Outage(NamedTuple):
    """Of a server that does not answer."""

    destination: str
    since_ms: int
    retry_ms: int  # not to be asked before
    interval_ms: int  # by which the next failure puts it off, before jitter


class KeyStore(Protocol):
    async def keys(self, server_name: str) -> Sequence[KnownKey]: ...

    async def document(self, server_name: str) -> StoredDocument | None:
        """The last one that came."""

    async def put(self, document: StoredDocument, keys: Sequence[KnownKey]) -> None:
        """The document in the place of the last one, and keys in the place of those under the same IDs."""

    async def retired_keys(self) -> Sequence[RetiredKey]: ...

    async def retire_key(self, key: RetiredKey) -> None:
        """Nothing changes when it is retired already."""


class OutageStore(Protocol):
    async def outages(self) -> Sequence[Outage]:
        """All of them; few, since each ends when the server shows itself."""

    async def put_outages(self, begun: Sequence[Outage], ended: Sequence[str]) -> None: ...
