"""What m.push_rules holds for those who changed none of their rules (client-server API, "Push Rules: Events")."""

import orjson

from homeserver.protocol.push_rules import default_rules


def default_content(user_id: str) -> bytes:
    """As ready JSON."""
    return orjson.dumps({"global": default_rules(user_id)})
