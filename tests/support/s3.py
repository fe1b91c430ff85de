"""A server that speaks S3, in a process of its own, with one bucket; everything in memory."""

import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

from config.media import S3
from config.secret import Secret

PORT = re.compile(r"Running on http://127\.0\.0\.1:(\d+)")
BUCKET = "media"


@contextmanager
def serve_s3() -> Iterator[S3]:
    """How to reach it."""
    words = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"]
    with subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        try:
            found = next(match for line in process.stderr if (match := PORT.search(line)))
            address = f"http://127.0.0.1:{found[1]}"
            request = urllib.request.Request(f"{address}/{BUCKET}", method="PUT")
            with urllib.request.urlopen(request, timeout=60):
                pass
            yield S3(
                bucket=BUCKET, endpoint=address, prefix="chatme", access_key=Secret("key"), secret_key=Secret("secret"), timeout_seconds=10
            )
        finally:
            process.kill()


def names_in(settings: S3) -> list[str]:
    """What is in the bucket, also parts of what was never ended."""
    found = []
    for question, tag in (("list-type=2", "Key"), ("uploads", "UploadId")):
        with urllib.request.urlopen(f"{settings.endpoint}/{settings.bucket}?{question}", timeout=60) as answer:
            found += re.findall(f"<{tag}>([^<]*)</{tag}>", answer.read().decode())
    return sorted(found)
