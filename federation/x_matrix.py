"""The Authorization header of a request between servers: made, read, and checked against the very request it came with. Pure.

Server-server API, "Request Authentication"; RFC 9110, 5.6.2 and 11.4. What is signed is canonical JSON of method, target with its query, origin,
destination and body; the names sort so that the body comes first, and one that is canonical already is signed and checked without being parsed.
"""

from typing import Final, NamedTuple

from homeserver.errors import Unauthorized
from homeserver.protocol import canonical_json
from homeserver.protocol.errors import BadSignature, InvalidIdentifier, InvalidJson
from homeserver.protocol.ids import ServerName
from homeserver.protocol.limits import MAX_FEDERATION_JSON_NESTING
from homeserver.protocol.signing import SigningKey, VerifyKey, encode_base64, verify_bytes

SCHEME: Final = "x-matrix"
MAX_HEADER = 4096
_TOKEN = frozenset("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_LOOSE = _TOKEN | frozenset(":/=[]")  # older servers leave values unquoted that are no tokens: names with ports, base64
_BLANK = " \t"


class MalformedHeader(Unauthorized):
    default_message = "The Authorization header is no X-Matrix header"


class Claim(NamedTuple):
    """What a header says; nothing of it has been checked."""

    origin: ServerName
    destination: str | None  # servers older than Matrix 1.3 leave it out
    key_id: str
    signature: str


def signed_message(method: str, uri: str, origin: str, destination: str | None, content: bytes | None) -> bytes:
    """Canonical JSON of what is signed; `content` is canonical JSON, None for a request without a body."""
    rest = {"method": method, "uri": uri, "origin": origin}
    if destination is not None:
        rest["destination"] = destination
    encoded = canonical_json.encode(rest)
    return encoded if content is None else b'{"content":' + content + b"," + encoded[1:]


def authorization(key: SigningKey, origin: str, destination: str, method: str, uri: str, content: bytes | None) -> str:
    """The value of the header; `uri` is the path with its query, as it will be sent."""
    signature = encode_base64(key.sign(signed_message(method, uri, origin, destination, content)))
    return f'X-Matrix origin="{origin}",destination="{destination}",key="{key.key_id}",sig="{signature}"'


def read(header: str | None) -> Claim:
    """Raises MalformedHeader."""
    if header is None:
        raise MalformedHeader("The request is not signed: no Authorization header")
    scheme, blank, rest = header.partition(" ")
    if scheme.lower() != SCHEME or not blank or len(header) > MAX_HEADER:
        raise MalformedHeader
    found = _parameters(rest)
    try:
        origin, key_id = ServerName.parse(found.get("origin")), found["key"]
        signature = found["sig"] if "sig" in found else found["signature"]
    except (InvalidIdentifier, KeyError) as error:
        raise MalformedHeader("origin, key or sig is missing in the Authorization header, or origin is no server name") from error
    if not key_id or not signature:
        raise MalformedHeader("key or sig is empty in the Authorization header")
    return Claim(origin, found.get("destination"), key_id, signature)


def verify(claim: Claim, key: VerifyKey, *, method: str, uri: str, body: bytes) -> None:
    """Raises Unauthorized unless the claim's key signed exactly this request."""
    signatures = {claim.origin: {claim.key_id: claim.signature}}

    def check(content: bytes | None) -> bool:
        message = signed_message(method, uri, claim.origin, claim.destination, content)
        try:
            verify_bytes(message, signatures, claim.origin, claim.key_id, key)
        except BadSignature:
            return False
        return True

    if check(body or None):
        return
    if body and check(_canonical(body)):
        return
    raise Unauthorized(f"The signature of {claim.origin} does not match this request")


def _canonical(body: bytes) -> bytes:
    try:
        value = canonical_json.parse(body, max_nesting=MAX_FEDERATION_JSON_NESTING, exact_integers=True)
        return canonical_json.encode_tolerant(value)
    except InvalidJson as error:
        raise Unauthorized("The body is no JSON that could have been signed") from error


def _parameters(text: str) -> dict[str, str]:
    """name=value pairs parted by commas; a name given twice is refused, since two readers could take different ones.

    A server with several keys may send as many headers, which the edge joins by commas: the first one counts.
    """
    found: dict[str, str] = {}
    at = 0
    while True:
        at = _skip(text, at)
        if found and text[at : at + len(SCHEME) + 1].lower() == SCHEME + " ":
            return found
        end = at
        while end < len(text) and text[end] in _TOKEN:
            end += 1
        name = text[at:end].lower()
        at = _skip(text, end)
        if not name or text[at : at + 1] != "=" or name in found:
            raise MalformedHeader
        found[name], at = _value(text, _skip(text, at + 1))
        at = _skip(text, at)
        if at == len(text):
            return found
        if text[at] != ",":
            raise MalformedHeader
        at += 1


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at] in _BLANK:
        at += 1
    return at


def _value(text: str, at: int) -> tuple[str, int]:
    """The value that begins there, and where it ends."""
    if text[at : at + 1] != '"':
        end = at
        while end < len(text) and text[end] in _LOOSE:
            end += 1
        return text[at:end], end
    pieces = []
    at += 1
    while at < len(text) and text[at] != '"':
        if text[at] == "\\":
            at += 1
        pieces.append(text[at : at + 1])
        at += 1
    if at >= len(text):
        raise MalformedHeader("A quoted value in the Authorization header does not end")
    return "".join(pieces), at + 1
