"""What servers of a town ask and answer, written down to be held against the specification: one exchange a line, as `tests/clients/recorder.py` does."""

import json
from pathlib import Path
from types import TracebackType

from homeserver.web.request import Request
from tests.clients.recorder import body_of


class Recording:
    """`with Recording(file) as recording:`"""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __enter__(self) -> "Recording":
        self._out = self.file.open("a", encoding="utf-8", buffering=1)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._out.close()

    def write(self, request: Request, uri: str, status: int, content_type: str, answer: bytes, *, is_ours: bool) -> None:
        """Where the answer is not ours, the question is judged."""
        exchange = {
            "method": request.method,
            "path": uri,
            "authenticated": "authorization" in request.headers,
            "status": status,
            "role": "server" if is_ours else "client",
            "response_content_type": content_type or None,
            **body_of("request", request.raw_body, expected_json=request.raw_body[:1] in (b"{", b"[")),
            **body_of("response", answer, expected_json="json" in content_type),
        }
        self._out.write(json.dumps(exchange) + "\n")
