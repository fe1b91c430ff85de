"""Asks for a server's keys: the server itself, and where it does not answer, notaries.

Server-server API, "Retrieving server keys", "Querying Keys Through Another Server".
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

import orjson
from twisted.logger import Logger

from federation.client import Ask, FederationClient
from federation.errors import FederationError
from federation.keys.documents import BadDocument
from federation.large_answers import parse_object
from homeserver.protocol.errors import BadSignature

SECONDS: Final = 10.0
MOST_BYTES: Final = 256 * 1024
MOST_DOCUMENTS: Final = 20  # of one answer of a notary
SERVER: Final = "/_matrix/key/v2/server"
QUERY: Final = "/_matrix/key/v2/query"

Vouch = Callable[[dict[str, Any], str], Awaitable[None]]


class KeyFetch:
    """Brings documents; the keyring judges them."""

    _log = Logger()

    def __init__(self, client: FederationClient, notaries: Sequence[str]) -> None:
        self._client = client
        self.notaries = tuple(notaries)

    async def direct(self, server_name: str) -> tuple[dict[str, Any], bytes]:
        """The document, and as it came. Raises FederationError."""
        # Anybody can make us ask for the keys of names that lead nowhere: whether they answer is not written down.
        ask = Ask("GET", server_name, SERVER, seconds=SECONDS, most_bytes=MOST_BYTES, signed=False, though_down=True, noted=False)
        body = await self._client.bytes_of(ask)
        return parse_object(body), body

    async def by_notaries(self, server_name: str, key_id: str, least_ms: int, vouch: Vouch) -> list[tuple[dict[str, Any], bytes]]:
        """What the first notary that knows the server has; `vouch` raises BadSignature unless the notary signed it."""
        wanted = {"server_keys": {server_name: {key_id: {"minimum_valid_until_ts": least_ms}} if key_id else {}}}
        for notary in self.notaries:
            if notary == server_name:
                continue
            ask = Ask("POST", notary, QUERY, body=wanted, seconds=SECONDS, most_bytes=MOST_BYTES)
            try:
                found = (await self._client.ask(ask)).get("server_keys")
                documents = [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
                of_server = [each for each in documents[:MOST_DOCUMENTS] if each.get("server_name") == server_name]
                for document in of_server:
                    await vouch(document, notary)
            except (FederationError, BadSignature) as error:
                self._log.info(
                    "notary {notary} could not tell the keys of {server}: {error}", notary=notary, server=server_name, error=str(error)
                )
                continue
            if of_server:
                return [(document, orjson.dumps(document)) for document in of_server]
        raise BadDocument("No notary knows the server's keys")
