"""The other side of the door: a command brought to the running server."""

import json
import socket
from pathlib import Path
from typing import Any

from homeserver.control.errors import NoAnswer, NobodyThere
from homeserver.control.paths import SOCKET_FILE, short_path

PATIENCE_SECONDS = 120.0


def ask(data_directory: str, command: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """The answer as it is sent: {"result"} or {"refused"}; raises NobodyThere, NoAnswer."""
    question = json.dumps({"command": command, "arguments": arguments}).encode() + b"\n"
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(PATIENCE_SECONDS)
        try:
            with short_path(Path(data_directory) / SOCKET_FILE) as path:
                line.connect(path)
        except (FileNotFoundError, ConnectionRefusedError) as error:
            raise NobodyThere from error
        except OSError as error:
            raise NoAnswer(f"the running server cannot be reached: {error.strerror or error}") from error
        try:
            line.sendall(question)
            answer = b"".join(iter(lambda: line.recv(65_536), b""))
            found: dict[str, Any] = json.loads(answer)
        except (OSError, ValueError) as error:
            raise NoAnswer("the running server did not answer; its log tells more") from error
    return found
