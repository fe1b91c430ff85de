"""Lists that must name everything of a kind: what somebody wrote is wired, served and measured."""

import importlib
import inspect
import re
from collections.abc import Iterator

import pytest

from config.federation import Federation
from config.listeners import Listener, Listeners
from homeserver.figures import CacheFigures
from homeserver.web.endpoint import Schema
from homeserver.web.router import Route
from tests.architecture.tree import ROOT, python_files
from tests.support.server import make_server


def classes() -> Iterator[type]:
    for path in python_files("homeserver", "federation", "appservices"):
        if path.name != "__main__.py":
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
            module = importlib.import_module(name)
            yield from (member for _, member in inspect.getmembers(module, inspect.isclass) if member.__module__ == name)


@pytest.fixture(scope="module")
def routes(tmp_path_factory: pytest.TempPathFactory) -> list[Route]:
    everything = Listener(True, ("127.0.0.1",), 0, ("client", "federation", "metrics"))
    server = make_server(tmp_path_factory.mktemp("data"), listeners=Listeners(client=everything), federation=Federation(enabled=True))
    return server.server.doors[0].dispatch.router.routes


def test_every_declared_endpoint_is_served(routes: list[Route]) -> None:
    declared = {
        (declaration.method, declaration.path)
        for owner in classes()
        for method in vars(owner).values()
        for declaration in getattr(method, "declarations", ())
    }
    assert declared == {(route.declaration.method, route.declaration.path) for route in routes}


def test_every_schema_of_a_body_is_used(routes: list[Route]) -> None:
    used = {f"{route.declaration.body.name}.json" for route in routes if isinstance(route.declaration.body, Schema)}
    used |= {f"{name}.json" for name in re.findall(r'"(federation/[a-z_]+)"', (ROOT / "federation/edus/table.py").read_text("utf-8"))}
    folder = ROOT / "schema/json"
    assert {str(path.relative_to(folder)) for path in folder.rglob("*.json")} - used == set()


def test_every_cache_is_measured() -> None:
    listed = (ROOT / "homeserver/wiring/metrics.py").read_text("utf-8")
    figures = {
        f"{owner.__name__}.{name}": name
        for owner in classes()
        for name, member in vars(owner).items()
        if isinstance(member, property) and member.fget is not None and member.fget.__annotations__.get("return") is CacheFigures
    }
    assert figures
    assert [owner for owner, name in figures.items() if f".{name}" not in listed] == []
