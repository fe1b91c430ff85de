"""Links to events."""

from urllib.parse import quote


def permalink(base: str, room: str, event: str, server: str) -> str:
    return f"{base}{quote(room, safe='!:')}/{quote(event, safe='$:')}?via={quote(server, safe=':')}"
