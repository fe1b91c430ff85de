"""50 MB through the real edge, both ways: what the server holds of it is bounded."""

import http.client
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit

import orjson
import pytest

from tests.running.process import SERVE, Running
from tests.support.s3 import names_in, serve_s3

PIECE = bytes(range(256)) * 256  # 64 KiB
PIECES = 800  # 50 MiB
MOST_HELD = 24 * 2**20


def pieces() -> Iterator[bytes]:
    for _ in range(PIECES):
        yield PIECE


def peak_bytes(server: Running) -> int:
    """The most memory that the process has ever had."""
    lines = Path(f"/proc/{server.process.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))


def connect(server: Running) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(urlsplit(server.address).netloc, timeout=60)


@pytest.fixture(params=["disk", "bucket"])
def place(request: pytest.FixtureRequest) -> Iterator[list[str]]:
    """Settings of where files lie."""
    if request.param == "disk":
        yield []
        return
    with serve_s3() as s3:
        told = {"bucket": s3.bucket, "endpoint": s3.endpoint, "access_key": s3.access_key.reveal(), "secret_key": s3.secret_key.reveal()}
        yield [word for name, value in told.items() for word in ("--set", f"media.s3.{name}={value}")]
        assert len(names_in(s3)) == 1


def test_fifty_megabytes_both_ways(tmp_path: Path, place: list[str]) -> None:
    needed = ("--data", str(tmp_path / "data"), "--name", "test.example", "--client", "127.0.0.1:0", "--cheap-passwords", *place)
    size = len(PIECE) * PIECES
    with Running([SERVE, *needed], tmp_path) as server:
        body = {"username": "alice", "password": "secret secret", "auth": {"type": "m.login.dummy"}}
        status, answer = server.ask("POST", "/_matrix/client/v3/register", body)
        assert status == 200, answer
        allowed = {"Authorization": f"Bearer {answer['access_token']}"}
        before, path = peak_bytes(server), ""
        connection = connect(server)
        for headers in ({"Content-Length": str(size)}, {}):  # announced, and chunked
            connection.request("POST", "/_matrix/media/v3/upload", pieces(), {**allowed, **headers}, encode_chunked=not headers)
            uploaded = connection.getresponse()
            assert uploaded.status == 200
            path = orjson.loads(uploaded.read())["content_uri"].removeprefix("mxc://")
        connection.request("GET", f"/_matrix/client/v1/media/download/{path}", headers=allowed)
        downloaded = connection.getresponse()
        digest = sha256()
        assert downloaded.headers["Content-Length"] == str(size)
        while piece := downloaded.read(len(PIECE)):
            digest.update(piece)
        assert digest.digest() == sha256(PIECE * PIECES).digest()
        print("HELD", place, (peak_bytes(server) - before) / 2**20)
        assert peak_bytes(server) - before < MOST_HELD
        connection.request("POST", "/_matrix/media/v3/upload", b"a", {**allowed, "Content-Length": str(size + 1)})
        assert connection.getresponse().status == 413
        connection.close()
        left = connect(server)  # a client that goes away in the middle
        left.putrequest("POST", "/_matrix/media/v3/upload")
        for name, value in {**allowed, "Content-Length": "1000000"}.items():
            left.putheader(name, value)
        left.endheaders(PIECE)
        left.close()
    here = [path.parent.name for path in (tmp_path / "data" / "media").rglob("*") if path.is_file()]
    assert len(here) == (0 if place else 1)
    assert "incoming" not in here
