"""Previews of web pages over plain HTTP."""

from tests.clients.house import House
from tests.clients.person import path, v1
from tests.support.site import serve_site


def test_a_page_is_previewed(house: House) -> None:
    alice = house.person("alice")
    with serve_site() as (port, hits):
        url = f"http://127.0.0.1:{port}/"
        told = alice.get(v1("media", "preview_url", url=url))
        assert (told["og:title"], told["og:image:type"]) == ("Site", "image/png")
        assert alice.get(path("/_matrix/media/v3/preview_url", url=url)) == told
        assert hits == ["/", "/a.png"]
    assert alice.exchange("GET", v1("media", "download", *told["og:image"].removeprefix("mxc://").split("/")))[0] == 200
    alice.refused(400, "M_MISSING_PARAM", "GET", v1("media", "preview_url"))
    alice.refused(400, "M_INVALID_PARAM", "GET", v1("media", "preview_url", url="file:///etc/passwd"))
    alice.refused(404, "M_NOT_FOUND", "GET", v1("media", "preview_url", url=url + "gone"))
