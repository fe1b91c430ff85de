"""Section `turn`: the TURN server through which calls find their way."""

from dataclasses import dataclass, field

from config.secret import Secret


@dataclass(frozen=True, slots=True)
class Turn:
    """Credentials come from the shared secret (coturn: use-auth-secret, static-auth-secret); without one, name and password are told as they are."""

    uris: tuple[str, ...] = ()
    shared_secret: Secret = Secret()
    username: str = ""
    password: Secret = Secret()
    ttl_seconds: int = field(default=86_400, metadata={"minimum": 60, "maximum": 31_536_000})
    guests: bool = True
