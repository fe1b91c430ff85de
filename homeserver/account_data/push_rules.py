"""What m.push_rules holds (client-server API, "Push Rules: Events"). Stored is only what a user changed (`protocol.push.changes`)."""

import orjson

from homeserver.protocol.push.changes import whole


def push_rules_content(user_id: str, changes: bytes) -> bytes:
    """As ready JSON; `changes` empty: there are none."""
    return orjson.dumps({"global": whole(user_id, orjson.loads(changes) if changes else {})})
