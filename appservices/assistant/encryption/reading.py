"""Megolm, to read: keys of rooms as their senders gave them, and messages opened with them ("m.megolm.v1.aes-sha2").

A key is stored with the device that sent it, and opens only what that device's user sent. A message that was read as another event is a replay.
"""

import hashlib
import logging
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import orjson
from vodozemac import InboundGroupSession, MegolmMessage, SessionKey

from appservices.assistant.encryption.olm import Opened
from appservices.assistant.encryption.secret_rooms import MEGOLM
from appservices.assistant.journal.keys import KeyJournal, RoomKey
from appservices.assistant.matrix.events import as_object, as_text

_log = logging.getLogger(__name__)

_MOST_IN_MEMORY: Final = 200
_NEVER_SEALED: Final = ("m.room.redaction", "m.room.encrypted")  # the first is the server's to judge
Json = dict[str, Any]


@dataclass(frozen=True)
class Read:
    event: Json
    key: RoomKey


class Reader:
    def __init__(self, store: KeyJournal, pickle_key: bytes) -> None:
        self._store = store
        self._pickle_key = pickle_key
        self._open: OrderedDict[int, Any] = OrderedDict()

    def take_key(self, letter: Opened) -> bool:
        """An `m.room_key`; whether it is kept."""
        content = letter.content
        room, name = as_text(content.get("room_id")), as_text(content.get("session_id"))
        if content.get("algorithm") != MEGOLM or not room or not name:
            return False
        try:
            session: Any = InboundGroupSession(SessionKey(as_text(content.get("session_key"))))
        except ValueError as error:
            _log.info("a room key of %s makes no sense: %s", letter.sender, error)
            return False
        key = RoomKey(
            0, room, name, letter.sender_key, letter.sender, letter.signing_key, letter.is_proven, content.get("shared_history") is True, ""
        )
        return session.session_id == name and self.keep(key, session)

    def keep(self, key: RoomKey, session: Any) -> bool:
        """Of the same key the one that opens more; a different one under the same name is not taken."""
        known = next((each for each in self._store.room_keys(key.room, key.session) if each.sender_key == key.sender_key), None)
        if known is not None:
            if known.sender != key.sender:
                return False
            before = self._session(known)
            if session.first_known_index >= before.first_known_index or not _is_same(before, session):
                session = before
            self._open.pop(known.number, None)
        self._store.put_room_key(replace(key, pickle=session.pickle(self._pickle_key)))
        return True

    def read(self, event: Mapping[str, Any]) -> Read | None:
        """An `m.room.encrypted` as it was before; None where its key is not there, or it is not what it says it is."""
        content = as_object(event.get("content"))
        room, name = as_text(event.get("room_id")), as_text(content.get("session_id"))
        if event.get("state_key") is not None:
            return None
        for key in self._store.room_keys(room, name):
            if key.sender != event.get("sender"):
                continue
            try:
                opened = self._session(key).decrypt(MegolmMessage.from_base64(as_text(content.get("ciphertext"))))
                inner = as_object(orjson.loads(bytes(opened.plaintext)))
            except ValueError as error:
                _log.info("%s cannot be read: %s", event.get("event_id"), error)
                continue
            if (
                inner.get("room_id") != room
                or inner.get("type") in _NEVER_SEALED
                or self._is_replay(key, opened.message_index, as_text(event.get("event_id")))
            ):
                _log.warning("%s is not what it says it is", event.get("event_id"))
                continue
            return Read(_as_sent(event, inner), key)
        return None

    def _is_replay(self, key: RoomKey, index: int, event_id: str) -> bool:
        mark = _mark(event_id)
        known = self._store.event_of(key.number, index)
        if known is None:
            self._store.note_event(key.number, index, mark)
        return known is not None and known != mark

    def _session(self, key: RoomKey) -> Any:
        session = self._open.get(key.number)
        if session is None:
            session = self._open[key.number] = InboundGroupSession.from_pickle(key.pickle, self._pickle_key)
        self._open.move_to_end(key.number)
        while len(self._open) > _MOST_IN_MEMORY:
            self._open.popitem(last=False)
        return session

    def blind(self, room: str, event: str) -> None:
        """What was said there until that event cannot be read any more; what is said with the same keys from then on can."""
        with self._store.together():
            until = self._store.place_of(_mark(event))
            for number, pickle, last in self._store.last_read(room):
                last = until.get(number, last)
                session: Any = InboundGroupSession.from_pickle(pickle, self._pickle_key)
                exported = session.export_at(max(last + 1, session.first_known_index))
                if exported is not None:
                    self._store.replace_pickle(number, InboundGroupSession.import_session(exported).pickle(self._pickle_key))
                self._open.pop(number, None)

    def forget(self, room: str) -> None:
        self._open.clear()
        self._store.forget_room(room)


def _mark(event_id: str) -> bytes:
    return hashlib.sha256(event_id.encode()).digest()[:12]


def _as_sent(event: Mapping[str, Any], inner: Mapping[str, Any]) -> Json:
    """What it relates to stands outside."""
    content = {name: value for name, value in as_object(inner.get("content")).items() if name != "m.relates_to"}
    relation = as_object(event.get("content")).get("m.relates_to")
    if relation is not None:
        content["m.relates_to"] = relation
    return {**event, "type": as_text(inner.get("type")), "content": content}


def _is_same(one: Any, other: Any) -> bool:
    """Where both can be read, they are one ratchet."""
    index = max(one.first_known_index, other.first_known_index)
    exports = [session.export_at(index) for session in (one, other)]
    return all(exports) and exports[0].to_base64() == exports[1].to_base64()
