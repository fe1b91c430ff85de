"""Files over plain HTTP: sent, announced and sent later, fetched by the new paths and the old, made small."""

import struct
import zlib
from typing import Any

from tests.clients.house import NAME, House
from tests.clients.person import Person, path, v1

MEDIA = "/_matrix/media"


def picture(width: int = 64, height: int = 48) -> bytes:
    """A red PNG."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + b"\xff\0\0" * width for _ in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def send(person: Person, method: str, to: str, data: bytes, kind: str = "image/png") -> Any:
    status, answer = person.exchange(method, to, data, **{"Content-Type": kind})
    assert status == 200, answer
    return answer


def test_a_file_is_sent_and_fetched(house: House) -> None:
    alice, bob = house.people("alice", "bob")
    data = picture()
    uri = send(alice, "POST", path(f"{MEDIA}/v3/upload", filename="red.png"), data)["content_uri"]
    server, _, media = uri.removeprefix("mxc://").partition("/")
    assert server == NAME
    for new in (v1("media", "download", NAME, media), v1("media", "download", NAME, media, "other.png")):
        assert bob.exchange("GET", new) == (200, data)
        house.stranger().refused(401, "M_MISSING_TOKEN", "GET", new)
    for old in (f"{MEDIA}/v3/download/{NAME}/{media}", f"{MEDIA}/v3/download/{NAME}/{media}/other.png"):
        assert house.stranger().exchange("GET", old) == (200, data)
    for small in (v1("media", "thumbnail", NAME, media, width=16, height=16, method="crop"),):
        status, made = bob.exchange("GET", small)
        assert (status, made[:4]) == (200, b"\x89PNG"), made
    status, made = house.stranger().exchange("GET", path(f"{MEDIA}/v3/thumbnail/{NAME}/{media}", width=16, height=16))
    assert (status, made[:4]) == (200, b"\x89PNG"), made
    bob.refused(404, "M_NOT_FOUND", "GET", v1("media", "download", NAME, "unknown"))
    bob.refused(404, "M_NOT_FOUND", "GET", v1("media", "thumbnail", NAME, "unknown", width=16, height=16))
    assert bob.exchange("GET", v1("media", "thumbnail", NAME, media, width=0, height=16))[0] == 400


def test_a_file_is_announced_and_sent_later(house: House) -> None:
    alice, bob = house.people("alice", "bob")
    created = alice.post(f"{MEDIA}/v1/create")
    assert created["unused_expires_at"] > 0
    media = created["content_uri"].rpartition("/")[2]
    bob.refused(504, "M_NOT_YET_UPLOADED", "GET", v1("media", "download", NAME, media, timeout_ms=0))
    to = path(f"{MEDIA}/v3/upload/{NAME}/{media}", filename="red.png")
    bob.refused(403, "M_FORBIDDEN", "PUT", to, picture())
    assert send(alice, "PUT", to, picture()) == {}
    alice.refused(409, "M_CANNOT_OVERWRITE_MEDIA", "PUT", to, picture())
    assert bob.exchange("GET", v1("media", "download", NAME, media)) == (200, picture())


def test_how_much_may_be_sent(house: House) -> None:
    alice = house.person("alice")
    limits = alice.get(v1("media", "config"))
    assert limits["m.upload.size"] > 0
    assert alice.get(f"{MEDIA}/v3/config") == limits


def test_what_an_administrator_does_about_files(house: House) -> None:
    admin, bob = house.administrator(), house.person("bob")
    uri = send(bob, "POST", f"{MEDIA}/v3/upload", picture())["content_uri"]
    media, api = uri.rpartition("/")[2], "/_synapse/admin/v1"
    file = f"{api}/media/{NAME}/{media}"
    bob.refused(403, "M_FORBIDDEN", "GET", file)
    assert admin.get(file)["media_info"]["user_id"] == bob.user_id
    assert admin.post(f"{api}/media/quarantine/{NAME}/{media}") == {}
    bob.refused(404, "M_NOT_FOUND", "GET", v1("media", "download", NAME, media))
    assert admin.post(f"{api}/media/unquarantine/{NAME}/{media}") == {}
    assert bob.exchange("GET", v1("media", "download", NAME, media)) == (200, picture())
    assert admin.post(f"{api}/user/{bob.user_id}/media/quarantine") == {"num_quarantined": 1}
    assert [found["media_id"] for found in admin.get(f"{api}/users/{bob.user_id}/media")["media"]] == [media]
    assert admin.delete(file) == {"deleted_media": [media], "total": 1}
    assert admin.delete(f"{api}/users/{bob.user_id}/media") == {"deleted_media": [], "total": 0}
    assert admin.post(f"{api}/purge_media_cache?before_ts=1700000000000") == {"deleted": 0}
