"""What this server asks of others for its users."""

from typing import NamedTuple

from federation.asking.directory import FederatedDirectory
from federation.asking.media import FederatedMedia
from federation.asking.profiles import FederatedProfiles
from federation.asking.room_peers import FederatedPeers
from federation.asking.sound_events import SoundEvents
from federation.asking.third_party import FederatedExchange
from federation.policy_servers import FederatedPolicySigners
from homeserver.media.remote import NoRemoteMedia, RemoteMedia
from homeserver.outside import Outside
from homeserver.profiles.remote import NoRemoteProfiles, RemoteProfiles
from homeserver.rooms.directory.ports import NoRemoteDirectory, RemoteDirectory
from homeserver.rooms.members.third_party_invites import InviteExchange, NoInviteExchange
from homeserver.rooms.receiving.peers import NoPeers, RoomPeers
from homeserver.rooms.servers.policy import NoPolicySigners, PolicySigners
from homeserver.wiring.ground import Ground
from homeserver.wiring.reaching.reach import Reach


class Asking(NamedTuple):
    directory: RemoteDirectory
    profiles: RemoteProfiles
    media: RemoteMedia
    peers: RoomPeers
    policy_signers: PolicySigners
    exchange: InviteExchange
    sound: SoundEvents


def build_asking(ground: Ground, reach: Reach, outside: Outside) -> Asking:
    sound = SoundEvents(reach.keyring, ground.clock)
    if not ground.config.federation.enabled:
        return Asking(NoRemoteDirectory(), NoRemoteProfiles(), NoRemoteMedia(), NoPeers(), NoPolicySigners(), NoInviteExchange(), sound)
    return Asking(
        FederatedDirectory(reach.client, ground.identity.server_name),
        FederatedProfiles(reach.client, ground.clock),
        FederatedMedia(ground.config.media, reach.client, outside, ground.clock),
        FederatedPeers(reach.client, sound, ground.identity.server_name),
        FederatedPolicySigners(reach.client),
        FederatedExchange(reach.client),
        sound,
    )
