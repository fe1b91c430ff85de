"""Keys, messages to devices, key backups."""

from dataclasses import dataclass

from homeserver.client_api.encryption.keys import Keys
from homeserver.client_api.encryption.to_device import ToDeviceEndpoints
from homeserver.encryption.claim import KeyClaims
from homeserver.encryption.key_counts import KeyCounting
from homeserver.encryption.query import KeyQuery
from homeserver.encryption.remote import NoRemoteKeys
from homeserver.encryption.to_device.inboxes import Inboxes
from homeserver.encryption.to_device.remote import NoCourier
from homeserver.encryption.to_device.send import ToDevice
from homeserver.encryption.upload import KeyUpload
from homeserver.wiring.ground import Chapters, Ground
from storage.encryption.keys import StoredKeys
from storage.encryption.to_device import StoredToDevice


@dataclass(frozen=True, slots=True)
class Encryption:
    counting: KeyCounting
    inboxes: Inboxes
    chapters: Chapters


def build_encryption(ground: Ground) -> Encryption:
    store, remote = StoredKeys(ground.database), NoRemoteKeys()
    letters = StoredToDevice(ground.database)
    to_device = ToDevice(letters, NoCourier(), ground.identity, ground.clock)
    chapters = (
        Keys(KeyUpload(store), KeyQuery(store, remote, ground.identity), KeyClaims(store, remote, ground.identity)),
        ToDeviceEndpoints(to_device),
    )
    return Encryption(KeyCounting(store, ground.streams), Inboxes(letters, ground.streams), chapters)
