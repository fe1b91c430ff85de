"""What third-party identifiers ask of the storage. Clients' secrets and the codes in letters are known here by their SHA-256 alone."""

from typing import NamedTuple, Protocol


class Threepid(NamedTuple):
    """An identifier of an account; `address` is canonical."""

    medium: str
    address: str
    user_id: str
    validated_ts: int
    added_ts: int


class ProofSession(NamedTuple):
    """The proof of one address, as one client asked for it. `code_hash` None: nobody was sent a code, so nothing can be proven."""

    sid: str
    purpose: str
    address: str
    secret_hash: bytes
    send_attempt: int
    code_hash: bytes | None
    next_link: str | None
    created_ts: int
    wrong_codes: int = 0
    validated_ts: int | None = None


class ThreepidStore(Protocol):
    async def of_user(self, user_id: str) -> list[Threepid]: ...

    async def owner(self, medium: str, address: str) -> str | None:
        """Whose it is."""

    async def add(self, threepid: Threepid, sid: str) -> bool:
        """And closes the session that proved it. False when it is somebody's already."""

    async def remove(self, user_id: str, medium: str, address: str) -> bool:
        """With what is sent to it. False when the user had no such."""


class ProofStore(Protocol):
    async def open(self, session: ProofSession, not_before: int) -> tuple[str, bool]:
        """The ID of the client's session for this address, and whether a letter is due.

        That is this session, unless there is one with the same purpose, address and secret that was opened after `not_before`: then its letter is due
        only if `send_attempt` is greater, and code, next link and time are those of the new one.
        """

    async def unsent(self, sid: str) -> None:
        """The letter was not taken: the same attempt may be made once more."""

    async def find(self, sid: str) -> ProofSession | None: ...

    async def prove(self, sid: str, ts: int) -> None: ...

    async def count_wrong(self, sid: str) -> None:
        """One more wrong code."""

    async def close(self, sid: str) -> bool:
        """False when it is gone already: somebody else used it."""
