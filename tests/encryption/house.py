"""A server with users whose devices have keys."""

from pathlib import Path
from typing import Any

from tests.encryption.crypto import V3, Device
from tests.support.client import Client
from tests.support.server import TestServer, make_server

PASSWORD = "secret secret"


class House:
    def __init__(self, directory: Path, **more: Any) -> None:
        self.server: TestServer = make_server(directory, **more)
        self.run, self.ok = self.server.run, self.server.ok

    def person(self, name: str, device_id: str = "PHONE") -> Device:
        """A new user with one device, whose keys are not uploaded yet."""
        body = {"username": name, "password": PASSWORD, "device_id": device_id, "auth": {"type": "m.login.dummy"}}
        answer = self.ok(self.server.client.post(f"{V3}/register", body))
        return self._device(answer)

    def another(self, device: Device, device_id: str) -> Device:
        """A further device of the same user."""
        who = {"type": "m.id.user", "user": device.user_id}
        body = {"type": "m.login.password", "identifier": who, "password": PASSWORD, "device_id": device_id}
        return self._device(self.ok(self.server.client.post(f"{V3}/login", body)))

    def _device(self, answer: dict[str, Any]) -> Device:
        client: Client = self.server.client.with_token(answer["access_token"])
        return Device(client, answer["user_id"], answer["device_id"])

    def upload(self, device: Device, **more: Any) -> dict[str, int]:
        counts: dict[str, int] = self.ok(device.client.post(f"{V3}/keys/upload", {"device_keys": device.device_keys(), **more}))[
            "one_time_key_counts"
        ]
        return counts

    def query(self, viewer: Device, *user_ids: str) -> dict[str, Any]:
        answer: dict[str, Any] = self.ok(viewer.client.post(f"{V3}/keys/query", {"device_keys": {user_id: [] for user_id in user_ids}}))
        return answer

    def claim(self, viewer: Device, target: Device, algorithm: str = "signed_curve25519") -> Any:
        """The key, or None."""
        wanted = {target.user_id: {target.device_id: algorithm}}
        answer = self.ok(viewer.client.post(f"{V3}/keys/claim", {"one_time_keys": wanted}))
        return answer["one_time_keys"].get(target.user_id, {}).get(target.device_id)

    def sync(self, device: Device, since: str | None = None, timeout: int = 0, **more: Any) -> dict[str, Any]:
        answer: dict[str, Any] = self.ok(device.client.get(f"{V3}/sync", {"since": since, "timeout": timeout, **more}))
        return answer

    def room(self, creator: Device, *others: Device) -> str:
        """A room that all have joined."""
        room_id: str = self.ok(creator.client.post(f"{V3}/createRoom", {"preset": "public_chat"}))["room_id"]
        for other in others:
            self.join(other, room_id)
        return room_id

    def join(self, device: Device, room_id: str) -> None:
        self.ok(device.client.post(f"{V3}/join/{room_id}"))

    def leave(self, device: Device, room_id: str) -> None:
        self.ok(device.client.post(f"{V3}/rooms/{room_id}/leave"))
