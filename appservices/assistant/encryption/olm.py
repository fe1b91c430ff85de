"""Olm: what devices tell each other ("m.olm.v1.curve25519-aes-sha2"), with a session renewed where one is broken."""

import logging
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson
from vodozemac import AnyOlmMessage, Curve25519PublicKey, Session

from appservices.assistant.encryption.account import CURVE, OwnDevice
from appservices.assistant.encryption.asking import Json, KeyServer
from appservices.assistant.encryption.devices import OLM, Device, read_device
from appservices.assistant.encryption.signing import canonical, is_signed, padded, unpadded
from appservices.assistant.encryption.slices import in_slices
from appservices.assistant.journal.keys import KeyJournal
from appservices.assistant.matrix.events import as_object, as_text
from appservices.assistant.runtime import Clock

_log = logging.getLogger(__name__)

_RENEW_SECONDS: Final = 3600.0
_NO_KEYS_SECONDS: Final = 300.0
_MOST: Final = 5000


class Unreadable(Exception):
    """A letter that is not for us, or not what it says. In words for the log."""


class Broken(Unreadable):
    """A letter that does not open: the session may be broken."""


@dataclass(frozen=True)
class Opened:
    """A letter. `is_proven`: it came with device keys of its sender, signed by that device."""

    sender: str
    sender_key: str
    signing_key: str
    type: str
    content: Mapping[str, Any]
    is_proven: bool


class OlmSessions:
    def __init__(self, own: OwnDevice, store: KeyJournal, server: KeyServer, clock: Clock, pickle_key: bytes) -> None:
        self._own = own
        self._store = store
        self._server = server
        self._clock = clock
        self._pickle_key = pickle_key
        self._renewed: OrderedDict[str, float] = OrderedDict()
        self._without_keys: OrderedDict[str, float] = OrderedDict()

    # ---- reading

    def open(self, sender: str, content: Mapping[str, Any]) -> Opened:
        """Raises Unreadable, Broken. Inside a transaction of the store: what it uses up is used up together with what the letter brings."""
        sender_key = as_text(content.get("sender_key"))
        mine = as_object(as_object(content.get("ciphertext")).get(self._own.key))
        if content.get("algorithm") != OLM or not sender_key or not mine:
            raise Unreadable("not for this device")
        try:
            message = AnyOlmMessage.from_parts(mine["type"], padded(mine["body"]))
            plain = self._decrypt(sender_key, message)
            found = orjson.loads(plain)
        except (ValueError, TypeError, KeyError, OverflowError) as error:
            raise Broken(str(error)) from error
        return self._checked(sender, sender_key, as_object(found))

    def _decrypt(self, sender_key: str, message: Any) -> bytes:
        first = message.to_pre_key()
        for name, pickle in self._store.sessions_with(sender_key):
            if first is not None and first.session_id() != name:
                continue
            session: Any = Session.from_pickle(pickle, self._pickle_key)
            try:
                plain: bytes = session.decrypt(message)
            except ValueError:
                if first is not None:
                    raise
                continue
            self._keep(sender_key, session, read=True)
            return plain
        if first is None:
            raise ValueError("no session fits")
        made, plain = self._own.account.create_inbound_session(Curve25519PublicKey.from_base64(sender_key), first)
        self._own.save()
        self._keep(sender_key, made, read=True)
        return plain

    def _checked(self, sender: str, sender_key: str, found: Mapping[str, Any]) -> Opened:
        """The checks that the specification lists; all that does not stand them is thrown away."""
        signing_key = as_text(as_object(found.get("keys")).get("ed25519"))
        if found.get("sender") != sender or not signing_key:
            raise Unreadable("not from whom it says")
        if found.get("recipient") != self._own.user or as_object(found.get("recipient_keys")).get("ed25519") != self._own.signing_key:
            raise Unreadable("meant for somebody else")
        told = found.get("sender_device_keys", found.get("org.matrix.msc4147.device_keys"))
        if told is not None:
            device = read_device(told, sender, as_text(as_object(told).get("device_id")))
            if device is None or device.key != sender_key or device.signing_key != signing_key:
                raise Unreadable("its device keys are not its own")
        return Opened(sender, sender_key, signing_key, as_text(found.get("type")), as_object(found.get("content")), told is not None)

    # ---- writing

    def has_session(self, device: Device) -> bool:
        return bool(self._store.sessions_with(device.key))

    async def reach(self, devices: Sequence[Device], *, anew: bool = False) -> None:
        """A session with each, as far as they have keys that can be claimed. Raises Refused, Unreachable."""
        now = self._clock.monotonic()
        missing = [device for device in devices if anew or not (self.has_session(device) or self._without_keys.get(device.key, 0.0) > now)]
        if not missing:
            return
        claimed = await self._server.claim([(device.user, device.id) for device in missing])
        async for some in in_slices(missing, self._clock):
            with self._store.together():
                for device in some:
                    if not self._begin(device, as_object(as_object(claimed.get(device.user)).get(device.id))):
                        _keep(self._without_keys, device.key, now + _NO_KEYS_SECONDS)

    def _begin(self, device: Device, claimed: Mapping[str, Any]) -> bool:
        for name, key in claimed.items():
            if not name.startswith(f"{CURVE}:") or not is_signed(as_object(key), device.user, f"ed25519:{device.id}", device.signing_key):
                continue
            try:
                theirs, one_time = Curve25519PublicKey.from_base64(device.key), Curve25519PublicKey.from_base64(key["key"])
                session = self._own.account.create_outbound_session(theirs, one_time)
            except (ValueError, TypeError, KeyError) as error:
                _log.info("no session with %s of %s: %s", device.id, device.user, error)
                continue
            self._keep(device.key, session, read=True)
            return True
        return False

    def seal(self, device: Device, kind: str, content: Mapping[str, Any]) -> Json | None:
        """The content of an `m.room.encrypted` for that device; None where there is no session."""
        sessions = self._store.sessions_with(device.key)
        if not sessions:
            return None
        session: Any = Session.from_pickle(sessions[0][1], self._pickle_key)
        plain = {
            "type": kind,
            "content": content,
            "sender": self._own.user,
            "recipient": device.user,
            "recipient_keys": {"ed25519": device.signing_key},
            "keys": {"ed25519": self._own.signing_key},
            "sender_device_keys": self._own.keys,
        }
        number, body = session.encrypt(canonical(plain)).to_parts()
        self._keep(device.key, session, read=False)
        return {"algorithm": OLM, "sender_key": self._own.key, "ciphertext": {device.key: {"type": number, "body": unpadded(body)}}}

    async def renew(self, device: Device) -> None:
        """A new session in place of one that is broken, told by an `m.dummy`; at most once an hour."""
        now = self._clock.monotonic()
        if self._renewed.get(device.key, 0.0) > now:
            return
        _keep(self._renewed, device.key, now + _RENEW_SECONDS)
        await self.reach([device], anew=True)
        letter = self.seal(device, "m.dummy", {})
        if letter is not None:
            await self._server.send("m.room.encrypted", {(device.user, device.id): letter})

    def _keep(self, sender_key: str, session: Any, *, read: bool) -> None:
        used_at = self._clock.now_ms() if read else None
        self._store.put_session(sender_key, session.session_id, session.pickle(self._pickle_key), used_at)


def _keep(table: OrderedDict[str, float], key: str, until: float) -> None:
    table[key] = until
    table.move_to_end(key)
    while len(table) > _MOST:
        table.popitem(last=False)
