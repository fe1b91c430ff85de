"""Unpadded base64 (appendices, "Unpadded Base64")."""

import binascii


def encode_base64(data: bytes) -> str:
    """Unpadded base64 with the standard alphabet."""
    return binascii.b2a_base64(data, newline=False).rstrip(b"=").decode()


def encode_base64_url(data: bytes) -> str:
    """Unpadded base64 with the URL-safe alphabet."""
    return encode_base64(data).replace("+", "-").replace("/", "_")


def decode_base64(text: str) -> bytes:
    """With or without padding, in either alphabet; raises ValueError for other characters."""
    unpadded = text.rstrip("=").replace("-", "+").replace("_", "/")
    return binascii.a2b_base64(unpadded + "=" * (-len(unpadded) % 4), strict_mode=True)
