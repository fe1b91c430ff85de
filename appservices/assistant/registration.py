"""The registration by which a homeserver knows the assistant (application-service API, "Registration"), and the tokens in it."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import yaml

from appservices.assistant.settings import BadSettings

ID: Final = "chatme-assistant"
_TOKEN_LENGTH: Final = 64


def registration(localpart: str, url: str, as_token: str, hs_token: str) -> dict[str, Any]:
    return {
        "id": ID,
        "url": url,
        "as_token": as_token,
        "hs_token": hs_token,
        "sender_localpart": localpart,
        "rate_limited": False,
        "receive_ephemeral": True,
        "de.sorunome.msc2409.push_ephemeral": True,
        "org.matrix.msc3202": True,  # with letters to its device, for encrypted rooms
        "io.element.msc4190": True,  # and that device made without a login
        "namespaces": {"users": [{"exclusive": True, "regex": f"@{_escaped(localpart)}:.*"}], "aliases": [], "rooms": []},
    }


def keep_registration(file: Path, localpart: str, url: str, token: Callable[[int], str]) -> dict[str, Any]:
    """That in the file, made at the first time and whenever name or address are others; the tokens stay. Raises BadSettings."""
    known = _read(file) if file.exists() else {}
    as_token, hs_token = (str(known.get(name) or token(_TOKEN_LENGTH)) for name in ("as_token", "hs_token"))
    wanted = registration(localpart, url, as_token, hs_token)
    if wanted != known:
        _write(file, wanted)
    return wanted


def read_tokens(file: Path) -> tuple[str, str]:
    """`as_token` and `hs_token`. Raises BadSettings."""
    known = _read(file)
    try:
        return str(known["as_token"]), str(known["hs_token"])
    except KeyError as error:
        raise BadSettings(f"{file}: has no {error.args[0]}") from error


def _read(file: Path) -> dict[str, Any]:
    try:
        found = yaml.safe_load(file.read_text("utf-8"))
    except FileNotFoundError as error:
        raise BadSettings(f"{file}: is not there; `chatme-assistant register` writes it, for the homeserver to read") from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise BadSettings(f"{file}: cannot be read: {' '.join(str(error).split())}") from error
    if not isinstance(found, dict):
        raise BadSettings(f"{file}: is no registration")
    return found


def _write(file: Path, content: dict[str, Any]) -> None:
    """Whole or not at all, for this user alone."""
    unfinished = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as out:
            out.write(str(yaml.safe_dump(content, sort_keys=False)))
            out.flush()
            os.fsync(out.fileno())
        unfinished.rename(file)
    except OSError as error:
        raise BadSettings(f"{file}: cannot be written: {error.strerror}") from error


def _escaped(localpart: str) -> str:
    return "".join(f"\\{character}" if character in ".+/" else character for character in localpart)
