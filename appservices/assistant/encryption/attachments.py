"""Files in encrypted rooms ("Sending encrypted attachments"): AES-256 in counter mode, a key for each file, the hash of what was uploaded."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from appservices.assistant.encryption.signing import padded, unpadded
from appservices.assistant.matrix.errors import BadFile
from appservices.assistant.matrix.events import as_object
from appservices.assistant.runtime import Chance

Json = dict[str, Any]


def lock_file(data: bytes, chance: Chance) -> tuple[bytes, Json]:
    """What is uploaded, and the `EncryptedFile` of the message, which still wants its `url`."""
    key, counter = chance.token_bytes(32), chance.token_bytes(8) + bytes(8)
    locked = _run(data, key, counter)
    jwk = {"kty": "oct", "key_ops": ["encrypt", "decrypt"], "alg": "A256CTR", "k": _url_safe(key), "ext": True}
    return locked, {"v": "v2", "key": jwk, "iv": unpadded(counter), "hashes": {"sha256": unpadded(hashlib.sha256(locked).digest())}}


def unlock_file(data: bytes, file: Mapping[str, Any]) -> bytes:
    """Raises BadFile."""
    try:
        key = base64.urlsafe_b64decode(as_object(file.get("key"))["k"] + "==")
        counter, digest = padded(file["iv"]), padded(as_object(file.get("hashes"))["sha256"])
    except (KeyError, TypeError, ValueError, binascii.Error) as error:
        raise BadFile("its key cannot be read") from error
    if file.get("v") != "v2" or len(key) != 32 or len(counter) != 16:
        raise BadFile("its key is of another kind")
    if not hmac.compare_digest(hashlib.sha256(data).digest(), digest):
        raise BadFile("its bytes are not those that were sent")
    return _run(data, key, counter)


def _run(data: bytes, key: bytes, counter: bytes) -> bytes:
    cipher = Cipher(algorithms.AES(key), modes.CTR(counter)).encryptor()
    return cipher.update(data) + cipher.finalize()


def _url_safe(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
