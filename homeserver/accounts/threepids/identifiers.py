"""Whom a login names, also by an e-mail address (client-server API, "Identifier types")."""

from typing import Any

from homeserver.accounts.names import Names
from homeserver.accounts.threepids.proofs import EMAIL
from homeserver.accounts.threepids.store import ThreepidStore
from homeserver.mail.addresses import canonical, is_address


class Identifiers:
    def __init__(self, names: Names, store: ThreepidStore) -> None:
        self._names = names
        self._store = store

    async def named(self, body: dict[str, Any]) -> str | None:
        """As `Names.named`; an address that no account has ends as every unknown user does, and is counted apart from all others."""
        identifier = body.get("identifier")
        given = body if identifier is None else identifier
        if (
            isinstance(given, dict)
            and given.get("medium") == EMAIL
            and (identifier is None or given.get("type") in ("m.id.thirdparty", None))
        ):
            address = given.get("address")
            if isinstance(address, str) and is_address(address):
                address = canonical(address)
                return await self._store.owner(EMAIL, address) or self._names.user_id(address)
        return self._names.named(body)
