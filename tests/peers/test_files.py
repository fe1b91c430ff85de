"""Files and their thumbnails, of the other server's users (server-server API, "Content repository")."""

import json
from io import BytesIO

import pytest
from PIL import Image

from tests.client_api.media.samples import png
from tests.peers.person import Person, Refused

Two = tuple[Person, Person]
GIF = b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"
MEDIA = "/_matrix/client/v1/media"


def upload(person: Person, file: bytes, kind: str) -> str:
    """Server name and ID."""
    made = json.loads(person.side.call("POST", "/_matrix/media/v3/upload?filename=a", file, person.token, kind))
    return str(made["content_uri"]).removeprefix("mxc://")


def test_files(host_and_guest: Two) -> None:
    host, guest = host_and_guest
    for file, kind in ((GIF, "image/gif"), (b"words " * 100_000, "text/plain")):  # Synapse sends no file that is empty
        name = upload(host, file, kind)
        assert guest.side.call("GET", f"{MEDIA}/download/{name}", token=guest.token) == file
        assert guest.side.call("GET", f"{MEDIA}/download/{name}/b.txt", token=guest.token) == file


@pytest.mark.parametrize(("method", "size"), [("crop", (32, 32)), ("scale", (320, 240))])
def test_thumbnails(host_and_guest: Two, method: str, size: tuple[int, int]) -> None:
    host, guest = host_and_guest
    name = upload(host, png(800, 600), "image/png")
    width, height = size
    path = f"{MEDIA}/thumbnail/{name}?width={width}&height={height}&method={method}"
    with Image.open(BytesIO(guest.side.call("GET", path, token=guest.token))) as made:
        assert made.size == size


def test_what_is_not_there(host_and_guest: Two) -> None:
    host, guest = host_and_guest
    for path in (f"download/{host.side.name}/nothing", f"thumbnail/{host.side.name}/nothing?width=32&height=32&method=crop"):
        with pytest.raises(Refused) as refused:
            guest.side.call("GET", f"{MEDIA}/{path}", token=guest.token)
        assert (refused.value.status, refused.value.errcode) == (404, "M_NOT_FOUND")
