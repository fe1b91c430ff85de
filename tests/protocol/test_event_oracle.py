"""Hashes, event IDs and redactions of generated events equal those of an independent implementation, in every room version.

The oracle is the matrix-synapse package in an environment of its own: `CHATME_ORACLE_PYTHON` names its Python, or `.oracle/` holds it.
It runs as another process and is never imported here.
"""

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from homeserver.protocol import event_format, signing
from homeserver.protocol.redaction import redact
from homeserver.protocol.room_versions import RoomVersion
from tests.protocol.samples import foreign_pdus

ROOT = Path(__file__).parents[2]
SCRIPT = Path(__file__).parent / "oracle" / "hash_oracle.py"
PYTHON = Path(os.environ.get("CHATME_ORACLE_PYTHON", ROOT / ".oracle" / "bin" / "python"))

EXAMPLES = int(os.environ.get("CHATME_ORACLE_EXAMPLES", "400"))  # many more by hand

Ask = Callable[[RoomVersion, dict[str, Any]], dict[str, Any]]


@pytest.fixture(scope="module")
def ask() -> Iterator[Ask]:
    if not PYTHON.exists():
        pytest.skip(
            f"no oracle: install matrix-synapse into an environment and name its Python in CHATME_ORACLE_PYTHON ({PYTHON} is not there)"
        )
    with subprocess.Popen([PYTHON, SCRIPT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        questions, answers = process.stdin, process.stdout
        assert questions is not None
        assert answers is not None

        def ask_one(version: RoomVersion, pdu: dict[str, Any]) -> dict[str, Any]:
            questions.write(json.dumps({"version": version.identifier, "pdu": pdu}) + "\n")
            questions.flush()
            answer: dict[str, Any] = json.loads(answers.readline())
            return answer

        yield ask_one
        questions.close()


@settings(max_examples=EXAMPLES, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sample=foreign_pdus())
def test_hashes_ids_and_redactions(ask: Ask, sample: tuple[dict[str, Any], RoomVersion]) -> None:
    pdu, version = sample
    assert ask(version, pdu) == {
        "content_hash": signing.content_hash(pdu, version).hex(),
        "reference_hash": signing.reference_hash(pdu, version).hex(),
        "event_id": event_format.parse(pdu, version).event_id,
        "redacted": redact(pdu, version),
    }
