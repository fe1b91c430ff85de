"""Signatures on keys: on one's own devices and master key for everybody, on other users' master keys for oneself (client-server API, "Cross-signing")."""

from collections.abc import Mapping
from typing import Any

import orjson

from homeserver.encryption.remote import RemoteKeySource
from homeserver.encryption.signed import check_signature, essence, with_signatures
from homeserver.encryption.store import MASTER, SELF_SIGNING, USER_SIGNING, CrossSigningKey, KeyStore, UserKeys, UserSignature
from homeserver.errors import BadJson, InvalidParam, InvalidSignature, MatrixError, NotFound
from homeserver.protocol.canonical_json import encode_tolerant
from homeserver.protocol.errors import InvalidJson
from homeserver.rooms.append import Identity

MAX_SIGNED_OBJECTS = 5_000
MAX_SIGNED_BYTES = 65_536

Failures = dict[str, dict[str, dict[str, str]]]  # user → key → error


class SignatureUpload:
    def __init__(self, store: KeyStore, remote: RemoteKeySource, identity: Identity) -> None:
        self._store = store
        self._remote = remote
        self._identity = identity

    async def upload(self, user_id: str, body: Mapping[str, Any]) -> Failures:
        """Raises BadJson for a body of a wrong shape; whatever is wrong with one signature is told beside its key."""
        for target, keys in body.items():
            if not target.startswith("@") or ":" not in target or not isinstance(keys, dict):
                raise BadJson("The body must map users to keys")
        if sum(map(len, body.values())) > MAX_SIGNED_OBJECTS:
            raise InvalidParam(f"At most {MAX_SIGNED_OBJECTS} keys can be signed at once")
        own = (await self._store.keys_of({user_id: ()}, user_id))[user_id]
        failures: Failures = {}
        for target, keys in body.items():
            for key, signed in keys.items():
                try:
                    await self._take(user_id, own, target, key, signed)
                except MatrixError as error:
                    failures.setdefault(target, {})[key] = {"errcode": error.errcode, "error": error.message}
        return failures

    async def _take(self, user_id: str, own: UserKeys, target: str, key: str, signed: Any) -> None:
        signatures = _signatures_by(user_id, signed)
        if target != user_id:
            await self._sign_other(user_id, own, target, key, signed)
            return
        device = next((device for device in own.devices if device.device_id == key), None)
        if device is not None:
            self_signing = own.cross_signing.get(SELF_SIGNING)
            signers = {_key_id(self_signing): self_signing.public_key} if self_signing is not None else {}
            self._check(user_id, signed, device.body, signatures, {**signers, **_device_key(device.body)})
            await self._store.merge_device(user_id, key, lambda stored: _merged(stored, signed, user_id, signatures))
            return
        master = own.cross_signing.get(MASTER)
        if master is None or master.public_key != key:
            raise NotFound("You have no such key")
        signers = {_key_id(master): key}
        for one in own.devices:
            signers.update(_device_key(one.body))
        self._check(user_id, signed, master.body, signatures, signers)
        await self._store.merge_master(user_id, lambda stored: _merged(stored, signed, user_id, signatures))

    def _check(
        self, user_id: str, signed: dict[str, Any], stored: bytes, signatures: Mapping[str, str], signers: Mapping[str, str]
    ) -> None:
        """Each signature is by one of the signers, and over what is stored."""
        if essence(signed) != essence(orjson.loads(stored)):
            raise InvalidParam("The key is another one than that which is stored")
        for key_id in signatures:
            if key_id not in signers:
                raise InvalidSignature(f"{key_id} may not sign this")
            check_signature(signed, user_id, key_id, signers[key_id])

    async def _sign_other(self, user_id: str, own: UserKeys, target: str, key: str, signed: dict[str, Any]) -> None:
        master = await self._master_of(target)
        if master is None or f"ed25519:{key}" not in master.get("keys", {}):
            raise NotFound("The user has no such master key")
        if essence(signed) != essence(master):
            raise InvalidParam("The key is another one than the user's")
        signer = own.cross_signing.get(USER_SIGNING)
        if signer is None:
            raise InvalidSignature("You have no user-signing key")
        check_signature(signed, user_id, _key_id(signer), signer.public_key)
        signature = signed["signatures"][user_id][_key_id(signer)]
        await self._store.sign_user(UserSignature(user_id, target, key, _key_id(signer), signature))

    async def _master_of(self, user_id: str) -> dict[str, Any] | None:
        if not self._identity.is_local(user_id):
            return (await self._remote.query({user_id: ()}, 10_000)).master_keys.get(user_id)
        master = (await self._store.keys_of({user_id: ("",)}, user_id))[user_id].cross_signing.get(MASTER)
        return None if master is None else dict(orjson.loads(master.body))


def _signatures_by(user_id: str, signed: Any) -> dict[str, str]:
    """The caller's own signatures; raises BadJson, InvalidSignature."""
    if not isinstance(signed, dict):
        raise BadJson("A signed key must be an object")
    try:
        if len(encode_tolerant(signed)) > MAX_SIGNED_BYTES:
            raise BadJson("A signed key is too large")
    except InvalidJson as error:
        raise BadJson("A signed key has no canonical JSON") from error
    by_user = signed.get("signatures")
    signatures = by_user.get(user_id) if isinstance(by_user, dict) else None
    if not isinstance(signatures, dict) or not signatures or not all(isinstance(text, str) for text in signatures.values()):
        raise InvalidSignature("There is no signature of yours")
    return signatures


def _key_id(key: CrossSigningKey) -> str:
    return f"ed25519:{key.public_key}"


def _device_key(body: bytes) -> dict[str, str]:
    """A device's own signing key, by its name."""
    return {name: key for name, key in orjson.loads(body)["keys"].items() if name.startswith("ed25519:")}


def _merged(stored: bytes | None, signed: dict[str, Any], user_id: str, signatures: Mapping[str, str]) -> bytes | None:
    """None when the key is gone or another by now, or has these signatures already."""
    if stored is None:
        return None
    value = orjson.loads(stored)
    if essence(value) != essence(signed):
        return None
    merged = encode_tolerant(with_signatures(value, {user_id: dict(signatures)}))
    return None if merged == stored else merged
