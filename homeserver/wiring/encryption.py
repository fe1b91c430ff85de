"""Keys, messages to devices, key backups."""

from dataclasses import dataclass

from homeserver.client_api.encryption.keys import Keys
from homeserver.encryption.claim import KeyClaims
from homeserver.encryption.key_counts import KeyCounting
from homeserver.encryption.query import KeyQuery
from homeserver.encryption.remote import NoRemoteKeys
from homeserver.encryption.upload import KeyUpload
from homeserver.wiring.ground import Chapters, Ground
from storage.encryption.keys import StoredKeys


@dataclass(frozen=True, slots=True)
class Encryption:
    counting: KeyCounting
    chapters: Chapters


def build_encryption(ground: Ground) -> Encryption:
    store, remote = StoredKeys(ground.database), NoRemoteKeys()
    counting = KeyCounting(store, ground.streams)
    chapters = (Keys(KeyUpload(store), KeyQuery(store, remote, ground.identity), KeyClaims(store, remote, ground.identity)),)
    return Encryption(counting, chapters)
