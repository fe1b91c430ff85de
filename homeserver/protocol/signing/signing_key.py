"""Private keys and their files."""

from nacl.bindings import crypto_sign, crypto_sign_seed_keypair

from homeserver.protocol.signing.unpadded import decode_base64, encode_base64
from homeserver.protocol.signing.verify_key import SIGNATURE_BYTES

ALGORITHM = "ed25519"
SEED_BYTES = 32


class SigningKey:
    """A private key and its name, such as `ed25519:a_Xy12`; never shown by repr."""

    __slots__ = ("_secret", "key_id", "public_key")

    def __init__(self, key_id: str, seed: bytes) -> None:
        if not key_id.startswith(ALGORITHM + ":") or len(seed) != SEED_BYTES:
            raise ValueError("a signing key needs an ed25519 key ID and a seed of 32 bytes")
        self.key_id = key_id
        self.public_key, self._secret = crypto_sign_seed_keypair(seed)

    @classmethod
    def generate(cls, random_bytes: bytes, version: str) -> "SigningKey":
        """A new key from 32 bytes of the caller's chance, named `ed25519:<version>`."""
        return cls(f"{ALGORITHM}:{version}", random_bytes)

    @property
    def public_base64(self) -> str:
        return encode_base64(self.public_key)

    def sign(self, message: bytes) -> bytes:
        return crypto_sign(message, self._secret)[:SIGNATURE_BYTES]

    def to_line(self) -> str:
        """The line of a key file, as the ecosystem writes it: algorithm, version, unpadded base64 of the seed."""
        return f"{ALGORITHM} {self.key_id.partition(':')[2]} {encode_base64(self._secret[:SEED_BYTES])}\n"

    def __repr__(self) -> str:
        return f"<SigningKey {self.key_id}>"


def read_key_file(text: str) -> tuple[SigningKey, ...]:
    """The keys of a key file, one a line; raises ValueError that names the line, never its content."""
    keys = []
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.split()
        if not words:
            continue
        try:
            algorithm, version, seed = words
            keys.append(SigningKey(f"{algorithm}:{version}", decode_base64(seed)))
        except ValueError as error:
            raise ValueError(f"line {number} is no signing key of the form: ed25519 version base64") from error
    return tuple(keys)
