"""A public Ed25519 key, prepared once it verifies again (RFC 8032, section 5.1.7).

What is valid is what libsodium says. Preparing takes as long as one verification of its, and each one after that two thirds of it
(`tests/bench/event_build.py`): the join of a large room is a thousand signatures by a few keys. Only keys of the prime-order group are prepared, which
all honest keys are: there both libraries agree on everything but a signature whose point is the neutral element, and that is refused here as libsodium
refuses it.
"""

from collections.abc import Callable

from nacl.bindings import crypto_core_ed25519_is_valid_point, crypto_sign_open
from nacl.exceptions import CryptoError

from homeserver.protocol.signing.unpadded import encode_base64

PUBLIC_KEY_BYTES = 32
SIGNATURE_BYTES = 64
_NEUTRAL = b"\1" + bytes(31)
_Verifies = Callable[[bytes, bytes], bool]


class VerifyKey:
    __slots__ = ("_prepared", "_was_used", "public_key")

    def __init__(self, public_key: bytes) -> None:
        """`public_key`: any bytes; those that are no key verify nothing."""
        self.public_key = public_key
        self._prepared: _Verifies | None = None
        self._was_used = False

    def verifies(self, message: bytes, signature: bytes) -> bool:
        """Whether that is the key's signature over exactly the message."""
        if self._prepared is None:
            if not self._was_used:
                self._was_used = True
                return self._verifies_once(message, signature)
            self._prepared = self._prepare()
        return self._prepared(message, signature)

    def _verifies_once(self, message: bytes, signature: bytes) -> bool:
        if len(signature) != SIGNATURE_BYTES or len(self.public_key) != PUBLIC_KEY_BYTES:
            return False
        try:
            crypto_sign_open(signature + message, self.public_key)
        except CryptoError:
            return False
        return True

    def _prepare(self) -> _Verifies:
        if len(self.public_key) != PUBLIC_KEY_BYTES or not crypto_core_ed25519_is_valid_point(self.public_key):
            return self._verifies_once
        from vodozemac import Ed25519PublicKey, Ed25519Signature  # a megabyte, for servers that federate

        verify, read = Ed25519PublicKey.from_base64(encode_base64(self.public_key)).verify_signature, Ed25519Signature.from_base64

        def verifies(message: bytes, signature: bytes) -> bool:
            if signature[:32] == _NEUTRAL:
                return False
            try:
                verify(message, read(encode_base64(signature)))
            except ValueError:
                return False
            return True

        return verifies

    def __repr__(self) -> str:
        return f"<VerifyKey {encode_base64(self.public_key)}>"
