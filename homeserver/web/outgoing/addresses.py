"""Which addresses may be reached, looked at after resolution: a name that leads to one forbidden address leads nowhere.

The connection goes to the addresses that were looked at, so an answer that changes afterwards changes nothing.
"""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any

from twisted.internet.address import IPv4Address as Ipv4Peer
from twisted.internet.address import IPv6Address as Ipv6Peer
from twisted.internet.interfaces import (
    IAddress,
    IHostnameResolver,
    IHostResolution,
    IReactorPluggableNameResolver,
    IResolutionReceiver,
)
from zope.interface import implementer

_CARRIES_IPV4 = IPv6Network("64:ff9b::/96")  # NAT64


def is_public(text: str) -> bool:
    """Whether the address belongs to the public Internet, and what it carries inside too."""
    try:
        address: IPv4Address | IPv6Address = ip_address(text.partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, IPv4Address):
        return _is_public(address)
    inner = _inner(address)
    outer_counts = address.ipv4_mapped is None and address not in _CARRIES_IPV4
    return all(_is_public(each) for each in inner) and (not outer_counts or _is_public(address))


def _inner(address: IPv6Address) -> list[IPv4Address]:
    found = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    if address in _CARRIES_IPV4:
        found.append(IPv4Address(int(address) & 0xFFFFFFFF))
    return [inner for inner in found if inner is not None]


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    return address.is_global and not address.is_multicast and not address.is_reserved and not address.is_unspecified


@implementer(IResolutionReceiver)
class _PublicOnly:
    """Hands the addresses on when all of them are public, else none."""

    def __init__(self, receiver: Any) -> None:
        self._receiver = receiver
        self._addresses: list[IAddress] = []

    def resolutionBegan(self, resolutionInProgress: IHostResolution) -> None:
        self._receiver.resolutionBegan(resolutionInProgress)

    def addressResolved(self, address: IAddress) -> None:
        self._addresses.append(address)

    def resolutionComplete(self) -> None:
        if all(isinstance(address, Ipv4Peer | Ipv6Peer) and is_public(address.host) for address in self._addresses):
            for address in self._addresses:
                self._receiver.addressResolved(address)
        self._receiver.resolutionComplete()


@implementer(IHostnameResolver)
class PublicResolver:
    def __init__(self, resolver: Any) -> None:
        self._resolver = resolver

    def resolveHostName(
        self,
        resolutionReceiver: IResolutionReceiver,
        hostName: str,
        portNumber: int = 0,
        addressTypes: Sequence[type[IAddress]] | None = None,
        transportSemantics: str = "TCP",
    ) -> IHostResolution:
        receiver = _PublicOnly(resolutionReceiver)
        resolution: IHostResolution = self._resolver.resolveHostName(receiver, hostName, portNumber, addressTypes, transportSemantics)
        return resolution


@implementer(IReactorPluggableNameResolver)
class PublicReactor:
    """A reactor that resolves names to public addresses alone."""

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self.nameResolver = PublicResolver(reactor.nameResolver)

    def installNameResolver(self, resolver: IHostnameResolver) -> IHostnameResolver:
        raise TypeError("this reactor's resolver is fixed")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reactor, name)
