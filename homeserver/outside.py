"""What this server asks of the rest of the web: a port, so that a test is its own web."""

from typing import NamedTuple, Protocol

from homeserver.errors import MatrixError


class Unreachable(MatrixError):
    """One answer for all that can go wrong: it does not tell what there is behind a firewall."""

    status, errcode, default_message = 404, "M_NOT_FOUND", "The address could not be fetched"


class Fetched(NamedTuple):
    status: int
    content_type: str  # as declared, "" for none
    location: str | None  # where a redirect points
    body: bytes
    whole: bool  # False: the body was longer and is cut


class Outside(Protocol):
    async def get(self, url: str, *, accept: str, most_bytes: int, seconds: float) -> Fetched:
        """One request over http or https, without redirects and without compression. Raises Unreachable, also for addresses that may not be reached."""

    async def post(self, url: str, body: bytes, *, most_bytes: int, seconds: float) -> Fetched:
        """The same with a JSON body; its answer is cut to `most_bytes`."""


class NoOutside:
    """A server without a network."""

    async def get(self, url: str, *, accept: str, most_bytes: int, seconds: float) -> Fetched:
        raise Unreachable

    async def post(self, url: str, body: bytes, *, most_bytes: int, seconds: float) -> Fetched:
        raise Unreachable
