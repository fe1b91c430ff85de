"""A device puts up its keys (client-server API, "Uploading keys")."""

from typing import Any

from homeserver.encryption import key_shapes
from homeserver.encryption.signed import keep_signatures
from homeserver.encryption.store import KeyCounts, KeyIdTaken, KeyStore, Merge, TooManyKeys, Upload
from homeserver.errors import InvalidParam

MAX_ONE_TIME_KEYS = 1_000  # that a device may have here; clients keep about fifty


class KeyUpload:
    def __init__(self, store: KeyStore) -> None:
        self._store = store

    async def upload(self, user_id: str, device_id: str, body: dict[str, Any]) -> KeyCounts:
        """Raises BadJson, InvalidParam, InvalidSignature, TooLarge; then nothing is stored."""
        sent = {name: body[name] for name in ("device_keys", "one_time_keys", "fallback_keys") if body.get(name) is not None}
        if "fallback_keys" not in sent and body.get("org.matrix.msc2732.fallback_keys") is not None:
            sent["fallback_keys"] = body["org.matrix.msc2732.fallback_keys"]
        keys = key_shapes.device_keys(sent["device_keys"], user_id, device_id) if "device_keys" in sent else None
        one_time = key_shapes.one_time_keys(sent.get("one_time_keys", {}), "one_time_keys")
        fallback = key_shapes.fallback_keys(sent.get("fallback_keys", {}))
        if keys is None and not one_time and not fallback:
            return await self._store.counts(user_id, device_id)
        merge: Merge | None = None if keys is None else lambda stored: keep_signatures(keys, stored)
        try:
            return await self._store.upload(Upload(user_id, device_id, keys, one_time, fallback), merge, MAX_ONE_TIME_KEYS)
        except KeyIdTaken as error:
            raise InvalidParam(f"There is another one-time key with the name {error.args[0]} already") from error
        except TooManyKeys as error:
            raise InvalidParam(f"A device may have {MAX_ONE_TIME_KEYS} one-time keys here") from error
