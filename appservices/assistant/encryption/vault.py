"""The device and all that it can: reads letters and messages, speaks in rooms, keeps its keys replenished. Loaded with the first encrypted room."""

import hashlib
import logging
from collections.abc import Coroutine, Iterable, Mapping
from typing import Any, Final

import orjson
from twisted.internet.defer import CancelledError, Deferred, DeferredLock
from twisted.python.failure import Failure

from appservices.assistant.encryption.account import CURVE, OwnDevice, device_name
from appservices.assistant.encryption.asking import Asks, Json, KeyServer
from appservices.assistant.encryption.audience import Audiences
from appservices.assistant.encryption.devices import DeviceLists
from appservices.assistant.encryption.olm import Broken, OlmSessions, Opened, Unreadable
from appservices.assistant.encryption.reading import Reader
from appservices.assistant.encryption.speaking import NO_SESSION, Speaker
from appservices.assistant.journal.keys import KeyJournal, RoomKey
from appservices.assistant.matrix.errors import Refused, Unreachable
from appservices.assistant.matrix.events import as_object, as_text
from appservices.assistant.runtime import Chance, Clock

_log = logging.getLogger(__name__)

LETTERS: Final = ("to_device", "de.sorunome.msc2409.to_device")
_MOST_ERRANDS: Final = 32
_LISTS: Final = ("device_lists", "org.matrix.msc3202.device_lists")
_COUNTS: Final = (
    "device_one_time_keys_count",
    "org.matrix.msc3202.device_one_time_keys_count",
    "org.matrix.msc3202.device_one_time_key_counts",
)
_FALLBACK: Final = ("device_unused_fallback_key_types", "org.matrix.msc3202.device_unused_fallback_key_types")


class Vault:
    def __init__(
        self,
        user: str,
        homeserver: Asks,
        store: KeyJournal,
        audiences: Audiences,
        clock: Clock,
        chance: Chance,
        pickle_key: bytes,
        *,
        only_signed: bool,
    ) -> None:
        server = KeyServer(homeserver, chance, user, device_name(store, chance))
        self._store = store
        self._clock = clock
        self._only_signed = only_signed
        self.own = OwnDevice(user, device_name(store, chance), store, server, chance, pickle_key)
        self.devices = DeviceLists(server, clock)
        self.olm = OlmSessions(self.own, store, server, clock, pickle_key)
        self.reader = Reader(store, pickle_key)
        self.speaker = Speaker(
            self.own, store, server, self.devices, self.olm, self.reader, audiences, clock, pickle_key, only_signed=only_signed
        )
        self._tending = DeferredLock()
        self._errands: set[Deferred[None]] = set()

    async def begin(self, name: str) -> None:
        """Raises Refused, Unreachable."""
        await self.own.publish(name)

    def close(self) -> None:
        for errand in list(self._errands):
            errand.cancel()

    # ---- transactions

    def take(self, body: Mapping[str, Any]) -> None:
        """What one brings for this device; what has to be asked for then is asked for afterwards."""
        self.devices.changed(user for lists in _members(body, _LISTS) for user in _texts(lists.get("changed")))
        for letter in _letters(body):
            if letter.get("to_user_id") == self.own.user and letter.get("to_device_id") == self.own.id:
                self._take_letter(as_text(letter.get("type")), as_text(letter.get("sender")), as_object(letter.get("content")))
        counts, fallback = (_of_device(body, names, self.own.user, self.own.id) for names in (_COUNTS, _FALLBACK))
        if isinstance(counts, Mapping):
            count = counts.get(CURVE, 0)
            has_fallback = not isinstance(fallback, list) or CURVE in fallback
            self._run_errand(self._tend(count if isinstance(count, int) else 0, has_fallback))

    def _take_letter(self, kind: str, sender: str, content: Mapping[str, Any]) -> None:
        """Once: a transaction may come again after a crash, and letters open but once."""
        sender_key = as_text(content.get("sender_key"))
        if kind == "m.room_key.withheld" and content.get("code") == NO_SESSION:
            self._run_errand(self._mend(sender, sender_key))
        if kind != "m.room.encrypted":
            return
        digest = hashlib.sha256(orjson.dumps([sender, content], option=orjson.OPT_SORT_KEYS)).digest()
        try:
            with self._store.together():
                if self._store.is_new_letter(digest, self._clock.now_ms()):
                    self._take_opened(self.olm.open(sender, content))
        except Broken as error:
            _log.warning("a letter of %s does not open: %s", sender, error)
            self._run_errand(self._mend(sender, sender_key))
        except Unreadable as error:
            _log.info("a letter of %s is not taken: %s", sender, error)

    def _take_opened(self, letter: Opened) -> None:
        """Keys come from who made them; what is forwarded was not asked for."""
        if letter.type == "m.room_key" and not self.reader.take_key(letter):
            _log.info("a room key of %s is not taken", letter.sender)

    async def _tend(self, count: int, has_fallback: bool) -> None:
        await self._tending.acquire()
        try:
            await self.own.replenish(count, has_fallback=has_fallback)
        finally:
            self._tending.release()

    async def _mend(self, sender: str, sender_key: str) -> None:
        device = await self.devices.find(sender, sender_key)
        if device is not None:
            await self.olm.renew(device)

    def _run_errand(self, errand: Coroutine[Any, Any, None]) -> None:
        """Not more at once than a flood of bad letters should cost; what is left out comes up again."""
        if len(self._errands) >= _MOST_ERRANDS:
            errand.close()
            return
        running = Deferred.fromCoroutine(errand)
        self._errands.add(running)

        running.addErrback(_told)
        running.addBoth(lambda _: self._errands.discard(running))

    # ---- reading

    async def open(self, event: Mapping[str, Any]) -> Json:
        """As it was before it was encrypted; as it is where it cannot be read."""
        read = self.reader.read(event)
        return dict(event) if read is None or not await self._is_whose(read.key) else read.event

    async def _is_whose(self, key: RoomKey) -> bool:
        """Whether the device that sent the key is its sender's."""
        if key.sender_key == self.own.key:
            return key.sender == self.own.user
        if key.is_proven and not self._only_signed:
            return True
        device = await self.devices.find(key.sender, key.sender_key)
        if device is None or device.signing_key != key.signing_key or (self._only_signed and not device.is_cross_signed):
            return False
        if not key.is_proven:
            self._store.prove(key.number)
        return True


def _told(failure: Failure) -> None:
    """It is tried again with the next occasion."""
    if failure.check(CancelledError) is None:
        failure.trap(Refused, Unreachable)
        _log.warning("keys could not be tended: %s", failure.value)


def _members(body: Mapping[str, Any], names: Iterable[str]) -> list[Mapping[str, Any]]:
    return [as_object(body.get(name)) for name in names]


def _letters(body: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found = [letters for name in LETTERS if isinstance(letters := body.get(name), list)]
    return [as_object(letter) for letter in (found[0] if found else ())]


def _of_device(body: Mapping[str, Any], names: Iterable[str], user: str, device: str) -> Any:
    return next((found for each in _members(body, names) if (found := as_object(each.get(user)).get(device)) is not None), None)


def _texts(found: Any) -> list[str]:
    return [each for each in found if isinstance(each, str)] if isinstance(found, list) else []
