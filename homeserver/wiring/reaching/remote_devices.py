"""Devices on other servers: their keys, and messages to them."""

from typing import NamedTuple

from federation.devices.ask import AskedKeys
from federation.devices.courier import Courier
from federation.devices.follow import DeviceFollower
from homeserver.encryption.remote import NoRemoteKeys, RemoteKeySource
from homeserver.encryption.to_device.remote import NoCourier, ToDeviceCourier
from homeserver.rooms.partial.partial_rooms import PartialRooms
from homeserver.upkeep.upkeep import Task
from homeserver.wiring.ground import Ground
from homeserver.wiring.reaching.reach import Reach
from storage.federation.letters import StoredLetters
from storage.federation.remote_devices import StoredRemoteDevices

LETTERS_MS = 30 * 24 * 3_600_000  # for so long a server may be away until messages for its devices are dropped


class RemoteDevices(NamedTuple):
    store: StoredRemoteDevices
    letters: StoredLetters
    follower: DeviceFollower
    keys: RemoteKeySource
    courier: ToDeviceCourier

    @property
    def tasks(self) -> tuple[Task, ...]:
        return (Task("outgoing_letters", self.letters.forget, LETTERS_MS),)


def build_remote_devices(ground: Ground, reach: Reach, partial: PartialRooms) -> RemoteDevices:
    store, letters = StoredRemoteDevices(ground.database), StoredLetters(ground.database)
    follower = DeviceFollower(store, reach.client, partial, ground.clock, ground.identity.server_name)
    if not ground.config.federation.enabled:
        return RemoteDevices(store, letters, follower, NoRemoteKeys(), NoCourier())
    return RemoteDevices(store, letters, follower, AskedKeys(follower, store, reach.client), Courier(letters, reach.policy))
