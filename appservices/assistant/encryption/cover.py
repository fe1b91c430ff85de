"""What the rest of the assistant sees of encryption: what is said in an encrypted room is sealed, what is read there is opened, and nothing else leaves.

Fails closed: a room of which it is not certain that it is plain is spoken to in no other way than encrypted, or not at all. Nothing of the cryptography is
loaded before the first encrypted room.
"""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol
from urllib.parse import quote

import orjson
from twisted.internet.defer import DeferredLock

from appservices.assistant.encryption.audience import Audiences
from appservices.assistant.encryption.key_file import read_key
from appservices.assistant.encryption.secret_rooms import MEGOLM, SecretRooms, read_secrecy
from appservices.assistant.journal.file import JournalFile
from appservices.assistant.journal.keys import KeyJournal
from appservices.assistant.matrix.errors import CannotEncrypt, Refused, Unreachable
from appservices.assistant.matrix.events import Event, as_object, as_text
from appservices.assistant.runtime import Chance, Clock
from appservices.assistant.settings import Settings

if TYPE_CHECKING:
    from appservices.assistant.encryption.vault import Vault

_log = logging.getLogger(__name__)

ENCRYPTION: Final = "m.room.encryption"
ENCRYPTED: Final = "m.room.encrypted"
PLAIN_STATE: Final = ("chat.chatme.ai.settings", "m.space.child")  # nothing of what is said in the room
_OF_DEVICE: Final = (
    "to_device",
    "de.sorunome.msc2409.to_device",
    "device_one_time_keys_count",
    "org.matrix.msc3202.device_one_time_keys_count",
    "org.matrix.msc3202.device_one_time_key_counts",
)
_LONGEST_EMOJI: Final = 16
_REFUSED_SECONDS: Final = 60.0
Json = dict[str, Any]


class Homeserver(Protocol):
    async def ask(self, method: str, path: str, body: Any = None, query: Mapping[str, str] | None = None) -> Json: ...

    async def joined_members(self, room: str) -> dict[str, str]: ...

    async def state(self, room: str, kind: str, key: str = "") -> Json | None: ...


