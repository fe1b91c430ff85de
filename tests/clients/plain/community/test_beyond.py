"""What leads beyond Matrix: other networks, other services, calls, other ways to log in."""

from tests.clients.house import NAME, POLICY_KEY, TURN, House
from tests.clients.person import v1, v3


def test_proof_of_who_one_is(house: House) -> None:
    alice, bob = house.people("alice", "bob")
    answer = alice.post(v3("user", alice.user_id, "openid", "request_token"), {})
    assert (answer["token_type"], answer["matrix_server_name"], answer["expires_in"]) == ("Bearer", NAME, 3600)
    assert answer["access_token"] != alice.token
    bob.refused(403, "M_FORBIDDEN", "POST", v3("user", alice.user_id, "openid", "request_token"), {})


def test_the_server_for_calls(house: House) -> None:
    alice = house.person("alice")
    answer = alice.get(v3("voip", "turnServer"))
    assert (answer["uris"], answer["ttl"]) == ([TURN], 86_400)
    assert answer["username"].endswith(f":{alice.user_id}")
    assert answer["password"]


def test_the_policy_server(house: House) -> None:
    assert house.stranger().get("/.well-known/matrix/policy_server") == {"public_keys": {"ed25519": POLICY_KEY}}


def test_logins_elsewhere(house: House) -> None:
    stranger = house.stranger()
    stranger.refused(404, "M_UNRECOGNIZED", "GET", v1("auth_metadata"))
    there = "https://client.example.org/"
    stranger.refused(404, "M_NOT_FOUND", "GET", v3("login", "sso", "redirect", redirectUrl=there))
    stranger.refused(404, "M_NOT_FOUND", "GET", v3("login", "sso", "redirect", "oidc", redirectUrl=there))
