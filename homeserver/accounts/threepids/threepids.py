"""The e-mail addresses of an account (client-server API, "Adding Account Administrative Contact Information")."""

from config.accounts import Addresses
from homeserver.accounts.threepids.proofs import ADD, EMAIL, Proofs, Proven
from homeserver.accounts.threepids.store import Threepid, ThreepidStore
from homeserver.clock import Clock
from homeserver.errors import ThreepidDenied, ThreepidInUse, ThreepidNotFound
from homeserver.mail.addresses import canonical


class Threepids:
    def __init__(self, settings: Addresses, store: ThreepidStore, proofs: Proofs, clock: Clock) -> None:
        self._settings = settings
        self._store = store
        self._proofs = proofs
        self._clock = clock

    @property
    def may_change(self) -> bool:
        """The capability m.3pid_changes."""
        return self._settings.changes and self._proofs.possible

    async def of_user(self, user_id: str) -> list[Threepid]:
        return await self._store.of_user(user_id)

    async def proven(self, sid: str, client_secret: str) -> Proven:
        """What is to be added; raises ThreepidDenied, ThreepidAuthFailed."""
        self.check_changes()
        return await self._proofs.proven(ADD, sid, client_secret)

    async def add(self, user_id: str, proven: Proven) -> None:
        """Raises ThreepidInUse."""
        threepid = Threepid(EMAIL, proven.address, user_id, proven.validated_ts, self._clock.now_ms())
        if not await self._store.add(threepid, proven.sid):
            raise ThreepidInUse

    async def remove(self, user_id: str, medium: str, address: str) -> None:
        """That it is not here is all that was asked for. Raises ThreepidDenied."""
        self.check_changes()
        await self._store.remove(user_id, medium, canonical(address))

    async def owner_of(self, address: str) -> str:
        """Raises ThreepidNotFound."""
        owner = await self._store.owner(EMAIL, address)
        if owner is None:
            raise ThreepidNotFound
        return owner

    def check_changes(self) -> None:
        if not self.may_change:
            raise ThreepidDenied
