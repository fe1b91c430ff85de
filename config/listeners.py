"""Section `listeners`: the three places where the server may listen, and what it answers there."""

from typing import Annotated, Literal, NamedTuple

Api = Literal["client", "federation", "metrics"]


class Listener(NamedTuple):
    enabled: bool
    bind: tuple[str, ...]
    port: Annotated[int, {"minimum": 0, "maximum": 65535}]  # 0: any free port
    serves: tuple[Api, ...]
    # PEM files; with them the listener speaks TLS, without them it stands behind a proxy or on this machine alone.
    certificate: Annotated[str, {"path": True}] = ""
    key: Annotated[str, {"path": True}] = ""


class Listeners(NamedTuple):
    client: Listener = Listener(True, ("127.0.0.1",), 8008, ("client", "federation"))
    federation: Listener = Listener(False, ("0.0.0.0",), 8448, ("federation",))  # noqa: S104 - other servers come from everywhere
    metrics: Listener = Listener(False, ("127.0.0.1",), 8009, ("metrics",))
