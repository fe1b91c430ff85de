"""`chatme health`: does the server of these settings answer? For health checks of containers and the like."""

import argparse
import http.client
import json
import ssl

from config.listeners import Listener
from homeserver.cli import places
from homeserver.cli.failed import Failed

PATH = "/_matrix/client/versions"
PATIENCE_SECONDS = 5.0
ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - who listens everywhere is asked here


def health(arguments: argparse.Namespace) -> None:
    config = places.settings(arguments)
    listeners = (config.listeners.client, config.listeners.federation)
    listener = next((one for one in listeners if one.enabled and "client" in one.serves), None)
    if listener is None:
        raise Failed("no listener serves clients")
    print(f"It answers, and speaks Matrix {_newest_version(listener)}.")


def _newest_version(listener: Listener) -> str:
    address = ANYWHERE.get(listener.bind[0], listener.bind[0])
    connection = _connection(listener, address)
    try:
        connection.request("GET", PATH)
        answer = connection.getresponse()
        versions: list[str] = json.loads(answer.read())["versions"]
    except (OSError, http.client.HTTPException, ValueError, KeyError) as error:
        raise Failed(f"no answer from {address}, port {listener.port}: {error}") from error
    finally:
        connection.close()
    return versions[-1]


def _connection(listener: Listener, address: str) -> http.client.HTTPConnection:
    if not listener.certificate:
        return http.client.HTTPConnection(address, listener.port, timeout=PATIENCE_SECONDS)
    unverified = ssl.create_default_context()  # the certificate is for the name that others use
    unverified.check_hostname = False
    unverified.verify_mode = ssl.CERT_NONE
    return http.client.HTTPSConnection(address, listener.port, timeout=PATIENCE_SECONDS, context=unverified)
