"""The options of `tests/serve`, told to `chatme serve` as settings. This process becomes the server."""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tests/serve",
        fromfile_prefix_chars="@",
        description="A throw-away server: registration is open, any password will do, guests are allowed, and every rate limit but that on "
        "failed logins is off. @FILE stands for the arguments in that file, one a line.",
    )
    parser.add_argument("--data", metavar="DIR", required=True, help="what is there is taken up")
    parser.add_argument("--name", metavar="NAME", required=True, help="the server's name")
    parser.add_argument("--client", metavar="HOST:PORT", required=True, help="where it listens by HTTP, for clients and servers")
    parser.add_argument("--federation", metavar="HOST:PORT", help="where it listens by HTTPS, for clients and servers")
    parser.add_argument("--cert", metavar="FILE", help="certificate of --federation (PEM)")
    parser.add_argument("--key", metavar="FILE", help="key of --cert (PEM)")
    parser.add_argument("--ca", metavar="FILE", help="certificate authorities trusted besides the system's (PEM)")
    parser.add_argument("--database", metavar="URL", help="SQLite in the data directory otherwise")
    parser.add_argument(
        "--appservice", metavar="FILE", action="append", default=[], help="registration of an application service (YAML); repeatable"
    )
    parser.add_argument("--secret", metavar="TEXT", help="shared secret of /_synapse/admin/v1/register")
    parser.add_argument("--no-limits", action="store_true", help="lift the limits on failed logins, too")
    parser.add_argument("--cheap-passwords", action="store_true", help="hashes that cost next to nothing")
    parser.add_argument("--private-addresses", action="store_true", help="previews, too, may reach loopback and private addresses")
    parser.add_argument("--set", metavar="SECTION.KEY=VALUE", action="append", default=[], dest="settings", help="any setting; repeatable")
    return parser


def settings(given: argparse.Namespace) -> Iterator[str]:
    yield f"server.name={given.name}"
    if not given.client.endswith(":0"):
        yield f"server.public_base_url=http://{reachable(given.client, given.name)}"
    yield from listener("client", given.client)
    if given.federation:
        yield from listener("federation", given.federation)
        yield f"listeners.federation.certificate={absolute(given.cert)}"
        yield f"listeners.federation.key={absolute(given.key)}"
    yield from ("federation.enabled=true", "federation.private_addresses=true")
    if given.ca:
        yield f"federation.trusted_authorities={absolute(given.ca)}"
    yield from ("registration.enabled=true", "registration.requires_token=false", "registration.guests=true")
    yield from ("rooms.who_may_publish=anyone", "rate_limits.enabled=false", "server_notices.localpart=_server")
    if given.no_limits:
        yield from ("rate_limits.failed_login_account.per_second=0", "rate_limits.failed_login_address.per_second=0")
    yield from ("passwords.minimum_length=1", "media.unauthenticated_downloads=true")
    if given.cheap_passwords:
        yield from ("passwords.memory_kib=8", "passwords.iterations=1")
    if given.database:
        yield f"database.url={given.database}"
    if given.private_addresses:
        yield "outgoing.private_addresses=true"
    if given.secret:
        yield f"registration.shared_secret={given.secret}"
    if given.appservice:
        yield f"appservices.registrations={json.dumps([absolute(file) for file in given.appservice])}"
    yield from given.settings


def reachable(address: str, name: str) -> str:
    """Who listens on all addresses is found by its name."""
    host, _, port = address.rpartition(":")
    return f"{name.partition(':')[0]}:{port}" if host in ("0.0.0.0", "[::]", "") else address


def listener(name: str, address: str) -> Iterator[str]:
    host, _, port = address.rpartition(":")
    host = {"localhost": "127.0.0.1", "": "127.0.0.1"}.get(host, host.strip("[]"))
    yield from (f"listeners.{name}.enabled=true", f"listeners.{name}.bind={host}", f"listeners.{name}.port={port}")
    yield f"listeners.{name}.serves=client,federation"


def absolute(file: str) -> str:
    return str(Path(file).absolute())


def main() -> None:
    parser = options()
    given = parser.parse_args()
    if given.federation and not (given.cert and given.key):
        parser.error("--federation needs --cert and --key")
    words = ["serve", "--data", given.data]
    for setting in settings(given):
        words += ["--set", setting]
    sys.path[:1] = [str(ROOT)]
    from homeserver.__main__ import main as serve

    serve(words)


if __name__ == "__main__":
    main()
