"""Section `media`: files that people upload, and pictures made from them."""

from typing import Annotated, NamedTuple

from config.secret import Secret


class S3(NamedTuple):
    """Files in a bucket instead of a folder."""

    bucket: str = ""  # empty: in the folder
    endpoint: Annotated[str, {"pattern": r"^(https?://.+)?$", "says": "an address like https://s3.example.org"}] = ""  # empty: Amazon's
    region: str = "us-east-1"
    prefix: str = ""  # of the names of all files
    bucket_in_host: bool = False  # is the bucket's name part of the endpoint's?
    # Both empty: as Amazon's own tools find them, in the environment or from the machine's role.
    access_key: Secret = Secret()
    secret_key: Secret = Secret()
    connections: Annotated[int, {"minimum": 1, "maximum": 100}] = 8
    timeout_seconds: Annotated[int, {"minimum": 1}] = 30  # of a request, which carries a few megabytes at most


class Media(NamedTuple):
    directory: Annotated[str, {"path": True}] = "media"
    max_upload_bytes: Annotated[int, {"minimum": 1}] = 52_428_800
    # All that one person has uploaded; 0: without end.
    user_quota_bytes: Annotated[int, {"minimum": 0}] = 0
    user_quota_files: Annotated[int, {"minimum": 0}] = 0
    quota_page: Annotated[str, {"pattern": r"^(https?://\S+)?$", "says": "an http(s) address"}] = (
        ""  # an address where people read about these limits; empty: server.public_base_url
    )
    unauthenticated_downloads: bool = False  # are /_matrix/media/v3/download and /thumbnail served, which ask for no token?
    # What one person may have fetched from other servers: at once, and in the long run; 0 a second: without end.
    remote_burst_bytes: Annotated[int, {"minimum": 1}] = 524_288_000
    remote_bytes_per_second: Annotated[int, {"minimum": 0}] = 131_072
    # Uploads that are announced first and sent later.
    pending_uploads: Annotated[int, {"minimum": 0}] = 20  # per user; 0: none
    pending_upload_seconds: Annotated[int, {"minimum": 60}] = 86_400
    # Thumbnails. Pillow itself warns of more pixels than the maximum here.
    max_image_pixels: Annotated[int, {"minimum": 1, "maximum": 89_000_000}] = 32_000_000
    image_threads: Annotated[int, {"minimum": 1, "maximum": 64}] = 1
    image_queue: Annotated[int, {"minimum": 1}] = 50  # thumbnails that may wait to be made; further ones are told to come back
    url_previews: bool = True  # does this server look at addresses in messages for those who ask?
    # Days after which files that nobody asked for are removed; 0: never.
    remote_kept_days: Annotated[int, {"minimum": 0, "maximum": 36_500}] = 90
    local_kept_days: Annotated[int, {"minimum": 0, "maximum": 36_500}] = 0
    s3: S3 = S3()
