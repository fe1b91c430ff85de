"""A user's cross-signing keys (client-server API, "Cross-signing"; who has to prove who it is: `/keys/device_signing/upload`)."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson

from homeserver.encryption.key_shapes import cross_signing_key
from homeserver.encryption.signed import check_signature, keep_signatures
from homeserver.encryption.store import MASTER, SELF_SIGNING, USER_SIGNING, CrossSigningKey, KeyStore, UserKeys
from homeserver.errors import Forbidden, MissingParam

NAMES = {"master_key": MASTER, "self_signing_key": SELF_SIGNING, "user_signing_key": USER_SIGNING}


class Replacement(NamedTuple):
    """What an upload means, as things stand."""

    user_id: str
    keys: tuple[CrossSigningKey, ...]  # to be stored
    known: Mapping[str, str]  # usage → public key that is there now
    anew: bool  # there is a new master key
    needs_proof: bool  # keys that are there would be replaced


def names_keys(body: Mapping[str, Any]) -> bool:
    return any(body.get(name) is not None for name in NAMES)


class CrossSigning:
    def __init__(self, store: KeyStore) -> None:
        self._store = store

    async def weigh(self, user_id: str, body: Mapping[str, Any]) -> Replacement:
        """Raises BadJson, InvalidParam, MissingParam, InvalidSignature, Forbidden."""
        sent = {usage: cross_signing_key(body[name], user_id, usage) for name, usage in NAMES.items() if body.get(name) is not None}
        if not sent:
            raise MissingParam("No key came along")
        there = (await self._store.keys_of({user_id: ()}, user_id))[user_id]
        master = sent[MASTER][0] if MASTER in sent else _public(there, MASTER)
        if master is None:
            raise MissingParam("There is no master key")
        for usage, (_, body_bytes) in sent.items():
            if usage != MASTER:
                check_signature(orjson.loads(body_bytes), user_id, f"ed25519:{master}", master)
        if await self._store.names_device(user_id, [public_key for public_key, _ in sent.values()]):
            raise Forbidden("A key has the name of a device")
        known = {usage: key.public_key for usage, key in there.cross_signing.items()}
        new = {usage for usage, (public_key, _) in sent.items() if known.get(usage) != public_key}
        keys = tuple(key for usage, (public_key, raw) in sent.items() if (key := _to_store(usage, public_key, raw, there)) is not None)
        anew = MASTER in new
        return Replacement(user_id, keys, known, anew=anew, needs_proof=bool(new) and MASTER in known)

    async def replace(self, replacement: Replacement) -> bool:
        """False, and nothing done: the keys have changed meanwhile, so it must be weighed again."""
        if not replacement.keys:
            return True
        return await self._store.replace_cross_signing(replacement.user_id, replacement.keys, replacement.known, anew=replacement.anew)


def _public(keys: UserKeys, usage: str) -> str | None:
    key = keys.cross_signing.get(usage)
    return None if key is None else key.public_key


def _to_store(usage: str, public_key: str, body: bytes, there: UserKeys) -> CrossSigningKey | None:
    """None: it is all there."""
    stored = there.cross_signing.get(usage)
    kept = keep_signatures(body, stored.body if stored is not None and stored.public_key == public_key else None)
    return None if kept is None else CrossSigningKey(usage, public_key, kept)
