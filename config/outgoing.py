"""Section `outgoing`: the requests that this server makes by itself."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Outgoing:
    private_addresses: bool = False  # may they reach private or loopback addresses?
