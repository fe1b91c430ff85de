"""Which addresses federation may reach, apart from those of other outgoing requests (RELIABILITY: server-side request forgery)."""

from ipaddress import ip_address, ip_network

from config.federation import Federation
from homeserver.web.outgoing.addresses import is_public


class AddressPolicy:
    """The public Internet, and what the settings allow; never what they deny."""

    def __init__(self, settings: Federation) -> None:
        self._private = settings.private_addresses
        self._allowed = tuple(ip_network(text, strict=False) for text in settings.allowed_addresses)
        self._denied = tuple(ip_network(text, strict=False) for text in settings.denied_addresses)

    def permits(self, text: str) -> bool:
        try:
            address = ip_address(text.partition("%")[0])
        except ValueError:
            return False
        mapped = getattr(address, "ipv4_mapped", None)
        meant = (address,) if mapped is None else (address, mapped)
        if any(each in network for each in meant for network in self._denied):
            return False
        return self._private or is_public(text) or any(each in network for each in meant for network in self._allowed)
