"""What one client may cost, in bytes and seconds."""

from typing import NamedTuple


class WireLimits(NamedTuple):
    head_bytes: int = 32_768  # request line and header fields, each field counted 32 bytes larger than it is
    whole_body_bytes: int = 65_536  # up to here a body is collected before the request is looked at
    head_seconds: int = 20  # from the first byte of a request to the end of its head, and from connecting to the first byte
    body_seconds: int = 30  # a collected body in all; a larger one between two pieces
    idle_seconds: int = 120  # between two requests
    stalled_seconds: int = 30  # an answer of which nothing is taken
    linger_seconds: int = 2  # for what a refused client still sends, and for an answer to one that has stopped sending
    pipelined: int = 32  # requests waiting behind the one that is served
    connections: int = 20_000
