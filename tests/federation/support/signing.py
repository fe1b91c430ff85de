"""Events that a server of a town signs though no honest one would make them."""

from typing import Any

from federation.client import Ask
from federation.errors import RemoteRefused
from homeserver.protocol.redaction import redact
from homeserver.protocol.room_versions import ROOM_VERSIONS, RoomVersion
from homeserver.protocol.signing import content_hash, encode_base64, encode_base64_url, reference_hash, sign_json
from tests.federation.support.town import Town

VERSION = ROOM_VERSIONS["11"]


def ask(town: Town, method: str, uri: str, body: Any = None, server: str = "b.test", of: str = "a.test") -> tuple[int, str, bytes]:
    """What one server gets of the other: status, errcode, body."""
    client = town[server].federation.reach.client
    try:
        return 200, "", town[server].run(client.bytes_of(Ask(method, of, uri, body=body)))
    except RemoteRefused as refused:
        return refused.remote_status, refused.remote_errcode, b""


def signed(town: Town, pdu: dict[str, Any], version: RoomVersion = VERSION, server: str = "b.test") -> tuple[str, dict[str, Any]]:
    """The ID, and the event as the server signs it."""
    pdu = {key: value for key, value in pdu.items() if key != "signatures"}
    pdu["hashes"] = {"sha256": encode_base64(content_hash(pdu, version))}
    pdu["signatures"] = sign_json(redact(pdu, version), server, town[server].parts.ground.identity.key)["signatures"]
    return "$" + encode_base64_url(reference_hash(pdu, version)), pdu
