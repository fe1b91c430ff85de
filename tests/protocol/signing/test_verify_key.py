"""A prepared key says of every signature what libsodium says: the usual, the malleable, and what only strange keys allow."""

import hashlib
from random import Random

import pytest
from nacl.bindings import (
    crypto_core_ed25519_add,
    crypto_core_ed25519_is_valid_point,
    crypto_scalarmult_ed25519_base_noclamp,
    crypto_sign,
    crypto_sign_open,
    crypto_sign_seed_keypair,
)
from nacl.exceptions import CryptoError

from homeserver.protocol.signing import VerifyKey

ORDER = 2**252 + 27742317777372353535851937790883648493
NEUTRAL = b"\1" + bytes(31)
SMALL = [bytes.fromhex(text) for text in (
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
)]  # fmt: skip
NOT_CANONICAL = [
    bytes.fromhex("eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),  # 1 + p
    bytes.fromhex("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),  # p
    b"\xff" * 32,
]


def libsodium(public_key: bytes, message: bytes, signature: bytes) -> bool:
    try:
        crypto_sign_open(signature + message, public_key)
    except (CryptoError, ValueError):
        return False
    return True


def prepared(public_key: bytes) -> VerifyKey:
    key = VerifyKey(public_key)
    key.verifies(b"", bytes(64))
    return key


def agree(public_key: bytes, message: bytes, signature: bytes) -> bool:
    key = prepared(public_key)
    said = {key.verifies(message, signature), VerifyKey(public_key).verifies(message, signature), libsodium(public_key, message, signature)}
    assert len(said) == 1, (public_key.hex(), message.hex(), signature.hex())
    return said.pop()


def scalar(seed: bytes) -> int:
    """The private scalar of a seed (RFC 8032, section 5.1.5)."""
    digest = bytearray(hashlib.sha512(seed).digest()[:32])
    digest[0] &= 248
    digest[31] = digest[31] & 63 | 64
    return int.from_bytes(digest, "little")


def hashed(*parts: bytes) -> int:
    return int.from_bytes(hashlib.sha512(b"".join(parts)).digest(), "little") % ORDER


def little(number: int) -> bytes:
    return number.to_bytes(32, "little")


def test_what_honest_keys_sign() -> None:
    random = Random(1)
    for _ in range(100):
        public, secret = crypto_sign_seed_keypair(random.randbytes(32))
        message = random.randbytes(random.randrange(300))
        signature = crypto_sign(message, secret)[:64]
        assert agree(public, message, signature)
        spoilt = bytearray(signature)
        spoilt[random.randrange(64)] ^= 1 << random.randrange(8)
        assert not agree(public, message, bytes(spoilt))
        assert not agree(public, message + b"!", signature)
        assert not agree(public, message, random.randbytes(64))


def test_a_signature_has_one_form() -> None:
    public, secret = crypto_sign_seed_keypair(bytes(range(32)))
    signature = crypto_sign(b"x", secret)[:64]
    for times in range(1, 16):
        grown = int.from_bytes(signature[32:], "little") + times * ORDER
        if grown < 2**256:
            assert not agree(public, b"x", signature[:32] + little(grown))
    for length in (0, 63, 65):
        assert not agree(public, b"x", (signature + b"x")[:length])
        assert not prepared(public).verifies(b"x", (signature + b"x")[:length])


def test_the_neutral_point_signs_nothing() -> None:
    seed = bytes(range(32))
    public, _ = crypto_sign_seed_keypair(seed)
    fitting = hashed(NEUTRAL, public, b"x") * scalar(seed) % ORDER
    assert crypto_core_ed25519_is_valid_point(public)
    assert not agree(public, b"x", NEUTRAL + little(fitting))


@pytest.mark.parametrize("public", SMALL + NOT_CANONICAL, ids=lambda key: key.hex()[:6])
def test_keys_of_small_order_and_other_spellings_verify_nothing(public: bytes) -> None:
    random = Random(2)
    for message in (random.randbytes(8) for _ in range(20)):
        for point in (*SMALL, *NOT_CANONICAL):
            for number in (0, 1, random.randrange(ORDER)):
                assert not agree(public, message, point + little(number))


@pytest.mark.parametrize("small", SMALL[1:], ids=lambda key: key.hex()[:6])
def test_keys_with_a_part_of_small_order(small: bytes) -> None:
    """Such a key, and a signature that fits it: whether it holds depends on the message, and both must say the same."""
    secret, nonce = 0x1234567, 0x7654321
    public = crypto_core_ed25519_add(crypto_scalarmult_ed25519_base_noclamp(little(secret)), small)
    point = crypto_scalarmult_ed25519_base_noclamp(little(nonce))
    said = set()
    for number in range(60):
        message = number.to_bytes(2, "big")
        fitting = (nonce + hashed(point, public, message) * secret) % ORDER
        said.add(agree(public, message, point + little(fitting)))
    assert said == {True, False}


@pytest.mark.parametrize("public", [b"", b"short", bytes(33), b"\x02" + bytes(31)])
def test_what_is_no_key_verifies_nothing(public: bytes) -> None:
    key = VerifyKey(public)
    assert [key.verifies(b"x", bytes(64)) for _ in range(3)] == [False] * 3
