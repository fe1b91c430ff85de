"""The assistant's own device: its keys, pickled before anybody is told of them, and its cross-signing keys."""

import logging
from typing import Any, Final

import orjson
from nacl.exceptions import CryptoError
from nacl.secret import SecretBox
from vodozemac import Account

from appservices.assistant.encryption.asking import Json, KeyServer
from appservices.assistant.encryption.devices import OLM
from appservices.assistant.encryption.secret_rooms import MEGOLM
from appservices.assistant.encryption.signing import CrossKey, padded, signed, unpadded
from appservices.assistant.journal.keys import ACCOUNT, KeyJournal
from appservices.assistant.matrix.errors import CannotEncrypt, Refused
from appservices.assistant.matrix.events import as_object
from appservices.assistant.runtime import Chance

_log = logging.getLogger(__name__)

CURVE: Final = "signed_curve25519"
_USAGES: Final = ("master", "self_signing", "user_signing")
DEVICE: Final = "device"


def device_name(store: KeyJournal, chance: Chance) -> str:
    """Chosen once."""
    name = store.own(DEVICE)
    if name is None:
        name = f"ASSISTANT{chance.token(8).upper()}"
        store.put_own(DEVICE, name)
    return name


class OwnDevice:
    def __init__(self, user: str, device: str, store: KeyJournal, server: KeyServer, chance: Chance, pickle_key: bytes) -> None:
        """Raises CannotEncrypt where what is stored cannot be opened."""
        self.user = user
        self.id = device
        self._store = store
        self._server = server
        self._chance = chance
        self._pickle_key = pickle_key
        pickle = store.own(ACCOUNT)
        try:
            self.account: Any = Account() if pickle is None else Account.from_pickle(pickle, pickle_key)
        except ValueError as error:
            raise CannotEncrypt("the account cannot be opened with this key file") from error
        self.key: str = self.account.curve25519_key.to_base64()
        self.signing_key: str = self.account.ed25519_key.to_base64()
        if pickle is None:
            self.save()

    def save(self) -> None:
        self._store.put_own(ACCOUNT, self.account.pickle(self._pickle_key))

    def sign(self, data: bytes) -> str:
        signature: str = self.account.sign(data).to_base64()
        return signature

    @property
    def keys(self) -> Json:
        """As everybody may ask for them."""
        found = {
            "user_id": self.user,
            "device_id": self.id,
            "algorithms": [OLM, MEGOLM],
            "keys": {f"curve25519:{self.id}": self.key, f"ed25519:{self.id}": self.signing_key},
        }
        return signed(found, self.user, f"ed25519:{self.id}", self.sign)

    async def publish(self, name: str) -> None:
        """The device is there, with keys that others can claim, signed by its owner. Raises Refused, Unreachable."""
        await self._server.make_device(name)
        counts = await self._server.upload({"device_keys": self.keys})
        await self.replenish(counts.get(CURVE, 0), has_fallback=self._store.own("fallback") is not None)
        try:
            await self._cross_sign()
        except Refused as error:
            _log.warning("the device of the assistant could not be cross-signed: %s %s", error, error.reason)

    async def replenish(self, count: int, *, has_fallback: bool) -> None:
        """Half as many one-time keys as the account can hold stay with the homeserver, and an unused fallback key."""
        missing = self.account.max_number_of_one_time_keys // 2 - count
        waiting = len(self.account.one_time_keys)
        if missing > waiting:
            self.account.generate_one_time_keys(missing - waiting)
        if not has_fallback and not self.account.fallback_key:
            self.account.generate_fallback_key()
        one_time = {f"{CURVE}:{name}": self._one_time(key.to_base64()) for name, key in self.account.one_time_keys.items()}
        fallback = {f"{CURVE}:{name}": self._one_time(key.to_base64(), fallback=True) for name, key in self.account.fallback_key.items()}
        if not one_time and not fallback:
            return
        self.save()
        await self._server.upload({"one_time_keys": one_time} | ({"fallback_keys": fallback} if fallback else {}))
        self.account.mark_keys_as_published()
        with self._store.together():
            self.save()
            if fallback:
                self._store.put_own("fallback", "published")

    def _one_time(self, key: str, *, fallback: bool = False) -> Json:
        return signed({"key": key} | ({"fallback": True} if fallback else {}), self.user, f"ed25519:{self.id}", self.sign)

    # ---- cross-signing

    async def _cross_sign(self) -> None:
        """The three keys, and with them this device, unless all that is there already."""
        keys = self._cross_keys()
        found = await self._server.query([self.user])
        if self._master_there(found) != keys["master"].public:
            await self._server.upload_cross_signing(self._cross_signing(keys))
        device = as_object(as_object(as_object(found.get("device_keys")).get(self.user)).get(self.id))
        signer = f"ed25519:{keys['self_signing'].public}"
        if signer in as_object(as_object(device.get("signatures")).get(self.user)):
            return
        mine = {**self.keys, "signatures": {}}
        body = {self.user: {self.id: signed(mine, self.user, signer, keys["self_signing"].sign)}}
        if failures := await self._server.upload_signatures(body):
            _log.warning("the signature of the assistant's device was not taken: %s", orjson.dumps(failures).decode()[:300])

    def _master_there(self, found: Json) -> str:
        keys = as_object(as_object(as_object(found.get("master_keys")).get(self.user)).get("keys"))
        return str(next(iter(keys.values()), ""))

    def _cross_signing(self, keys: dict[str, CrossKey]) -> Json:
        master = keys["master"]
        body: Json = {}
        for usage, key in keys.items():
            found: Json = {"user_id": self.user, "usage": [usage], "keys": {f"ed25519:{key.public}": key.public}}
            if usage == "master":
                body["master_key"] = signed(found, self.user, f"ed25519:{self.id}", self.sign)
            else:
                body[f"{usage}_key"] = signed(found, self.user, f"ed25519:{master.public}", master.sign)
        return body

    def _cross_keys(self) -> dict[str, CrossKey]:
        """Their seeds are kept, closed with the key of the pickles."""
        box = SecretBox(self._pickle_key)
        found = {}
        for usage in _USAGES:
            closed = self._store.own(usage)
            if closed is None:
                seed = self._chance.token_bytes(32)
                nonce = self._chance.token_bytes(SecretBox.NONCE_SIZE)
                self._store.put_own(usage, unpadded(bytes(box.encrypt(seed, nonce))))
            else:
                try:
                    seed = box.decrypt(padded(closed))
                except (CryptoError, ValueError) as error:
                    raise CannotEncrypt("the cross-signing keys cannot be opened with this key file") from error
            found[usage] = CrossKey(seed)
        return found
