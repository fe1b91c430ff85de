"""Passwords: argon2id in a bounded pool off the loop (client-server API, "Password management").

An unknown user costs the same as a known one: every check is one hash, whatever was given.
"""

from base64 import b64encode

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from config.accounts import Passwords as Settings
from homeserver.clock import Chance
from homeserver.errors import InvalidParam, WeakPassword
from homeserver.workbench import Pool, Workbench

SALT_BYTES = 16
HASH_BYTES = 32
RETRY_MS = 1000


class Passwords:
    """Makes and checks hashes; refuses work beyond its queue."""

    def __init__(self, settings: Settings, pool: Pool, chance: Chance) -> None:
        self._settings = settings
        self._bench = Workbench(pool, settings.queue, "Too many people are logging in just now", retry_ms=RETRY_MS)
        self._chance = chance
        self._hasher = PasswordHasher(
            time_cost=settings.iterations, memory_cost=settings.memory_kib, parallelism=1, hash_len=HASH_BYTES, salt_len=SALT_BYTES
        )
        self._nobody = self._made_up_hash()

    def check_new(self, password: str) -> None:
        """Raises WeakPassword or InvalidParam for what may not become a password."""
        if len(password) < self._settings.minimum_length:
            raise WeakPassword(f"The password must have at least {self._settings.minimum_length} characters")
        if self._is_too_long(password):
            raise InvalidParam(f"The password may have at most {self._settings.maximum_length} bytes")

    async def hash(self, password: str) -> str:
        """The PHC string to store."""
        self.check_new(password)
        return await self.hash_again(password)

    async def hash_again(self, password: str) -> str:
        """For a password that is in use already, whatever the rules for new ones are."""
        salt = self._chance.token_bytes(SALT_BYTES)
        return await self._bench.run(lambda: self._hasher.hash(password, salt=salt))

    async def verify(self, password: str, stored: str | None) -> bool:
        """Whether it is the password; without a stored hash the same work is done for nothing."""
        possible = stored is not None and not self._is_too_long(password)
        given = "" if self._is_too_long(password) else password
        matches = await self._bench.run(lambda: self._matches(stored or self._nobody, given))
        return matches and possible

    def is_outdated(self, stored: str) -> bool:
        """Whether the hash was made at another cost than is set now."""
        return self._hasher.check_needs_rehash(stored)

    def _is_too_long(self, password: str) -> bool:
        return len(password) > self._settings.maximum_length or len(password.encode()) > self._settings.maximum_length

    def _matches(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False

    def _made_up_hash(self) -> str:
        """A hash of no password, at the present cost, without paying for it."""
        salt, value = (b64encode(self._chance.token_bytes(count)).decode().rstrip("=") for count in (SALT_BYTES, HASH_BYTES))
        return f"$argon2id$v=19$m={self._settings.memory_kib},t={self._settings.iterations},p=1${salt}${value}"
