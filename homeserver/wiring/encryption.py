"""Keys, messages to devices, key backups."""

from typing import NamedTuple

from homeserver.client_api.encryption.cross_signing import CrossSigningEndpoints
from homeserver.client_api.encryption.dehydrated import DehydratedEndpoints
from homeserver.client_api.encryption.key_backup import BackupKeys, BackupVersions
from homeserver.client_api.encryption.keys import KeyChanges, Keys
from homeserver.client_api.encryption.to_device import ToDeviceEndpoints
from homeserver.encryption.backup.backup import Backups
from homeserver.encryption.claim import KeyClaims
from homeserver.encryption.cross_signing import CrossSigning
from homeserver.encryption.dehydrated import DehydratedDevices
from homeserver.encryption.device_lists import DeviceLists
from homeserver.encryption.key_counts import KeyCounting
from homeserver.encryption.query import KeyQuery
from homeserver.encryption.recent_changes import RecentChanges
from homeserver.encryption.signatures import SignatureUpload
from homeserver.encryption.to_device.inboxes import Inboxes
from homeserver.encryption.to_device.send import ToDevice
from homeserver.encryption.upload import KeyUpload
from homeserver.wiring.ground import Chapters, Ground
from homeserver.wiring.people import People
from homeserver.wiring.reaching.appservices import Enlisted
from homeserver.wiring.reaching.remote_devices import RemoteDevices
from homeserver.wiring.rooms import Rooms
from storage.encryption.dehydrated import StoredDehydrated
from storage.encryption.device_lists import StoredDeviceLists
from storage.encryption.key_backup import StoredBackups
from storage.encryption.keys import StoredKeys
from storage.encryption.to_device import StoredToDevice


class Encryption(NamedTuple):
    keys: StoredKeys
    query: KeyQuery
    claims: KeyClaims
    to_device: ToDevice
    counting: KeyCounting
    inboxes: Inboxes
    device_lists: DeviceLists
    chapters: Chapters


def build_encryption(ground: Ground, rooms: Rooms, people: People, devices: RemoteDevices, enlisted: Enlisted) -> Encryption:
    store, remote = StoredKeys(ground.database), devices.keys
    letters, claims = StoredToDevice(ground.database), KeyClaims(store, remote, ground.identity, enlisted.keys)
    query = KeyQuery(store, remote, ground.identity, enlisted.keys)
    to_device = ToDevice(letters, devices.courier, ground.identity, ground.clock)
    backups = Backups(StoredBackups(ground.database))
    lists = DeviceLists(
        store=StoredDeviceLists(ground.database, ground.names),
        recent=RecentChanges(ground.streams),
        members=rooms.members,
        timelines=rooms.timeline_store,
        states=rooms.states,
    )
    chapters = (
        Keys(KeyUpload(store), query, claims),
        KeyChanges(lists),
        CrossSigningEndpoints(CrossSigning(store), SignatureUpload(store, remote, ground.identity), people.auth),
        ToDeviceEndpoints(to_device),
        BackupVersions(backups),
        BackupKeys(backups),
        DehydratedEndpoints(DehydratedDevices(StoredDehydrated(ground.database), letters, ground.streams, ground.clock)),
    )
    return Encryption(
        store, query, claims, to_device, KeyCounting(store, ground.streams), Inboxes(letters, ground.streams), lists, chapters
    )
