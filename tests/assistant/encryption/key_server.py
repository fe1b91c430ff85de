"""A homeserver as far as keys are concerned, in memory; and people who use it as the assistant does."""

from collections import defaultdict
from collections.abc import Coroutine, Mapping
from typing import Any, TypeVar
from urllib.parse import unquote

import orjson
from twisted.internet.defer import Deferred

from appservices.assistant.encryption.audience import Audiences
from appservices.assistant.encryption.secret_rooms import MEGOLM, Secrecy
from appservices.assistant.encryption.vault import Vault
from appservices.assistant.journal.file import JournalFile
from appservices.assistant.journal.keys import KeyJournal
from appservices.assistant.matrix.errors import Refused
from appservices.assistant.runtime import MachineWorkers
from tests.support.clock import FakeClock, SeededChance

Json = dict[str, Any]
T = TypeVar("T")
ROOM = "!secret:test"
PICKLE_KEY = bytes(range(32))


class FakeKeyServer:
    def __init__(self) -> None:
        self.devices: dict[str, dict[str, Json]] = defaultdict(dict)
        self.one_time: dict[tuple[str, str], Json] = defaultdict(dict)
        self.fallback: dict[tuple[str, str], Json] = defaultdict(dict)
        self.cross: dict[str, Json] = defaultdict(dict)
        self.inbox: dict[tuple[str, str], list[Json]] = defaultdict(list)
        self.members: set[str] = set()
        self.visibility = "shared"
        self.encryption: Json | None = {"algorithm": MEGOLM}
        self.asked: list[tuple[str, str, Any]] = []
        self.fails: dict[str, Exception] = {}  # end of a path to what it ends in

    def answer(self, user: str, device: str, method: str, path: str, body: Any) -> Any:
        parts = [unquote(part) for part in path.split("/")[4:]]
        self.asked.append((user, parts[-1] if parts[0] != "sendToDevice" else "sendToDevice", body))
        for name, error in self.fails.items():
            if name in path:
                raise error
        if device and device not in self.devices[user]:
            raise Refused(400, "M_UNKNOWN_DEVICE")
        match method, parts:
            case "GET", ["rooms", _, "state", "m.room.encryption", ""]:
                if self.encryption is None:
                    raise Refused(404, "M_NOT_FOUND")
                return self.encryption
            case "PUT", ["devices", name]:
                self.devices[user].setdefault(name, {})
                return {}
            case "POST", ["keys", "upload"]:
                return self._upload(user, device, body)
            case "POST", ["keys", "device_signing", "upload"]:
                self.cross[user] = body
                return {}
            case "POST", ["keys", "signatures", "upload"]:
                for name, keys in body[user].items():
                    self.devices[user][name]["signatures"][user].update(keys["signatures"][user])
                return {"failures": {}}
            case "POST", ["keys", "query"]:
                return self._query(body["device_keys"])
            case "POST", ["keys", "claim"]:
                return {"one_time_keys": self._claim(body["one_time_keys"])}
            case "PUT", ["sendToDevice", kind, _]:
                for to, devices in body["messages"].items():
                    for name, content in devices.items():
                        letter = {"to_user_id": to, "to_device_id": name, "sender": user, "type": kind, "content": content}
                        self.inbox[to, name].append(orjson.loads(orjson.dumps(letter)))
                return {}
        raise Refused(404, "M_UNRECOGNIZED")

    def _upload(self, user: str, device: str, body: Json) -> Json:
        if "device_keys" in body:
            self.devices[user][device] = orjson.loads(orjson.dumps(body["device_keys"]))
        self.one_time[user, device].update(body.get("one_time_keys", {}))
        if "fallback_keys" in body:
            self.fallback[user, device] = body["fallback_keys"]
        return {"one_time_key_counts": {"signed_curve25519": len(self.one_time[user, device])}}

    def _query(self, users: Json) -> Json:
        found: Json = {"device_keys": {user: {name: keys for name, keys in self.devices[user].items() if keys} for user in users}}
        for usage in ("master", "self_signing"):
            found[f"{usage}_keys"] = {user: self.cross[user][f"{usage}_key"] for user in users if self.cross[user]}
        return dict(orjson.loads(orjson.dumps(found)))

    def _claim(self, wanted: Json) -> Json:
        found: Json = {}
        for user, devices in wanted.items():
            for name in devices:
                keys = self.one_time[user, name]
                if keys:
                    key_id, key = keys.popitem()
                    found.setdefault(user, {})[name] = {key_id: key}
                elif self.fallback[user, name]:
                    found.setdefault(user, {})[name] = self.fallback[user, name]
        return found


class At:
    """The homeserver as one user has it."""

    def __init__(self, server: FakeKeyServer, user: str) -> None:
        self._server = server
        self._user = user

    async def ask(self, method: str, path: str, body: Any = None, query: Mapping[str, str] | None = None) -> Json:
        return dict(self._server.answer(self._user, (query or {}).get("device_id", ""), method, path, body))

    async def joined_members(self, room: str) -> dict[str, str]:
        return dict.fromkeys(self._server.members, "")

    async def state(self, room: str, kind: str, key: str = "") -> Json | None:
        return {"history_visibility": self._server.visibility} if kind == "m.room.history_visibility" else None


class Somebody:
    """A person with one device, which is the assistant's own code; `restart` is a new life of it."""

    def __init__(self, server: FakeKeyServer, name: str, path: str, *, only_signed: bool = False, clock: FakeClock | None = None) -> None:
        self.server = server
        self.user = f"@{name}:test"
        self.path = path
        self.only_signed = only_signed
        self.clock = clock or FakeClock()
        self.chance = SeededChance(len(name))
        self.secrecy = Secrecy(MEGOLM)
        self.said = 0
        server.members.add(self.user)
        self.restart()

    def restart(self) -> None:
        file = JournalFile(self.path, MachineWorkers(lambda call, *args: call(*args), 1))
        self.store = KeyJournal(file)
        at = At(self.server, self.user)
        self.audiences = Audiences(at, self.clock)
        self.vault = Vault(self.user, at, self.store, self.audiences, self.clock, self.chance, PICKLE_KEY, only_signed=self.only_signed)
        run(self.vault.begin(self.user))

    @property
    def place(self) -> tuple[str, str]:
        return self.user, self.vault.own.id

    def fetch(self, **more: Any) -> None:
        """What came for the device is taken."""
        letters = self.server.inbox.pop(self.place, [])
        self.vault.take({"de.sorunome.msc2409.to_device": letters} | more)

    def say(self, text: str, room: str = ROOM, relation: Json | None = None, kind: str = "m.room.message") -> Json:
        """The event, as the homeserver has it."""
        self.said += 1
        message = {"msgtype": "m.text", "body": text} | ({"m.relates_to": relation} if relation else {})
        content = run(self.vault.speaker.seal(room, self.secrecy, kind, message))
        return {
            "type": "m.room.encrypted",
            "event_id": f"${self.user}{self.said}",
            "room_id": room,
            "sender": self.user,
            "content": orjson.loads(orjson.dumps(content)),
        }

    def reads(self, event: Json) -> str | None:
        """None where it cannot."""
        opened = run(self.vault.open(event))
        return None if opened["type"] == "m.room.encrypted" else str(opened["content"]["body"])


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Of what nobody has to be waited for."""
    outcome: list[T] = []
    failures: list[BaseException] = []
    Deferred.fromCoroutine(coroutine).addCallbacks(outcome.append, lambda failure: failures.append(failure.value))
    if failures:
        raise failures[0]
    return outcome[0]
