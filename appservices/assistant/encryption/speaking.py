"""Megolm, to speak: a session for each room, its key given to all devices of the people there before a word is said with it.

A session ends with its time or its count of messages, when somebody who had it leaves, when a device that had it is gone, and when the room begins or ceases
to let newcomers see its history.
"""

import logging
from collections.abc import Mapping, Sequence
from typing import Any, Final

from twisted.internet.defer import DeferredLock
from vodozemac import GroupSession, InboundGroupSession

from appservices.assistant.encryption.account import OwnDevice
from appservices.assistant.encryption.asking import Json, KeyServer
from appservices.assistant.encryption.audience import Audience, Audiences
from appservices.assistant.encryption.devices import Device, DeviceLists
from appservices.assistant.encryption.olm import OlmSessions
from appservices.assistant.encryption.reading import Reader
from appservices.assistant.encryption.secret_rooms import MEGOLM, Secrecy
from appservices.assistant.encryption.signing import canonical
from appservices.assistant.encryption.slices import in_slices
from appservices.assistant.journal.keys import KeyJournal, RoomKey, Speaking
from appservices.assistant.matrix.errors import Refused, Unreachable
from appservices.assistant.runtime import Clock

_log = logging.getLogger(__name__)

_AGAIN_MS: Final = 300_000  # after which a device that could not be given a key is tried again
NO_SESSION: Final = "m.no_olm"
NOT_SIGNED: Final = "m.unverified"
_REASONS: Final = {NO_SESSION: "no Olm session could be made", NOT_SIGNED: "the device is not signed by its owner"}
Shared = dict[tuple[str, str], tuple[str, str, int]]


