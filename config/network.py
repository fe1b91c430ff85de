"""Sections about other servers: `federation`, `outgoing`, `appservices`."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Federation:
    enabled: bool = True
    private_addresses: bool = False  # may other homeservers live at private or loopback addresses?


@dataclass(frozen=True, slots=True)
class Outgoing:
    """Every request this server makes by itself."""

    ca_file: str = field(default="", metadata={"path": True})  # certificate authorities (PEM) trusted besides the system's
    private_addresses: bool = False  # may pushes and previews reach private or loopback addresses?


@dataclass(frozen=True, slots=True)
class AppServices:
    registrations: tuple[str, ...] = field(default=(), metadata={"path": True})  # registration files (YAML), one per application service
