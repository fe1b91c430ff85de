"""Ports for servers that are started, killed and started again at the same place."""

import socket

HOST = "127.0.0.1"


def free_port() -> int:
    """Kept for whoever asked until this process of the tests ends.

    A socket stays bound to it, without listening: a server that sets SO_REUSEADDR, as all do, can listen there, but the system gives the port to
    nobody else, neither to who asks for any port nor to a connection on its way out; also not while the server is dead.
    """
    with socket.socket() as kept:
        kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        kept.bind((HOST, 0))
        port = int(kept.getsockname()[1])
        kept.detach()
    return port
