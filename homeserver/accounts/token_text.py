"""What tokens look like: a prefix that names their kind, so that a leaked one is recognised, and more than 256 bits of chance."""

from hashlib import sha256

from homeserver.clock import Chance

TOKEN_LENGTH = 44  # characters of [A-Za-z0-9]: 262 bits
ACCESS, REFRESH, LOGIN, SESSION = "cma_", "cmr_", "cml_", "cms_"


def make(chance: Chance, prefix: str) -> str:
    return prefix + chance.token(TOKEN_LENGTH)


def digest(token: str) -> bytes:
    """What is stored in its place."""
    return sha256(token.encode("utf-8", "surrogatepass")).digest()


def token_id(token_hash: bytes) -> int:
    """A number for an access token that tells nothing about it."""
    return int.from_bytes(token_hash[:8], "big") >> 1 or 1
