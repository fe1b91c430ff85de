"""Answers for single events by an independent implementation: run by a Python that has matrix-synapse, spoken to in JSON lines.

Each line read is `{"version": …, "pdu": …}`; each line written `{"content_hash", "reference_hash", "event_id", "redacted"}` or `{"error"}`.
"""

import hashlib
import json
import sys
from typing import Any

import synapse.event_auth  # noqa: F401 - first, or an import cycle breaks
from synapse.api.room_versions import KNOWN_ROOM_VERSIONS
from synapse.crypto.event_signing import compute_content_hash, compute_event_reference_hash
from synapse.events import make_event_from_dict
from synapse.events.utils import prune_event


def answer(question: dict[str, Any]) -> dict[str, Any]:
    version = KNOWN_ROOM_VERSIONS[question["version"]]
    content_hash = compute_content_hash(dict(question["pdu"]), hashlib.sha256)[1].hex()
    event = make_event_from_dict(question["pdu"], version)
    return {
        "content_hash": content_hash,
        "reference_hash": compute_event_reference_hash(event)[1].hex(),
        "event_id": event.event_id,
        "redacted": {key: value for key, value in prune_event(event).get_dict().items() if key != "unsigned"},
    }


def main() -> None:
    for line in sys.stdin:
        try:
            given = answer(json.loads(line))
        except Exception as error:  # whatever it is, the other side judges the answer
            given = {"error": f"{type(error).__name__}: {error}"}
        sys.stdout.write(json.dumps(given) + "\n")
        sys.stdout.flush()


main()
