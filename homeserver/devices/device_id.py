"""What a device may be called. Clients choose freely; the bound keeps the longest key of an index within what PostgreSQL takes (2,704 bytes)."""

from homeserver.errors import InvalidParam

MAX_DEVICE_ID_BYTES = 512


def check_device_id(device_id: object) -> str:
    """Raises InvalidParam."""
    if not isinstance(device_id, str) or not device_id or "\0" in device_id or len(device_id.encode()) > MAX_DEVICE_ID_BYTES:
        raise InvalidParam(f"A device ID is a text of 1 to {MAX_DEVICE_ID_BYTES} bytes")
    return device_id
