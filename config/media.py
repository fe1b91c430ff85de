"""Section `media`: files that people upload, and pictures made from them."""

from dataclasses import dataclass, field

from config.secret import Secret


@dataclass(frozen=True, slots=True)
class S3:
    """Files in a bucket instead of a folder."""

    bucket: str = ""  # empty: in the folder
    endpoint: str = field(
        default="", metadata={"pattern": r"^(https?://.+)?$", "says": "an address like https://s3.example.org"}
    )  # empty: Amazon's
    region: str = "us-east-1"
    prefix: str = ""  # of the names of all files
    bucket_in_host: bool = False  # is the bucket's name part of the endpoint's?
    # Both empty: as Amazon's own tools find them, in the environment or from the machine's role.
    access_key: Secret = Secret()
    secret_key: Secret = Secret()
    connections: int = field(default=8, metadata={"minimum": 1, "maximum": 100})
    timeout_seconds: int = field(default=30, metadata={"minimum": 1})  # of a request, which carries a few megabytes at most


@dataclass(frozen=True, slots=True)
class Media:
    directory: str = field(default="media", metadata={"path": True})
    max_upload_bytes: int = field(default=52_428_800, metadata={"minimum": 1})
    # All that one person has uploaded; 0: without end.
    user_quota_bytes: int = field(default=0, metadata={"minimum": 0})
    user_quota_files: int = field(default=0, metadata={"minimum": 0})
    quota_page: str = ""  # an address where people read about these limits; empty: server.public_base_url
    unauthenticated_downloads: bool = False  # are /_matrix/media/v3/download and /thumbnail served, which ask for no token?
    # What one person may have fetched from other servers: at once, and in the long run; 0 a second: without end.
    remote_burst_bytes: int = field(default=524_288_000, metadata={"minimum": 1})
    remote_bytes_per_second: int = field(default=131_072, metadata={"minimum": 0})
    # Uploads that are announced first and sent later.
    pending_uploads: int = field(default=20, metadata={"minimum": 0})  # per user; 0: none
    pending_upload_seconds: int = field(default=86_400, metadata={"minimum": 60})
    # Thumbnails. Pillow itself warns of more pixels than the maximum here.
    max_image_pixels: int = field(default=32_000_000, metadata={"minimum": 1, "maximum": 89_000_000})
    image_threads: int = field(default=1, metadata={"minimum": 1, "maximum": 64})
    image_queue: int = field(default=50, metadata={"minimum": 1})  # thumbnails that may wait to be made; further ones are told to come back
    url_previews: bool = True  # does this server look at addresses in messages for those who ask?
    # Days after which files that nobody asked for are removed; 0: never.
    remote_kept_days: int = field(default=90, metadata={"minimum": 0})
    local_kept_days: int = field(default=0, metadata={"minimum": 0})
    s3: S3 = field(default_factory=S3)