class Cover:
    def __init__(self, homeserver: Homeserver, file: JournalFile, settings: Settings, clock: Clock, chance: Chance) -> None:
        self._homeserver = homeserver
        self._file = file
        self._settings = settings
        self._clock = clock
        self._chance = chance
        self._store = KeyJournal(file)
        self._rooms = SecretRooms(self._store)
        self._audiences = Audiences(homeserver, clock)
        self._loading = DeferredLock()
        self._loaded: Vault | None = None
        self._refused_until = 0.0

    async def begin(self) -> None:
        """Where there was an encrypted room before. Raises Unreachable."""
        if self._store.has_account():
            await self._try_to_load()

    def close(self) -> None:
        if self._loaded is not None:
            self._loaded.close()

    async def _vault(self) -> "Vault":
        if self._loaded is None:
            await self._loading.acquire()
            try:
                if self._loaded is None:
                    self._loaded = await self._load()
            finally:
                self._loading.release()
        return self._loaded

    async def _try_to_load(self) -> "Vault | None":
        """None where that is refused: then encrypted rooms stay closed, and the others are as they were. Raises Unreachable."""
        if self._loaded is None and self._clock.monotonic() < self._refused_until:
            return None
        try:
            return await self._vault()
        except Refused as error:
            self._refused_until = self._clock.monotonic() + _REFUSED_SECONDS
            _log.warning("the assistant has no part in encrypted rooms: %s %s", error, error.reason)
            return None

    async def _load(self) -> "Vault":
        try:
            from appservices.assistant.encryption.vault import Vault
        except ImportError as error:
            raise CannotEncrypt(f"what encrypted rooms need is not installed: {error}") from error
        settings = self._settings
        path = Path(settings.key_file or f"{settings.database}.key")
        pickle_key = read_key(path, self._chance, may_make=not self._store.has_account())
        vault = Vault(
            settings.user_id,
            self._homeserver,
            self._store,
            self._audiences,
            self._clock,
            self._chance,
            pickle_key,
            only_signed=settings.only_signed_devices,
        )
        await self._file.settle()
        await vault.begin(settings.display_name)
        return vault

    # ---- which rooms

    def is_known(self, room: str) -> bool:
        """Whether it was seen to be encrypted."""
        return self._rooms.get(room) is not None

    async def is_encrypted(self, room: str) -> bool:
        """What was seen once stays so; that it is plain is asked for each time. Raises Refused, Unreachable."""
        if self.is_known(room):
            return True
        try:
            content = await self._homeserver.ask("GET", f"/_matrix/client/v3/rooms/{quote(room, safe='')}/state/{ENCRYPTION}/")
        except Refused as error:
            if error.status == 404 and error.errcode == "M_NOT_FOUND":
                return False
            raise
        self._rooms.put(room, read_secrecy(content))
        return True

    def note(self, event: Event) -> None:
        """Of a transaction: what concerns keys."""
        self._audiences.note(event)
        if event.type == ENCRYPTION and event.state_key == "":
            secrecy = read_secrecy(dict(event.content))
            known = self._rooms.get(event.room)
            if known is None or secrecy.algorithm == MEGOLM:
                self._rooms.put(event.room, secrecy)
        elif (
            event.type == "m.room.member"
            and event.state_key is not None
            and event.content.get("membership") in ("leave", "ban")
            and self.is_known(event.room)
        ):
            self._store.fall_silent(event.room)

    async def expect(self, event: Event) -> None:
        """An invitation to an encrypted room, or the room has just become one: the device is there before anybody speaks to it."""
        shown = (event.unsigned or {}).get("invite_room_state")
        kinds = [as_object(each).get("type") for each in shown] if isinstance(shown, list) else []
        if ENCRYPTION not in (*kinds, event.type):
            return
        try:
            await self._try_to_load()
        except Unreachable as error:
            _log.warning("the assistant cannot be reached in encrypted rooms yet: %s", error)

    def blind(self, room: str, event: str) -> None:
        """It was turned off there by that event: what was said until then cannot be read any more."""
        self._store.forget_unread(room)
        if self._loaded is not None:
            self._loaded.reader.blind(room, event)
        else:
            self._store.forget_room(room)

    def forget(self, room: str) -> None:
        """It is not in there any more."""
        self._audiences.forget(room)
        if self._loaded is not None:
            self._loaded.reader.forget(room)
            self._loaded.speaker.forget(room)
        else:
            self._store.forget_room(room)
        self._rooms.forget(room)

    def clean(self) -> None:
        self._store.clean(self._clock.now_ms())

    # ---- transactions

    async def take(self, body: Mapping[str, Any]) -> None:
        """Before its events are looked at. Raises Unreachable: then it is to come again."""
        if self._store.has_account() and (self._loaded is not None or any(body.get(name) for name in _OF_DEVICE)):
            vault = await self._try_to_load()
            if vault is not None:
                vault.take(body)

    def wait(self, event: Event) -> None:
        """Its key may come later."""
        self._store.wait(event.id, event.room, as_text(event.content.get("session_id")), event.at)

    def came_late(self) -> list[tuple[str, str]]:
        return self._store.came_late()

    def no_longer_waits(self, event_id: str) -> None:
        self._store.no_longer_waits(event_id)

    # ---- messages

    async def seal(self, room: str, kind: str, content: Mapping[str, Any]) -> tuple[str, Json]:
        """Type and content as they may leave. Raises CannotEncrypt, Refused, Unreachable."""
        if not await self.is_encrypted(room):
            return kind, dict(content)
        if kind == "m.reaction":
            return kind, _bare_reaction(content)
        secrecy = self._rooms.get(room)
        if secrecy is None or secrecy.algorithm != MEGOLM:
            raise CannotEncrypt(f"{room} is encrypted in a way that is not known here")
        vault = await self._vault()
        try:
            sealed = await vault.speaker.seal(room, secrecy, kind, content)
        except Refused as error:
            _log.info("the assistant could not speak in %s: %s; its device may have been removed", room, error)
            await vault.begin(self._settings.display_name)
            sealed = await vault.speaker.seal(room, secrecy, kind, content)
        await self._file.settle()  # before anybody sees what the ratchet made
        return ENCRYPTED, sealed

    async def check_state(self, room: str, kind: str) -> None:
        """State is in plain text everywhere. Raises CannotEncrypt, Refused, Unreachable."""
        if kind not in PLAIN_STATE and await self.is_encrypted(room):
            raise CannotEncrypt(f"{kind} would be in plain text")

    async def open(self, event: Mapping[str, Any]) -> Json:
        """As it was sent; as it is, where it is plain or cannot be read. Raises Unreachable."""
        opened = dict(event)
        if event.get("type") == ENCRYPTED and "ciphertext" in as_object(event.get("content")) and self._store.has_account():
            vault = await self._try_to_load()
            if vault is not None:
                opened = await vault.open(event)
        unsigned = as_object(opened.get("unsigned"))
        bundled = as_object(unsigned.get("m.relations"))
        edit = as_object(bundled.get("m.replace"))
        if edit.get("type") == ENCRYPTED:
            shown = await self.open({"room_id": event.get("room_id")} | dict(edit))
            opened["unsigned"] = {**unsigned, "m.relations": {**bundled, "m.replace": shown}}
        return opened

    # ---- files

    def lock_file(self, data: bytes) -> tuple[bytes, Json]:
        from appservices.assistant.encryption.attachments import lock_file

        return lock_file(data, self._chance)

    def unlock_file(self, data: bytes, file: Mapping[str, Any]) -> bytes:
        """Raises BadFile."""
        from appservices.assistant.encryption.attachments import unlock_file

        return unlock_file(data, file)


def letters_of(body: Mapping[str, Any]) -> list[str]:
    """By which transactions with the same events are told apart."""
    return [orjson.dumps(body[name]).decode() for name in _OF_DEVICE[:2] if body.get(name)]


def _bare_reaction(content: Mapping[str, Any]) -> Json:
    """Reactions are plain everywhere, so that they can be counted: an emoji may be one, words may not."""
    relation = as_object(content.get("m.relates_to"))
    key = as_text(relation.get("key"))
    if not key or len(key) > _LONGEST_EMOJI or any(character.isalnum() for character in key):
        raise CannotEncrypt("a reaction with words would be in plain text")
    return {"m.relates_to": {name: relation[name] for name in ("rel_type", "event_id", "key") if name in relation}}
