"""Ties to services and networks beside Matrix."""

from dataclasses import dataclass

from homeserver.client_api.integrations.networks import AppservicePing, ThirdPartyLookup
from homeserver.client_api.integrations.openid import OpenId
from homeserver.client_api.integrations.voip import Voip
from homeserver.integrations.networks import NoNetworks
from homeserver.integrations.openid import OpenIdTokens
from homeserver.integrations.turn import TurnCredentials
from homeserver.wiring.ground import Chapters, Ground
from storage.people.openid import StoredOpenIdTokens


@dataclass(frozen=True, slots=True)
class Integrations:
    openid: OpenIdTokens
    chapters: Chapters


def build_integrations(ground: Ground) -> Integrations:
    config = ground.config
    seconds = config.sessions.openid_token_seconds
    openid = OpenIdTokens(StoredOpenIdTokens(ground.database), ground.clock, ground.chance, lifetime_seconds=seconds)
    chapters = (
        ThirdPartyLookup(NoNetworks()),
        AppservicePing(None),
        OpenId(openid, config.server.name),
        Voip(TurnCredentials(config.turn, ground.clock)),
    )
    return Integrations(openid, chapters)
