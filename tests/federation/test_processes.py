"""Two servers in processes of their own, by real TLS: each finds the other by its name, believes its certificate, and learns its keys."""

import ssl
import urllib.request
from contextlib import ExitStack
from pathlib import Path

import orjson

from tests.federation.support.certificates import Authority
from tests.running.ports import free_port
from tests.running.process import SERVE, Running


def test_servers_find_and_believe_each_other(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    certificate = authority.certify("localhost", "127.0.0.1")
    names = [f"localhost:{free_port()}", f"127.0.0.1:{free_port()}"]
    with ExitStack() as stack:
        for number, name in enumerate(names):
            folder = tmp_path / str(number)
            folder.mkdir()
            port = name.rpartition(":")[2]
            words = ["--data", str(folder / "data"), "--name", name, "--client", "127.0.0.1:0", "--federation", f"127.0.0.1:{port}"]
            words += ["--cert", str(certificate.certificate), "--key", str(certificate.key), "--ca", str(authority.file)]
            stack.enter_context(Running([SERVE, *words], folder))
        trusting = ssl.create_default_context(cafile=str(authority.file))
        for asked, about in (names, reversed(names)):
            with urllib.request.urlopen(f"https://{asked}/_matrix/key/v2/query/{about}", context=trusting, timeout=30) as answer:
                (found,) = orjson.loads(answer.read())["server_keys"]
            assert found["server_name"] == about
            assert sorted(found["signatures"]) == sorted(names)
