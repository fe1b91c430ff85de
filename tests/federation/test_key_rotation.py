"""A new signing key by command, while the server runs; and keys that were put into the key file by hand."""

from pathlib import Path

import pytest

from homeserver.control.errors import Refused
from homeserver.protocol.signing import SigningKey, read_key_file
from tests.federation.support.town import Town, town_of


def test_the_command_takes_effect_at_once_and_for_good(town: Town) -> None:
    server = town["a.test"]
    identity, file = server.parts.ground.identity, Path(server.parts.ground.config.server.signing_key)
    old = identity.key
    (line,) = town.run(server.server.commands.run("rotate-signing-key", {}))
    assert identity.key.key_id in line
    assert identity.key.key_id != old.key_id
    assert [key.key_id for key in read_key_file(file.read_text())] == [identity.key.key_id, old.key_id]
    document = server.ok(server.client.get("/_matrix/key/v2/server"))
    assert list(document["verify_keys"]) == list(document["signatures"]["a.test"]) == [identity.key.key_id]
    expired = {"key": old.public_base64, "expired_ts": town.clock.now_ms()}
    assert document["old_verify_keys"] == {old.key_id: {**expired, "expired_ts": document["old_verify_keys"][old.key_id]["expired_ts"]}}
    assert town.clock.now_ms() - document["old_verify_keys"][old.key_id]["expired_ts"] < 1000


def test_a_file_that_cannot_be_written_changes_nothing(town: Town) -> None:
    server = town["a.test"]
    key, file = server.parts.ground.identity.key, Path(server.parts.ground.config.server.signing_key)
    file.write_text("nonsense")
    with pytest.raises(Refused, match="damaged"):
        town.run(server.server.commands.run("rotate-signing-key", {}))
    assert server.parts.ground.identity.key is key


def test_former_keys_in_the_file_are_published_as_retired(tmp_path: Path) -> None:
    keys = [SigningKey(f"ed25519:{name}", bytes([number]) * 32) for number, name in enumerate(("new", "old"))]
    file = tmp_path / "signing.key"
    file.write_text("".join(key.to_line() for key in keys))
    with town_of(tmp_path, "a.test", signing_key=str(file)) as town:
        document = town["a.test"].ok(town["a.test"].client.get("/_matrix/key/v2/server"))
    assert list(document["verify_keys"]) == ["ed25519:new"]
    assert list(document["old_verify_keys"]) == ["ed25519:old"]
