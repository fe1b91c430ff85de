"""`tests/serve` tells its options to the server as settings."""

from pathlib import Path

from config.load import load
from config.settings import Config
from tests.serve_options import options, settings


def told(tmp_path: Path, *words: str) -> Config:
    needed = ("--data", str(tmp_path), "--name", "hs1", "--client", "127.0.0.1:8008")
    return load(None, base=tmp_path, environment={}, settings=list(settings(options().parse_args([*needed, *words]))))


def test_a_throw_away_server_is_open(tmp_path: Path) -> None:
    config = told(tmp_path)
    assert config.server.name == "hs1"
    assert config.server.data_directory == str(tmp_path)
    assert (config.listeners.client.bind, config.listeners.client.port) == (("127.0.0.1",), 8008)
    assert config.listeners.client.serves == ("client", "federation")
    assert not config.listeners.federation.enabled
    assert (config.federation.enabled, config.federation.private_addresses) == (True, True)
    assert config.registration.enabled
    assert not config.registration.requires_token
    assert config.registration.guests
    assert config.rooms.who_may_publish == "anyone"
    assert not config.rate_limits.enabled
    assert config.rate_limits.failed_login_account.per_second > 0
    assert config.passwords.memory_kib > 10_000


def test_every_option_has_its_effect(tmp_path: Path) -> None:
    config = told(
        tmp_path,
        *("--federation", "0.0.0.0:8448", "--cert", "/c.pem", "--key", "/k.pem"),
        *("--database", "postgresql://u@h/n", "--secret", "complement"),
        *("--no-limits", "--cheap-passwords", "--private-addresses", "--set", "presence.enabled=false", "--ca", "/ca.pem"),
        *("--appservice", "/a.yaml", "--appservice", "/b,c.yaml"),
    )
    federation = config.listeners.federation
    assert (federation.enabled, federation.bind, federation.port) == (True, ("0.0.0.0",), 8448)
    assert (federation.certificate, federation.key, federation.serves) == ("/c.pem", "/k.pem", ("client", "federation"))
    assert config.database.url.reveal() == "postgresql://u@h/n"
    assert config.registration.shared_secret.reveal() == "complement"
    assert config.rate_limits.failed_login_account.per_second == config.rate_limits.failed_login_address.per_second == 0
    assert config.passwords.memory_kib == 8
    assert not config.presence.enabled
    assert config.outgoing.private_addresses
    assert config.federation.trusted_authorities == "/ca.pem"
    assert config.appservices.registrations == ("/a.yaml", "/b,c.yaml")


def test_arguments_may_stand_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "arguments").write_text("--secret\nfrom the file\n")
    assert told(tmp_path, f"@{tmp_path}/arguments").registration.shared_secret.reveal() == "from the file"


def test_who_listens_everywhere_is_found_by_its_name(tmp_path: Path) -> None:
    assert told(tmp_path, "--client", "0.0.0.0:80").server.public_base_url == "http://hs1:80"
    assert told(tmp_path, "--client", "[::1]:80").listeners.client.bind == ("::1",)
    assert told(tmp_path, "--client", "localhost:80").listeners.client.bind == ("127.0.0.1",)
