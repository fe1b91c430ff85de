"""Versions, capabilities, .well-known."""

import pytest

from config.server import Contact, Server, Support
from homeserver.client_api.discovery import VERSIONS
from tests.support.accounts import make_people
from tests.support.client import run


def test_versions() -> None:
    status, body = run(make_people().client.get("/_matrix/client/versions"))
    assert status == 200
    assert body["versions"] == list(VERSIONS)
    assert any(version in body["versions"] for version in ("v1.1", "v1.13")), "one that today's clients know"
    assert body["unstable_features"] == {"org.example.test": True}


class TestCapabilities:
    def test_of_a_user(self) -> None:
        status, body = run(make_people().user("alice").get("/_matrix/client/v3/capabilities"))
        assert status == 200
        capabilities = body["capabilities"]
        assert capabilities["m.room_versions"]["default"] == "12"
        unstable = {"org.matrix.msc3757.10": "unstable", "org.matrix.msc3757.11": "unstable"}
        assert capabilities["m.room_versions"]["available"] == {str(number): "stable" for number in range(1, 13)} | unstable
        assert capabilities["m.change_password"] == {"enabled": True}
        assert capabilities["m.get_login_token"] == {"enabled": True}

    def test_without_a_password(self) -> None:
        people = make_people()
        _, guest = people.post("/_matrix/client/v3/register", {}, {"kind": "guest"})
        _, body = run(people.client.with_token(guest["access_token"]).get("/_matrix/client/v3/capabilities"))
        assert body["capabilities"]["m.change_password"] == {"enabled": False}
        assert body["capabilities"]["m.get_login_token"] == {"enabled": False}

    def test_needs_a_token(self) -> None:
        assert run(make_people().client.get("/_matrix/client/v3/capabilities"))[1]["errcode"] == "M_MISSING_TOKEN"


class TestWellKnown:
    @pytest.mark.parametrize("name", ["client", "server", "support"])
    def test_not_configured(self, name: str) -> None:
        status, body = run(make_people().client.get(f"/.well-known/matrix/{name}"))
        assert (status, body["errcode"]) == (404, "M_NOT_FOUND")

    def test_configured(self) -> None:
        server = Server(name="test", public_base_url="https://matrix.test/", federation_address="matrix.test:443")
        support = Support(
            (Contact("m.role.admin", matrix_id="@admin:test"), Contact("m.role.security", email_address="s@test")), "https://test/help"
        )
        client = make_people(server=server, support=support).client
        assert run(client.get("/.well-known/matrix/client")) == (200, {"m.homeserver": {"base_url": "https://matrix.test"}})
        assert run(client.get("/.well-known/matrix/server")) == (200, {"m.server": "matrix.test:443"})
        assert run(client.get("/.well-known/matrix/support"))[1] == {
            "contacts": [{"role": "m.role.admin", "matrix_id": "@admin:test"}, {"role": "m.role.security", "email_address": "s@test"}],
            "support_page": "https://test/help",
        }
