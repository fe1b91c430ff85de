"""An invite that began with an e-mail address or phone number: rule "member.invite.third_party" of all room versions.

Client-server API, "Third-party invites"; server-server API, "Third-party invites".
"""

from collections.abc import Iterator, Mapping
from typing import Any

from homeserver.protocol.auth_rules.rule_numbers import refusal
from homeserver.protocol.canonical_json import encode_tolerant
from homeserver.protocol.errors import InvalidJson
from homeserver.protocol.event import Event, StateKey
from homeserver.protocol.signing import ALGORITHM, VerifyKey, decode_base64

_RULE = "member.invite.third_party"


def check_third_party_invite(event: Event, state: Mapping[StateKey, Event], target_membership: str | None) -> None:
    """Rules 1 to 8 below the invite's rule 1; returning is to allow."""
    version = event.version
    if target_membership == "ban":
        raise refusal(version, f"{_RULE}.banned", "the invited user is banned")
    invite = event.content["third_party_invite"]
    signed = invite.get("signed") if isinstance(invite, Mapping) else None
    if not isinstance(signed, Mapping):
        raise refusal(version, f"{_RULE}.signed", "there is no signed part")
    mxid, token = signed.get("mxid"), signed.get("token")
    if not isinstance(mxid, str) or not isinstance(token, str):
        raise refusal(version, f"{_RULE}.mxid_token", "the signed part lacks mxid or token")
    if mxid != event.state_key:
        raise refusal(version, f"{_RULE}.mxid", "the signed part speaks of another user")
    pending = state.get(("m.room.third_party_invite", token))
    if pending is None:
        raise refusal(version, f"{_RULE}.token", "no invite with this token stands")
    if pending.sender != event.sender:
        raise refusal(version, f"{_RULE}.sender", "the invite with this token is somebody else's")
    if not _is_signed_by_any(signed, public_keys(pending.content)):
        raise refusal(version, f"{_RULE}.otherwise", "no key of the invite signed it")


def public_keys(content: Mapping[str, Any]) -> Iterator[str]:
    """The keys of an `m.room.third_party_invite`, each as its base64 text."""
    single = content.get("public_key")
    if isinstance(single, str):
        yield single
    several = content.get("public_keys")
    if isinstance(several, list):
        for entry in several:
            key = entry.get("public_key") if isinstance(entry, Mapping) else None
            if isinstance(key, str):
                yield key


def _is_signed_by_any(signed: Mapping[str, Any], keys: Iterator[str]) -> bool:
    signatures = list(_signatures(signed))
    if not signatures:
        return False
    try:
        message = encode_tolerant({name: value for name, value in signed.items() if name not in ("signatures", "unsigned")})
    except InvalidJson:
        return False  # nothing that has no canonical form was ever signed
    return any(_verifies(key, message, signature) for key in keys for signature in signatures)


def _signatures(signed: Mapping[str, Any]) -> Iterator[str]:
    by_server = signed.get("signatures")
    if not isinstance(by_server, Mapping):
        return
    for by_key in by_server.values():
        if isinstance(by_key, Mapping):
            for key_id, signature in by_key.items():
                if key_id.startswith(f"{ALGORITHM}:") and isinstance(signature, str):
                    yield signature


def _verifies(key: str, message: bytes, signature: str) -> bool:
    try:
        return VerifyKey(decode_base64(key)).verifies(message, decode_base64(signature))
    except ValueError:
        return False
