"""What keys ask of the storage, and the records that travel. All `body` are JSON objects or strings as clients sent them."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

KEYS_CHANGE = "device_keys"  # Change.kind: what /keys/query says of the change's user has changed; the subject is a KeysChange
COUNTS_CHANGE = "one_time_keys"  # Change.kind: how many keys a device of the change's user has left; the subject is a CountsChange

MASTER, SELF_SIGNING, USER_SIGNING = "master", "self_signing", "user_signing"


class KeysChange(NamedTuple):
    """For whom: `observer` alone, or (when it is empty) everybody in `room_ids`, the rooms the user is joined to."""

    observer: str
    room_ids: tuple[str, ...]
    device_ids: tuple[str, ...] = ()  # devices that came, changed or went; none: other keys of the user changed
    previous: int | None = None  # where a device of the user changed before


class CountsChange(NamedTuple):
    device_id: str
    is_loss: bool  # the device has to be told: keys were given out


class OneTimeKey(NamedTuple):
    algorithm: str
    key_id: str
    body: bytes

    @property
    def name(self) -> str:
        return f"{self.algorithm}:{self.key_id}"


class Upload(NamedTuple):
    """What one device puts up at once."""

    user_id: str
    device_id: str
    device_keys: bytes | None = None
    one_time: Sequence[OneTimeKey] = ()
    fallback: Sequence[OneTimeKey] = ()


class KeyCounts(NamedTuple):
    """What a device has on the server."""

    one_time: Mapping[str, int]  # by algorithm
    unused_fallback: tuple[str, ...]  # algorithms


class DeviceKeys(NamedTuple):
    device_id: str
    body: bytes
    display_name: str | None


class CrossSigningKey(NamedTuple):
    usage: str
    public_key: str
    body: bytes


class UserSignature(NamedTuple):
    """By `signer` on the master key of another user."""

    signer: str
    user_id: str
    public_key: str
    key_id: str
    signature: str


@dataclass(eq=False, slots=True)
class UserKeys:
    """All that is known of one user."""

    devices: list[DeviceKeys] = field(default_factory=list)
    cross_signing: dict[str, CrossSigningKey] = field(default_factory=dict)  # by usage
    signatures: list[UserSignature] = field(default_factory=list)  # made by the viewer


class Claim(NamedTuple):
    user_id: str
    device_id: str
    algorithm: str


# From what is stored to what shall be, both JSON objects; None: leave it. It may raise to undo the whole.
Merge = Callable[[bytes | None], bytes | None]


class KeyStore(Protocol):
    async def upload(self, upload: Upload, merge: Merge | None, most: int) -> KeyCounts:
        """`merge` makes the new device keys of the stored ones. Raises KeyIdTaken for another key under a name that is in use, TooManyKeys."""

    async def counts(self, user_id: str, device_id: str) -> KeyCounts: ...

    async def claim(self, claims: Sequence[Claim]) -> list[OneTimeKey | None]:
        """For each the eldest one-time key, which is gone then, or the fallback key, or None."""

    async def keys_of(self, users: Mapping[str, Collection[str]], viewer: str) -> dict[str, UserKeys]:
        """By user, of the devices named or (where none is) of all; `signatures` are those that the viewer made."""

    async def replace_cross_signing(self, user_id: str, keys: Sequence[CrossSigningKey], known: Mapping[str, str], *, anew: bool) -> bool:
        """Store these; `anew`: there is a new master key, so keys that did not come along are gone, and signatures between the user and others.
        False, and nothing done, when the public keys that are there, by usage, are not those known, or one has the name of a device."""

    async def names_device(self, user_id: str, public_keys: Collection[str]) -> bool:
        """Whether one of them has the name of a device of the user, with keys or without."""

    async def merge_device(self, user_id: str, device_id: str, merge: Merge) -> None: ...

    async def merge_master(self, user_id: str, merge: Merge) -> None: ...

    async def sign_user(self, signature: UserSignature) -> None: ...


class KeyIdTaken(Exception):
    """The name of the key is in the first argument."""


class TooManyKeys(Exception):
    """A device may not keep so many one-time keys here."""


class MemberChangeRow(NamedTuple):
    room_id: str
    user_id: str


class DeviceListStore(Protocol):
    async def changed_users(self, since: int, observer: str) -> list[str]:
        """Whose keys changed after `since`, as far as the observer may know."""

    async def changed_members(self, room_ids: Collection[str], since: int) -> list[MemberChangeRow]:
        """Memberships in those rooms that changed after `since`."""

    async def joined(self, user_ids: Collection[str], room_ids: Collection[str]) -> dict[str, set[str]]:
        """User → those of the rooms that the user is joined to."""


class DehydratedDevice(NamedTuple):
    """A device of a user who may have no other: it collects keys until the user comes back (MSC3814)."""

    device_id: str
    device_data: bytes  # JSON object, encrypted for the user


class DehydratedStore(Protocol):
    async def replace(self, device: DehydratedDevice, display_name: str | None, upload: Upload, created_ts: int) -> bool:
        """Makes the device, with its keys, instead of an earlier one; False, and nothing done, when a usual device has that ID."""

    async def get(self, user_id: str) -> DehydratedDevice | None: ...

    async def remove(self, user_id: str) -> str | None:
        """With its keys and messages; the device ID, None: there was none."""
