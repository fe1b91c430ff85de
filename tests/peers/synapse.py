"""The other server: matrix-synapse as it comes, with its own database and by real TLS."""

import json
import signal
import subprocess
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from homeserver.protocol.signing import encode_base64
from tests.federation.support.certificates import Certificate
from tests.peers.person import Side

START_SECONDS = 90
RETRY_MS = 50  # after it did not reach a server
RATES = {"per_second": 1_000_000, "burst_count": 1_000_000}
NO_LIMITS = {
    "rc_message": RATES,
    "rc_registration": RATES,
    "rc_login": {"address": RATES, "account": RATES, "failed_attempts": RATES},
    "rc_joins": {"local": RATES, "remote": RATES},
    "rc_joins_per_room": RATES,
    "rc_invites": {"per_room": RATES, "per_user": RATES, "per_issuer": RATES},
    "rc_room_creation": RATES,
    "rc_media_create": RATES,
    "rc_presence": {"per_user": RATES},
    "rc_federation": {"window_size": 1000, "sleep_limit": 1_000_000, "sleep_delay": 1, "reject_limit": 1_000_000, "concurrent": 100},
    "federation_rr_transactions_per_room_per_second": 1000,
}


class Synapse:
    """`with Synapse(…) as synapse:`; `rest` and `resume` stop it and take it up again."""

    def __init__(
        self,
        python: Path,
        folder: Path,
        name: str,
        ports: tuple[int, int],
        certificate: Certificate,
        authority: Path,
        database: Mapping[str, Any] | None = None,
    ) -> None:
        self._python, self._folder = python, folder
        client, federation = ports
        self.side = Side(name, f"http://127.0.0.1:{client}")
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir()
        settings = _settings(self.side, folder, client, federation, certificate, authority)
        if database is not None:
            settings["database"] = database
        (folder / "homeserver.yaml").write_text(json.dumps(settings))  # JSON is YAML
        (folder / "signing.key").write_text(f"ed25519 a_key {encode_base64(bytes(range(32)))}\n")

    def __enter__(self) -> "Synapse":
        self.resume()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.rest()

    def resume(self) -> None:
        words = [str(self._python), "-m", "synapse.app.homeserver", "-c", "homeserver.yaml"]
        with (self._folder / "said.log").open("ab") as log:
            self._process = subprocess.Popen(words, cwd=self._folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        latest = time.monotonic() + START_SECONDS
        while not self._answers():
            assert self._process.poll() is None, (self._folder / "said.log").read_text()[-3000:]
            assert time.monotonic() < latest, "the other server does not come up"
            time.sleep(0.05)

    @property
    def pid(self) -> int:
        return 0 if self._process is None else self._process.pid

    def rest(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(timeout=60)
            self._process = None

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(self.side.address + "/_matrix/client/versions", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False


def _settings(side: Side, folder: Path, client: int, federation: int, certificate: Certificate, authority: Path) -> dict[str, Any]:
    def listener(port: int, name: str, *, tls: bool) -> dict[str, Any]:
        resources = [{"names": [name], "compress": False}]
        return {"port": port, "type": "http", "tls": tls, "bind_addresses": ["127.0.0.1"], "resources": resources}

    return {
        "server_name": side.name,
        "public_baseurl": side.address,
        "report_stats": False,
        "signing_key_path": str(folder / "signing.key"),
        "macaroon_secret_key": "not secret",
        "form_secret": "not secret",
        "media_store_path": str(folder / "media_store"),
        "listeners": [listener(client, "client", tls=False), listener(federation, "federation", tls=True)],
        "tls_certificate_path": str(certificate.certificate),
        "tls_private_key_path": str(certificate.key),
        "federation_custom_ca_list": [str(authority)],
        "ip_range_blacklist": [],
        "federation_ip_range_blacklist": [],
        "trusted_key_servers": [],
        "database": {"name": "sqlite3", "args": {"database": str(folder / "homeserver.db")}},
        "enable_registration": True,
        "enable_registration_without_verification": True,
        "room_list_publication_rules": [{"action": "allow"}],
        "allow_public_rooms_over_federation": True,
        "allow_device_name_lookup_over_federation": True,
        "bcrypt_rounds": 4,
        "federation": {
            "destination_min_retry_interval": RETRY_MS,
            "destination_retry_multiplier": 1,
            "destination_max_retry_interval": RETRY_MS,
            "max_short_retries": 0,
            "max_long_retries": 0,
            "client_timeout": "20s",
        },
        **NO_LIMITS,
    }