class Speaker:
    def __init__(
        self,
        own: OwnDevice,
        store: KeyJournal,
        server: KeyServer,
        devices: DeviceLists,
        olm: OlmSessions,
        reader: Reader,
        audiences: Audiences,
        clock: Clock,
        pickle_key: bytes,
        *,
        only_signed: bool,
    ) -> None:
        self._own = own
        self._store = store
        self._server = server
        self._devices = devices
        self._olm = olm
        self._reader = reader
        self._audiences = audiences
        self._clock = clock
        self._pickle_key = pickle_key
        self._only_signed = only_signed
        self._locks: dict[str, DeferredLock] = {}

    async def seal(self, room: str, secrecy: Secrecy, kind: str, content: Mapping[str, Any]) -> Json:
        """The content of an `m.room.encrypted`. Raises Refused, Unreachable: then nobody has been told anything."""
        lock = self._locks.setdefault(room, DeferredLock())
        await lock.acquire()
        try:
            audience = await self._audiences.of(room)
            devices = [each for each in await self._devices.of(audience.members) if (each.user, each.id) != (self._own.user, self._own.id)]
            speaking = self._going_on(room, secrecy, audience, devices) or self._begin(room, audience)
            await self._share(speaking, devices)
            return self._encrypt(speaking, kind, content)
        finally:
            lock.release()

    def forget(self, room: str) -> None:
        self._locks.pop(room, None)

    # ---- the session

    def _going_on(self, room: str, secrecy: Secrecy, audience: Audience, devices: Sequence[Device]) -> Speaking | None:
        speaking = self._store.speaking(room)
        if speaking is None:
            return None
        age = self._clock.now_ms() - speaking.since
        count = GroupSession.from_pickle(speaking.pickle, self._pickle_key).message_index
        if not 0 <= age < secrecy.period_ms or count >= secrecy.period_messages or speaking.is_shareable != audience.is_shareable:
            return None
        there = {(device.user, device.id): device.key for device in devices}
        for (user, name), (key, withheld, _) in self._store.shared(speaking.session).items():
            if not withheld and there.get((user, name)) != key:
                return None
        return speaking

    def _begin(self, room: str, audience: Audience) -> Speaking:
        """We can read what we say, too: it is looked for in the room after a crash."""
        session: Any = GroupSession()
        speaking = Speaking(room, session.session_id, self._clock.now_ms(), audience.is_shareable, session.pickle(self._pickle_key))
        own = RoomKey(0, room, session.session_id, self._own.key, self._own.user, self._own.signing_key, True, audience.is_shareable, "")
        with self._store.together():
            self._store.fall_silent(room)
            self._store.put_speaking(speaking)
            self._reader.keep(own, InboundGroupSession(session.session_key))
        return speaking

    def _encrypt(self, speaking: Speaking, kind: str, content: Mapping[str, Any]) -> Json:
        """What it relates to stays outside ("Encrypted relations"); the ratchet is stored before anybody sees what it made."""
        session: Any = GroupSession.from_pickle(speaking.pickle, self._pickle_key)
        inner = {name: value for name, value in content.items() if name != "m.relates_to"}
        cipher = session.encrypt(canonical({"type": kind, "content": inner, "room_id": speaking.room})).to_base64()
        kept = Speaking(speaking.room, speaking.session, speaking.since, speaking.is_shareable, session.pickle(self._pickle_key))
        self._store.put_speaking(kept)
        sealed: Json = {
            "algorithm": MEGOLM,
            "sender_key": self._own.key,
            "device_id": self._own.id,
            "session_id": speaking.session,
            "ciphertext": cipher,
        }
        return sealed | ({"m.relates_to": content["m.relates_to"]} if "m.relates_to" in content else {})

    # ---- its key

    async def _share(self, speaking: Speaking, devices: Sequence[Device]) -> None:
        shared = self._store.shared(speaking.session)
        now = self._clock.now_ms()
        waiting = [device for device in devices if self._is_waiting(shared, device, now)]
        good = [device for device in waiting if self._may_have_it(device)]
        withheld = {device: NOT_SIGNED for device in waiting if device not in good}
        await self._olm.reach(good)
        session: Any = GroupSession.from_pickle(speaking.pickle, self._pickle_key)
        content = {
            "algorithm": MEGOLM,
            "room_id": speaking.room,
            "session_id": speaking.session,
            "session_key": session.session_key.to_base64(),
            "shared_history": speaking.is_shareable,
        }
        letters: dict[tuple[str, str], Json] = {}
        told = []
        async for some in in_slices(good, self._clock):
            with self._store.together():
                for device in some:
                    letter = self._olm.seal(device, "m.room_key", content)
                    if letter is None:
                        withheld[device] = NO_SESSION
                    else:
                        letters[device.user, device.id] = letter
                        told.append(device)
        if letters:
            await self._server.send("m.room.encrypted", letters)
        with self._store.together():
            for device in told:
                self._store.share(speaking.session, device.user, device.id, device.key, "", now)
        await self._withhold(speaking, {device: why for device, why in withheld.items() if not _was_told(shared, device, why)}, now)

    def _is_waiting(self, shared: Shared, device: Device, now: int) -> bool:
        key, withheld, at = shared.get((device.user, device.id), ("", "", 0))
        if key != device.key:
            return True
        return (withheld == NO_SESSION and now - at >= _AGAIN_MS) or (withheld == NOT_SIGNED and self._may_have_it(device))

    def _may_have_it(self, device: Device) -> bool:
        return device.is_cross_signed or not self._only_signed

    async def _withhold(self, speaking: Speaking, devices: Mapping[Device, str], now: int) -> None:
        """They are told why they cannot read this. That they could not be told keeps nobody from speaking."""
        if not devices:
            return
        letters = {}
        for device, why in devices.items():
            content = {"algorithm": MEGOLM, "sender_key": self._own.key, "code": why, "reason": _REASONS[why]}
            place = {} if why == NO_SESSION else {"room_id": speaking.room, "session_id": speaking.session}
            letters[device.user, device.id] = content | place
        try:
            await self._server.send("m.room_key.withheld", letters)
        except (Refused, Unreachable) as error:
            _log.info("who was given no key could not be told so: %s", error)
            return
        with self._store.together():
            for device, why in devices.items():
                self._store.share(speaking.session, device.user, device.id, device.key, why, now)


def _was_told(shared: Shared, device: Device, why: str) -> bool:
    key, withheld, _ = shared.get((device.user, device.id), ("", "", 0))
    return key == device.key and withheld == why
